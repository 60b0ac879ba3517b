/* Reads names and counts, runs loops, prints what they took. */
#include "raw.h"
#include <inttypes.h>
#include <stdlib.h>

static const operation *find(const char *name) {
  const operation *tables[] = {thread_operations, memory_operations, perf_operations,
                               uring_operations,  pass_operations,   echo_operations};
  for (size_t table = 0; table < sizeof tables / sizeof tables[0]; table++)
    for (const operation *row = tables[table]; row->name != NULL; row++)
      if (strcmp(row->name, name) == 0) return row;
  return NULL;
}

static void run(const char *name, uint64_t operations) {
  static const operation *prepared;
  const operation *found = find(name);
  if (found == NULL) {
    printf("{\"error\":\"no operation %s\"}\n", name);
    return;
  }
  if (found->prepare != NULL && prepared != found) {
    int failed = found->prepare();
    if (failed != 0) {
      printf("{\"unavailable\":\"%s: %s\"}\n", name, strerror(failed));
      return;
    }
    prepared = found;
  }
  errno = 0;
  uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  uint64_t start = clock_ns(CLOCK_MONOTONIC);
  outcome sum = found->run(operations);
  uint64_t elapsed = clock_ns(CLOCK_MONOTONIC) - start;
  cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  printf("{\"elapsedNs\":%" PRIu64 ",\"cpuNs\":%" PRIu64 ",\"successful\":%" PRIu64 ",\"checksum\":%" PRIu64 ",\"lastError\":\"%s\"}\n", elapsed, cpu,
         sum.successful, sum.checksum & 0xffffffffu, sum.successful == operations ? "" : strerror(errno));
}

/** What no other file has a command for. */
static void answer(const char *line) {
  char name[64], mode[64];
  uint64_t number = 0;
  if (sscanf(line, "touch %63s %" SCNu64, mode, &number) == 2)
    touch_memory(mode, number);
  else if (sscanf(line, "%63s %" SCNu64, name, &number) == 2)
    run(name, number);
  else
    printf("{\"error\":\"expected a name and a number\"}\n");
}

int main(void) {
  char line[4352];
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (!uring_command(line) && !pass_command(line) && !echo_command(line) && !serve_command(line)) answer(line);
    fflush(stdout);
  }
  return 0;
}
