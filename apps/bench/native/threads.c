/* Threads: which they are, where they run, how much, and for how long they ran. The calling thread, or another one that sleeps. */
#include "raw.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static pid_t self;
static pid_t other;
static cpu_set_t allowed;
static int nice_now;
static int policy_now;

static void *sleep_for_ever(void *ready) {
  __atomic_store_n((pid_t *)ready, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
  while (true) pause();
  return NULL;
}

static int prepare(void) {
  self = (pid_t)syscall(SYS_gettid);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return errno;
  nice_now = getpriority(PRIO_PROCESS, (id_t)self);
  policy_now = sched_getscheduler(0);
  if (other != 0) return 0;
  pthread_t thread;
  int failed = pthread_create(&thread, NULL, sleep_for_ever, &other);
  if (failed != 0) return failed;
  while (__atomic_load_n(&other, __ATOMIC_ACQUIRE) == 0) sched_yield();
  return 0;
}

/** The clock of a thread by its id, as the kernel encodes it: CPUCLOCK_PERTHREAD (4) | CPUCLOCK_SCHED (2). */
static clockid_t clock_of(pid_t tid) { return (clockid_t)((~(unsigned)tid << 3) | 6u); }

static long cpu_now(void) {
  unsigned cpu = 0, node = 0;
  return getcpu(&cpu, &node) == 0 ? (long)(cpu + node) : -1;
}

static long mask_of(pid_t tid) {
  cpu_set_t mask;
  return sched_getaffinity(tid, sizeof mask, &mask) == 0 && CPU_EQUAL(&mask, &allowed) ? CPU_COUNT(&mask) : -1;
}

static long priority_of(pid_t tid) {
  errno = 0;
  int found = getpriority(PRIO_PROCESS, (id_t)tid);
  return errno == 0 && found == nice_now ? 0 : -1;
}

static long policy_of(pid_t tid) {
  struct sched_param parameters;
  return sched_getscheduler(tid) == policy_now && sched_getparam(tid, &parameters) == 0 ? parameters.sched_priority : -1;
}

static long set_policy(pid_t tid) {
  struct sched_param parameters = {.sched_priority = 0};
  return sched_setscheduler(tid, policy_now, &parameters);
}

static long name_of_self(void) {
  char name[16] = {0};
  return prctl(PR_GET_NAME, name) == 0 ? (long)strlen(name) : -1;
}

/** `tid` has a task in this process: what must be known before a call by id may reach it. */
static bool is_ours(pid_t tid) { return syscall(SYS_tgkill, getpid(), tid, 0) == 0; }

LOOP(get_id, syscall(SYS_gettid), result == self)
LOOP(get_cpu, cpu_now(), result >= 0)
LOOP(get_affinity, mask_of(0), result > 0)
LOOP(set_affinity, sched_setaffinity(0, sizeof allowed, &allowed), result == 0)
LOOP(set_affinity_verified, sched_setaffinity(0, sizeof allowed, &allowed) == 0 ? mask_of(0) : -1, result > 0)
LOOP(set_affinity_of_other, sched_setaffinity(other, sizeof allowed, &allowed), result == 0)
LOOP(set_affinity_other_verified, is_ours(other) && sched_setaffinity(other, sizeof allowed, &allowed) == 0 ? mask_of(other) : -1, result > 0)
LOOP(get_priority, priority_of(self), result == 0)
LOOP(set_priority, setpriority(PRIO_PROCESS, (id_t)self, nice_now), result == 0)
LOOP(set_priority_verified, setpriority(PRIO_PROCESS, (id_t)self, nice_now) == 0 ? priority_of(self) : -1, result == 0)
LOOP(get_policy, policy_of(0), result == 0)
LOOP(set_policy_bare, set_policy(0), result == 0)
LOOP(set_policy_verified, set_policy(0) == 0 ? policy_of(0) : -1, result == 0)
LOOP(get_name, name_of_self(), result > 0)
LOOP(set_name, prctl(PR_SET_NAME, "bench-thread"), result == 0)
LOOP(set_name_verified, prctl(PR_SET_NAME, "bench-thread") == 0 ? name_of_self() : -1, result == 12)
LOOP(clock_own, clock_ns(CLOCK_THREAD_CPUTIME_ID), result > 0)
LOOP(clock_other, clock_ns(clock_of(other)), result > 0)
LOOP(clock_other_checked, is_ours(other) ? clock_ns(clock_of(other)) : 0, result > 0)
LOOP(clock_process, clock_ns(CLOCK_PROCESS_CPUTIME_ID), result > 0)
LOOP(clock_monotonic, clock_ns(CLOCK_MONOTONIC), result > 0)

const operation thread_operations[] = {
    {"gettid", get_id, prepare},
    {"getcpu", get_cpu, prepare},
    {"sched_getaffinity", get_affinity, prepare},
    {"sched_setaffinity", set_affinity, prepare},
    {"sched_setaffinity+get", set_affinity_verified, prepare},
    {"sched_setaffinity:other", set_affinity_of_other, prepare},
    {"sched_setaffinity+get:other", set_affinity_other_verified, prepare},
    {"getpriority", get_priority, prepare},
    {"setpriority", set_priority, prepare},
    {"setpriority+get", set_priority_verified, prepare},
    {"sched_getscheduler", get_policy, prepare},
    {"sched_setscheduler", set_policy_bare, prepare},
    {"sched_setscheduler+get", set_policy_verified, prepare},
    {"PR_GET_NAME", get_name, prepare},
    {"PR_SET_NAME", set_name, prepare},
    {"PR_SET_NAME+get", set_name_verified, prepare},
    {"clock:own", clock_own, prepare},
    {"clock:other", clock_other, prepare},
    {"clock:other+tgkill", clock_other_checked, prepare},
    {"clock:process", clock_process, prepare},
    {"clock:monotonic", clock_monotonic, prepare},
    {NULL, NULL, NULL},
};
