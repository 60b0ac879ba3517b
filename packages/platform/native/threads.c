/*
 * Threads by their kernel id: where they may run, how they are scheduled, for how long they ran.
 *
 * A thread id of 0 is the calling thread. Any other must be a thread of this process: the system calls below would as gladly
 * change another process of the same user. What the kernel calls `pid` in them is a thread id.
 */
#include "concerns.h"
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/** CPUs and nodes in one number; nodes are fewer than 1024 in every Linux, so that it fits 31 bits. */
#define CORELANE_NODE_UNIT 1048576.0

/** A vDSO call that takes nanoseconds, where libc has it (glibc 2.29); musl has not. */
extern int getcpu(unsigned *cpu, unsigned *node) __attribute__((weak));

/** 0, or -ESRCH for what is no thread of this process. Signal 0 is never sent: the kernel only looks the thread up. */
static long own_thread(int32_t tid) {
  if (tid == 0) return 0;
  /* tgkill answers EINVAL for numbers that can't be ids. */
  return tid > 0 && syscall(SYS_tgkill, getpid(), tid, 0) == 0 ? 0 : -ESRCH;
}

/** The thread of argument 0. False: `*answer` is what to return. */
static bool begin_thread(corelane_call *call, int32_t *tid, napi_value *answer) {
  *tid = corelane_int(call, 0);
  *answer = NULL;
  if (!call->ok) return false;
  long found = own_thread(*tid);
  if (found == 0) return true;
  *answer = corelane_number(call->env, (double)found);
  return false;
}

/* () -> thread id */
static napi_value thread_id(napi_env env, napi_callback_info info) {
  (void)info;
  return corelane_answer(env, syscall(SYS_gettid));
}

/* (tid) -> 0 | -ESRCH */
static napi_value own(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  int32_t tid = corelane_int(&call, 0);
  if (!call.ok) return NULL;
  return corelane_number(env, (double)own_thread(tid));
}

/* () -> node * 2^20 + cpu */
static napi_value current_cpu(napi_env env, napi_callback_info info) {
  (void)info;
  unsigned cpu = 0, node = 0;
  long result = getcpu != NULL ? getcpu(&cpu, &node) : syscall(SYS_getcpu, &cpu, &node, NULL);
  if (result < 0) return corelane_answer(env, result);
  return corelane_number(env, (double)node * CORELANE_NODE_UNIT + (double)cpu);
}

/* (tid, view, offset, length) -> bytes that the kernel wrote. The mask is in words of 64 bits, CPU 0 the lowest bit. */
static napi_value affinity(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_range mask = corelane_subrange(&call, 1);
  int32_t tid;
  napi_value answer;
  if (!begin_thread(&call, &tid, &answer)) return answer;
  return corelane_answer(env, syscall(SYS_sched_getaffinity, tid, mask.length, mask.bytes));
}

/* (tid, view, offset, length) -> 0 */
static napi_value set_affinity(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_range mask = corelane_subrange(&call, 1);
  int32_t tid;
  napi_value answer;
  if (!begin_thread(&call, &tid, &answer)) return answer;
  return corelane_answer(env, syscall(SYS_sched_setaffinity, tid, mask.length, mask.bytes));
}

/* (tid) -> 20 - nice, from 1 to 40, as the bare system call has it: libc's -1 could be either */
static napi_value priority(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  int32_t tid;
  napi_value answer;
  if (!begin_thread(&call, &tid, &answer)) return answer;
  return corelane_answer(env, syscall(SYS_getpriority, PRIO_PROCESS, tid));
}

/* (tid, nice) -> 0 */
static napi_value set_nice(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  int32_t nice = corelane_int(&call, 1);
  int32_t tid;
  napi_value answer;
  if (!begin_thread(&call, &tid, &answer)) return answer;
  return corelane_answer(env, syscall(SYS_setpriority, PRIO_PROCESS, tid, nice));
}

/* (tid) -> the kernel's number of the policy, with its flags */
static napi_value scheduler(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  int32_t tid;
  napi_value answer;
  if (!begin_thread(&call, &tid, &answer)) return answer;
  return corelane_answer(env, syscall(SYS_sched_getscheduler, tid));
}

/* (tid) -> the real-time priority, 0 where the policy has none */
static napi_value scheduler_priority(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  int32_t tid;
  napi_value answer;
  if (!begin_thread(&call, &tid, &answer)) return answer;
  struct sched_param parameters;
  memset(&parameters, 0, sizeof parameters);
  long result = syscall(SYS_sched_getparam, tid, &parameters);
  return corelane_answer(env, result < 0 ? result : parameters.sched_priority);
}

/* (tid, policy, priority) -> 0 */
static napi_value set_scheduler(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  int32_t policy = corelane_int(&call, 1);
  struct sched_param parameters;
  memset(&parameters, 0, sizeof parameters);
  parameters.sched_priority = corelane_int(&call, 2);
  int32_t tid;
  napi_value answer;
  if (!begin_thread(&call, &tid, &answer)) return answer;
  return corelane_answer(env, syscall(SYS_sched_setscheduler, tid, policy, &parameters));
}

/** Nanoseconds, or -errno. The kernel looks for the thread in this process only, and says EINVAL for any other. */
static double cpu_time(int32_t tid) {
  struct timespec time;
  /* Ids are below 2^22 (PID_MAX_LIMIT); from 2^28 the shift below would name some other clock. */
  if (tid < 0 || tid >= 1 << 28) return -ESRCH;
  /* How the kernel numbers the clock of a thread: see CPUCLOCK_PERTHREAD and CPUCLOCK_SCHED. A tid of 0 is the caller. */
  clockid_t clock = (clockid_t)((~(uint32_t)tid << 3) | 6u);
  if (clock_gettime(clock, &time) != 0) return errno == EINVAL ? -ESRCH : -(double)errno;
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* (tid) -> nanoseconds */
static napi_value cpu_time_ns(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  int32_t tid = corelane_int(&call, 0);
  if (!call.ok) return NULL;
  return corelane_number(env, cpu_time(tid));
}

/* (tid, view, offset): writes a double there, nanoseconds or -errno, so that nothing is allocated. Answers nothing. */
static napi_value cpu_time_into(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  int32_t tid = corelane_int(&call, 0);
  corelane_range view = corelane_view(&call, 1);
  uint64_t offset = corelane_natural(&call, 2);
  if (!call.ok) return NULL;
  if (view.bytes == NULL || view.length < sizeof(double) || offset > view.length - sizeof(double)) {
    napi_throw_range_error(env, "ERR_NATIVE_ARGUMENT", "the double leaves its view");
    return NULL;
  }
  double ns = cpu_time(tid);
  memcpy(view.bytes + offset, &ns, sizeof ns);
  return NULL;
}

void corelane_register_threads(napi_env env, napi_value exports) {
  corelane_define(env, exports, "threadId", thread_id);
  corelane_define(env, exports, "ownThread", own);
  corelane_define(env, exports, "currentCpu", current_cpu);
  corelane_define(env, exports, "affinity", affinity);
  corelane_define(env, exports, "setAffinity", set_affinity);
  corelane_define(env, exports, "priority", priority);
  corelane_define(env, exports, "setNice", set_nice);
  corelane_define(env, exports, "scheduler", scheduler);
  corelane_define(env, exports, "schedulerPriority", scheduler_priority);
  corelane_define(env, exports, "setScheduler", set_scheduler);
  corelane_define(env, exports, "threadCpuTimeNs", cpu_time_ns);
  corelane_define(env, exports, "threadCpuTimeInto", cpu_time_into);
}
