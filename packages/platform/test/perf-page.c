/*
 * Runs native/perf-page.h against a page in this program's own memory, with a counter and a clock that the test sets.
 * Reads a command a line, answers a line; numbers are unsigned decimals of 64 bits.
 *
 *   layout                                             checks the layout against the kernel's header; "ok" or what differs
 *   count OFFSET COUNTER WIDTH                         corelane_perf_count
 *   cycles CYCLES BASE MASK                            corelane_perf_cycles
 *   elapsed CYCLES OFFSET MULT SHIFT                   corelane_perf_elapsed_ns
 *   page LOCK INDEX OFFSET ENABLED RUNNING CAPS WIDTH SHIFT MULT TIMEOFFSET TIMECYCLES TIMEMASK COUNTER CLOCK WRITES
 *        corelane_perf_page_read: "RESULT ENABLED RUNNING COUNT READS". The first WRITES times that the counter is read, the kernel
 *        comes between: `lock` moves on by 2, offset by 1000, index by 1 up to 41.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <linux/perf_event.h>

static bool read_counter(uint32_t counter, uint64_t *value);
static uint64_t read_clock(void);
#define CORELANE_PERF_COUNTER read_counter
#define CORELANE_PERF_CLOCK read_clock
#include "../native/perf-page.h"

static corelane_perf_page page;
static uint64_t counter_value, clock_value, writes_left, counter_reads;

/** Counters above 40 do not exist here. What the counter says depends on which it is. */
static bool read_counter(uint32_t counter, uint64_t *value) {
  counter_reads++;
  *value = counter_value + counter;
  if (writes_left > 0) {
    writes_left--;
    page.lock += 2;
    page.offset += 1000;
    if (page.index <= 40) page.index += 1;
  }
  return counter <= 40;
}

static uint64_t read_clock(void) { return clock_value; }

#define SAME(ours, theirs)                                                                                            \
  if (offsetof(corelane_perf_page, ours) != offsetof(struct perf_event_mmap_page, theirs)) {                        \
    printf("%s is at %zu, the kernel has it at %zu\n", #ours, offsetof(corelane_perf_page, ours),                    \
           offsetof(struct perf_event_mmap_page, theirs));                                                            \
    return;                                                                                                           \
  }

static void layout(void) {
  SAME(lock, lock)
  SAME(index, index)
  SAME(offset, offset)
  SAME(time_enabled, time_enabled)
  SAME(time_running, time_running)
  SAME(capabilities, capabilities)
  SAME(pmc_width, pmc_width)
  SAME(time_shift, time_shift)
  SAME(time_mult, time_mult)
  SAME(time_offset, time_offset)
  SAME(time_zero, time_zero)
  SAME(size, size)
#ifdef PERF_ATTR_SIZE_VER7 /* 5.13, a version after time_cycles came */
  SAME(time_cycles, time_cycles)
  SAME(time_mask, time_mask)
#endif
  struct perf_event_mmap_page theirs;
  memset(&theirs, 0, sizeof theirs);
  theirs.cap_user_rdpmc = 1;
  if (theirs.capabilities != CORELANE_PERF_USER_RDPMC) {
    puts("cap_user_rdpmc is another bit");
    return;
  }
  theirs.cap_user_rdpmc = 0;
  theirs.cap_user_time = 1;
  if (theirs.capabilities != CORELANE_PERF_USER_TIME) {
    puts("cap_user_time is another bit");
    return;
  }
  puts("ok");
}

int main(void) {
  char line[1024];
  while (fgets(line, sizeof line, stdin) != NULL) {
    uint64_t a[15] = {0};
    char command[16] = "";
    int used = 0;
    if (sscanf(line, "%15s%n", command, &used) != 1) continue;
    char *rest = line + used;
    for (int i = 0; i < 15; i++, rest += used)
      if (sscanf(rest, "%" SCNu64 "%n", &a[i], &used) != 1) break;
    if (strcmp(command, "layout") == 0) layout();
    else if (strcmp(command, "count") == 0) printf("%" PRIu64 "\n", corelane_perf_count((int64_t)a[0], a[1], (uint16_t)a[2]));
    else if (strcmp(command, "cycles") == 0) printf("%" PRIu64 "\n", corelane_perf_cycles(a[0], a[1], a[2]));
    else if (strcmp(command, "elapsed") == 0)
      printf("%" PRIu64 "\n", corelane_perf_elapsed_ns(a[0], a[1], (uint32_t)a[2], (uint16_t)a[3]));
    else if (strcmp(command, "page") == 0) {
      page = (corelane_perf_page){.lock = (uint32_t)a[0],
                                  .index = (uint32_t)a[1],
                                  .offset = (int64_t)a[2],
                                  .time_enabled = a[3],
                                  .time_running = a[4],
                                  .capabilities = a[5],
                                  .pmc_width = (uint16_t)a[6],
                                  .time_shift = (uint16_t)a[7],
                                  .time_mult = (uint32_t)a[8],
                                  .time_offset = a[9],
                                  .time_cycles = a[10],
                                  .time_mask = a[11]};
      counter_value = a[12];
      clock_value = a[13];
      writes_left = a[14];
      counter_reads = 0;
      corelane_perf_sample sample = {0};
      const int result = corelane_perf_page_read(&page, &sample);
      printf("%d %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", result, sample.enabled_ns, sample.running_ns, sample.count,
             counter_reads);
    } else return 1;
  }
  return 0;
}
