/*
 * The first touch of memory that has no pages yet: one byte of each page written. `plain`; `huge` (MADV_HUGEPAGE before); `prefault`
 * (MADV_POPULATE_WRITE before); `prefault-huge`. Prints the same figures as src/suites/platform/touch.ts.
 */
#include "raw.h"
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/resource.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/** What V8 aligns large shared memory to. */
#define ALIGNMENT (2u << 20)

static long faults(void) {
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_minflt : -1;
}

/** In steps of 4 KiB, as the other side, whatever the size of a page. */
static void write_each(uint8_t *memory, uint64_t bytes) {
  for (uint64_t at = 0; at < bytes; at += 4096) memory[at] = 1;
}

static int prepare(uint8_t *memory, uint64_t bytes, const char *mode) {
  if (strstr(mode, "huge") != NULL && madvise(memory, bytes, MADV_HUGEPAGE) != 0) return errno;
  if (strstr(mode, "prefault") != NULL && madvise(memory, bytes, MADV_POPULATE_WRITE) != 0) return errno;
  return 0;
}

void touch_memory(const char *mode, uint64_t bytes) {
  uint64_t mapped_bytes = bytes + ALIGNMENT;
  uint8_t *mapped = mmap(NULL, mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) {
    printf("{\"unavailable\":\"%" PRIu64 " bytes cannot be mapped: %s\"}\n", mapped_bytes, strerror(errno));
    return;
  }
  uint8_t *memory = (uint8_t *)(((uintptr_t)mapped + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1));
  long faults_before = faults();
  uint64_t start = clock_ns(CLOCK_MONOTONIC);
  int failed = prepare(memory, bytes, mode);
  uint64_t prepared = clock_ns(CLOCK_MONOTONIC);
  if (failed != 0) {
    printf("{\"unavailable\":\"touch %s: %s\"}\n", mode, strerror(failed));
    munmap(mapped, mapped_bytes);
    return;
  }
  write_each(memory, bytes);
  uint64_t touched = clock_ns(CLOCK_MONOTONIC);
  long faults_after = faults();
  uint64_t written = 0;
  for (uint64_t at = 0; at < bytes; at += 4096) written += memory[at];
  uint64_t releasing = clock_ns(CLOCK_MONOTONIC);
  int released = madvise(memory, bytes, MADV_DONTNEED);
  uint64_t end = clock_ns(CLOCK_MONOTONIC);
  munmap(mapped, mapped_bytes);
  printf("{\"prepareNs\":%" PRIu64 ",\"touchNs\":%" PRIu64 ",\"releaseNs\":%" PRIu64 ",\"faults\":%ld,\"written\":%" PRIu64
         ",\"released\":%s}\n",
         prepared - start, touched - prepared, end - releasing, faults_after - faults_before, written,
         released == 0 ? "true" : "false");
}
