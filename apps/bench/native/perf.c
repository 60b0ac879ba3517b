/* Counters of the kernel for the calling thread: one by one and as a group, read as read(2) gives them. */
#include "raw.h"
#include <fcntl.h>
#include <linux/perf_event.h>

/** Software events, which every machine that has perf_event_open has. */
static const uint64_t EVENTS[] = {PERF_COUNT_SW_TASK_CLOCK, PERF_COUNT_SW_PAGE_FAULTS, PERF_COUNT_SW_CONTEXT_SWITCHES,
                                  PERF_COUNT_SW_CPU_MIGRATIONS};
enum { COUNT = sizeof EVENTS / sizeof EVENTS[0] };

static int files[COUNT];
static int schedstat = -1;

static int open_event(uint64_t event, uint64_t format, int leader) {
  struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .config = event, .read_format = format};
  int file = (int)syscall(SYS_perf_event_open, &attributes, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
  if (file >= 0) return file;
  attributes.exclude_kernel = 1; /* what may be counted without privilege */
  return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
}

static int prepare_group(void) {
  uint64_t format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  for (int event = 0; event < COUNT; event++) {
    files[event] = open_event(EVENTS[event], format, event == 0 ? -1 : files[0]);
    if (files[event] < 0) return errno;
  }
  return 0;
}

static int prepare_single(void) {
  files[0] = open_event(PERF_COUNT_SW_TASK_CLOCK, 0, -1);
  return files[0] < 0 ? errno : 0;
}

static int prepare_schedstat(void) {
  schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  return schedstat < 0 ? errno : 0;
}

/** The first counter of the group, the clock. */
static long read_group(void) {
  uint64_t values[3 + COUNT];
  return read(files[0], values, sizeof values) == (ssize_t)sizeof values && values[0] == COUNT ? (long)values[3] : -1;
}

static long read_single(void) {
  uint64_t value = 0;
  return read(files[0], &value, sizeof value) == (ssize_t)sizeof value ? (long)value : -1;
}

static long read_schedstat(void) {
  char text[128];
  return pread(schedstat, text, sizeof text, 0);
}

LOOP(loop_group, read_group(), result > 0)
LOOP(loop_single, read_single(), result > 0)
LOOP(loop_schedstat, read_schedstat(), result > 0)

const operation perf_operations[] = {
    {"perf:group", loop_group, prepare_group},
    {"perf:single", loop_single, prepare_single},
    {"schedstat", loop_schedstat, prepare_schedstat},
    {NULL, NULL, NULL},
};
