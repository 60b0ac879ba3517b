/*
 * The limit of what a call can cost: the same system calls in a loop of C, in a process of their own.
 *
 * A line `name operations` on stdin answers a line of JSON on stdout: `{"elapsedNs":…,"cpuNs":…,"successful":…,"checksum":…}`, `{"unavailable":"…"}` where
 * the operation cannot be set up here, or `{"error":"…"}` where there is none of that name. Only results that are right count as successful; the checksum is made of results, so that no compiler
 * leaves the loop out.
 */
#ifndef CORELANE_RAW_H
#define CORELANE_RAW_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef struct {
  uint64_t successful;
  uint64_t checksum;
} outcome;

/** Does `operations` of them. */
typedef outcome (*loop)(uint64_t operations);

/** What a loop needs, once a process. Returns 0, or what went wrong as an errno. */
typedef int (*preparation)(void);

typedef struct {
  const char *name;
  loop run;
  preparation prepare;
} operation;

/* Each ends with a row without a name. */
extern const operation thread_operations[];
extern const operation memory_operations[];
extern const operation perf_operations[];
extern const operation uring_operations[];
extern const operation pass_operations[];
extern const operation echo_operations[];

/** `touch mode bytes`: see touch.c. Prints the answer. */
void touch_memory(const char *mode, uint64_t bytes);

/** `uring-open depth blocks direct path`: see uring.c. Whether the line is one; prints the answer. */
bool uring_command(const char *line);

/** `pass-open bytes path`: see pass.c. Whether the line is one; prints the answer. */
bool pass_command(const char *line);

/** `echo-open port connections bytes`, `echo-close`: see echo.c. Whether the line is one; prints the answer. */
bool echo_command(const char *line);

/** `serve`, `spent`: see serve.c. Whether the line is one; prints the answer. */
bool serve_command(const char *line);

static inline uint64_t clock_ns(clockid_t id) {
  struct timespec time = {0};
  clock_gettime(id, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/** A loop around `call`, an expression that gives a long, successful where `right` holds for it as `result`. */
#define LOOP(name, call, right)                                  \
  static outcome name(uint64_t operations) {                     \
    outcome sum = {0, 0};                                        \
    for (uint64_t operation = 0; operation < operations; operation++) { \
      long result = (long)(call);                                \
      sum.successful += (right) ? 1 : 0;                         \
      sum.checksum += (uint64_t)result;                          \
    }                                                            \
    return sum;                                                  \
  }

#endif
