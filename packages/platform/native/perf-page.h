/*
 * The page that the kernel maps for one perf event, and how a thread reads its own counter through it without a system call.
 *
 * The kernel rewrites the page whenever it puts the counter on the processor or takes it off, always on the processor where the
 * counted thread runs. A reader on that thread is therefore interrupted by a writer, never beside one: compiler barriers are enough,
 * and `lock` tells whether it was interrupted. The protocol is that of struct perf_event_mmap_page in linux/perf_event.h.
 *
 * The layout is spelled out because headers older than the kernel lack its end. test/perf-page.c compares it with the header, and runs
 * everything here against a page of its own: it defines CORELANE_PERF_COUNTER and CORELANE_PERF_CLOCK.
 */
#ifndef CORELANE_PERF_PAGE_H
#define CORELANE_PERF_PAGE_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
  uint32_t version;
  uint32_t compat_version;
  /** Odd while the kernel writes, another number after it wrote. */
  uint32_t lock;
  /** Which counter, plus one. 0: it is not on the processor now. */
  uint32_t index;
  /** To be added to the counter. */
  int64_t offset;
  uint64_t time_enabled;
  uint64_t time_running;
  uint64_t capabilities;
  /** Bits of the counter that count. */
  uint16_t pmc_width;
  uint16_t time_shift;
  uint32_t time_mult;
  uint64_t time_offset;
  uint64_t time_zero;
  uint32_t size;
  uint32_t reserved;
  uint64_t time_cycles;
  uint64_t time_mask;
} corelane_perf_page;

#define CORELANE_PERF_USER_RDPMC (UINT64_C(1) << 2)
#define CORELANE_PERF_USER_TIME (UINT64_C(1) << 3)
#define CORELANE_PERF_USER_TIME_SHORT (UINT64_C(1) << 5)

/** Interrupted so often: somebody else writes the page. */
#define CORELANE_PERF_ATTEMPTS 64

typedef struct {
  uint64_t enabled_ns;
  uint64_t running_ns;
  uint64_t count;
} corelane_perf_sample;

#if !defined(CORELANE_PERF_COUNTER) && defined(__x86_64__)

static inline bool corelane_perf_counter(uint32_t counter, uint64_t *value) {
  uint32_t low, high;
  __asm__ volatile("rdpmc" : "=a"(low), "=d"(high) : "c"(counter));
  *value = (uint64_t)high << 32 | low;
  return true;
}

static inline uint64_t corelane_perf_clock(void) {
  uint32_t low, high;
  __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
  return (uint64_t)high << 32 | low;
}

#define CORELANE_PERF_COUNTER corelane_perf_counter
#define CORELANE_PERF_CLOCK corelane_perf_clock

#elif !defined(CORELANE_PERF_COUNTER) && defined(__aarch64__)

/* The register is part of the instruction, hence one case each. Number 31 is the cycle counter. */
static inline bool corelane_perf_counter(uint32_t counter, uint64_t *value) {
  uint64_t v = 0;
#define CORELANE_PMEVCNTR(n)                                \
  case n:                                                   \
    __asm__ volatile("mrs %0, pmevcntr" #n "_el0" : "=r"(v)); \
    break;
  switch (counter) {
    CORELANE_PMEVCNTR(0)
    CORELANE_PMEVCNTR(1)
    CORELANE_PMEVCNTR(2)
    CORELANE_PMEVCNTR(3)
    CORELANE_PMEVCNTR(4)
    CORELANE_PMEVCNTR(5)
    CORELANE_PMEVCNTR(6)
    CORELANE_PMEVCNTR(7)
    CORELANE_PMEVCNTR(8)
    CORELANE_PMEVCNTR(9)
    CORELANE_PMEVCNTR(10)
    CORELANE_PMEVCNTR(11)
    CORELANE_PMEVCNTR(12)
    CORELANE_PMEVCNTR(13)
    CORELANE_PMEVCNTR(14)
    CORELANE_PMEVCNTR(15)
    CORELANE_PMEVCNTR(16)
    CORELANE_PMEVCNTR(17)
    CORELANE_PMEVCNTR(18)
    CORELANE_PMEVCNTR(19)
    CORELANE_PMEVCNTR(20)
    CORELANE_PMEVCNTR(21)
    CORELANE_PMEVCNTR(22)
    CORELANE_PMEVCNTR(23)
    CORELANE_PMEVCNTR(24)
    CORELANE_PMEVCNTR(25)
    CORELANE_PMEVCNTR(26)
    CORELANE_PMEVCNTR(27)
    CORELANE_PMEVCNTR(28)
    CORELANE_PMEVCNTR(29)
    CORELANE_PMEVCNTR(30)
    case 31:
      __asm__ volatile("mrs %0, pmccntr_el0" : "=r"(v));
      break;
    default:
      return false; /* a counter of a later architecture */
  }
#undef CORELANE_PMEVCNTR
  *value = v;
  return true;
}

static inline uint64_t corelane_perf_clock(void) {
  uint64_t v;
  /* The barrier keeps the clock from being read ahead of the loads before it. */
  __asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(v));
  return v;
}

#define CORELANE_PERF_COUNTER corelane_perf_counter
#define CORELANE_PERF_CLOCK corelane_perf_clock

#elif !defined(CORELANE_PERF_COUNTER)

static inline bool corelane_perf_counter(uint32_t counter, uint64_t *value) {
  (void)counter;
  (void)value;
  return false;
}

#define CORELANE_PERF_COUNTER corelane_perf_counter
#define CORELANE_PERF_CLOCK() UINT64_C(0)

#endif

/** `offset` plus the counter, which is a signed number of `width` bits. Wraps at 2^64. `width` from 1 to 64. */
static inline uint64_t corelane_perf_count(int64_t offset, uint64_t counter, uint16_t width) {
  const unsigned unused = 64u - width;
  /* Shifted up unsigned, for shifting a one into the sign is undefined; shifted down signed, which gcc and clang define. */
  const int64_t extended = (int64_t)(counter << unused) >> unused;
  return (uint64_t)offset + (uint64_t)extended;
}

/** A clock of fewer than 64 bits, continued from `base`, its value when the page was written. */
static inline uint64_t corelane_perf_cycles(uint64_t cycles, uint64_t base, uint64_t mask) {
  return base + ((cycles - base) & mask);
}

/** Nanoseconds since the page was written. `shift` below 64. Split in two, for cycles * mult leaves 64 bits within the hour. */
static inline uint64_t corelane_perf_elapsed_ns(uint64_t cycles, uint64_t offset, uint32_t mult, uint16_t shift) {
  const uint64_t quotient = cycles >> shift;
  const uint64_t remainder = cycles & ((UINT64_C(1) << shift) - 1);
  return offset + quotient * mult + ((remainder * mult) >> shift);
}

/**
 * Reads the counter of the calling thread. 0, or -EOPNOTSUPP: this event cannot be read here, or -EAGAIN: not now (it is not on the
 * processor; its times cannot be told; it changed all the while). Either way read(2) has the answer.
 */
static inline int corelane_perf_page_read(const volatile corelane_perf_page *page, corelane_perf_sample *sample) {
  for (int attempt = 0; attempt < CORELANE_PERF_ATTEMPTS; attempt++) {
    /* Pairs with the kernel's perf_event_update_userpage: `lock` is incremented before and after the rest is written. */
    const uint32_t lock = page->lock;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    const uint64_t capabilities = page->capabilities;
    const uint32_t index = page->index;
    const uint16_t width = page->pmc_width;
    const int64_t offset = page->offset;
    uint64_t enabled = page->time_enabled;
    uint64_t running = page->time_running;
    uint64_t counter = 0;
    /* The instruction faults unless both say that it is allowed. They are from one version of the page: `lock` was even, and
       a writer that came since has left the thread with the rights that it had, for rights change only with the last page unmapped. */
    if ((lock & 1) == 0) {
      if ((capabilities & CORELANE_PERF_USER_RDPMC) == 0) return -EOPNOTSUPP;
      if (index != 0) {
        if (width == 0 || width > 64) return -EOPNOTSUPP;
        if (!CORELANE_PERF_COUNTER(index - 1, &counter)) return -EOPNOTSUPP;
      }
    }
    uint64_t elapsed = 0;
    bool timed = true;
    /* Equal times are equal at any moment, for an event that is on the processor. */
    if (enabled != running) {
      timed = (capabilities & CORELANE_PERF_USER_TIME) != 0 && page->time_shift < 64;
      if (timed) {
        uint64_t cycles = CORELANE_PERF_CLOCK();
        if ((capabilities & CORELANE_PERF_USER_TIME_SHORT) != 0)
          cycles = corelane_perf_cycles(cycles, page->time_cycles, page->time_mask);
        elapsed = corelane_perf_elapsed_ns(cycles, page->time_offset, page->time_mult, page->time_shift);
      }
    }
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if ((lock & 1) != 0 || page->lock != lock) continue;
    if (index == 0 || !timed) return -EAGAIN;
    sample->enabled_ns = enabled + elapsed;
    sample->running_ns = running + elapsed;
    sample->count = corelane_perf_count(offset, counter, width);
    return 0;
  }
  return -EAGAIN;
}

#endif
