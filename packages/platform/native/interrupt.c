/*
 * Parking a running worker through V8's interrupt. PROTOCOL.md says how, what it prevents, and why it holds.
 *
 * V8's API is C++, and this file is C: two functions of it are looked up by symbol, so the binary needs no V8 headers and loads in any
 * Node. Where a process does not export them, registering answers -ENOSYS.
 */
#include "call.h"

#include <dlfcn.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define SLOTS 1024
/** How often a parked worker, or one that waits for a park, asks whether its environment is stopping. */
#define SLICE_NS 5000000u
#define NS_PER_S 1000000000u

typedef struct isolate isolate;
typedef void (*interrupt_callback)(isolate *, void *);

/* Shared with src/native-interrupt.ts. */
enum { RUNNING, REQUESTED, PARKED };
enum { NOT_ENDED, RESUMED, TIMED_OUT, STOPPING, WITHDRAWN, EXPIRED };
enum { VIEW_PHASE, VIEW_PARK, VIEW_ENDED, VIEW_LATENCY_NS, VIEW_PARKED_NS, VIEW_LEFT_NS, VIEW_LENGTH };

/**
 * One parkable worker. Everything but `changes` is guarded by `mutex`. Alone on its cache lines: workers that are parked and resumed
 * do not slow down each other.
 */
typedef struct {
  /** Futex: counts changes of `phase` and of the owner. Written under the mutex, waited for without. */
  uint32_t changes __attribute__((aligned(128)));
  pthread_mutex_t mutex;
  /** Which registration holds this slot; 0: none that may be named. Never used again, see next_generation. */
  uint32_t generation;
  /** How often its owner registered. 0: the slot is free. */
  uint32_t holds;
  /** Of the owner. Valid while `generation` is not 0: its cleanup hook takes the mutex before they go. */
  napi_env env;
  isolate *isolate;
  napi_threadsafe_function wake;
  long tid;
  /** An entry for this slot is in V8's queue, in the event loop's. At most one in each: nothing can be taken out of them again. */
  bool interrupt_queued;
  bool wake_queued;
  int phase;
  /** How the last park ended. */
  int ended;
  /** Counts requests. Names the park that is asked for or held, or the last one. */
  uint64_t park;
  uint64_t timeout_ns;
  uint64_t requested_at_ns;
  uint64_t request_ends_ns;
  uint64_t parked_at_ns;
  /** Of the last park: from the request to standing still, and how long it stood. */
  uint64_t latency_ns;
  uint64_t parked_ns;
} slot;

/* Static, and the binary is never unmapped (-z nodelete): an entry in the queue of an isolate always finds its slot. */
static slot slots[SLOTS];
/** Starts somewhere else in each process, so that a ticket of another process is a stale one here. */
static uint32_t generations;

static isolate *(*current_isolate)(void);
static void (*request_interrupt)(isolate *, interrupt_callback, void *);
static pthread_once_t looked_up = PTHREAD_ONCE_INIT;

static void look_up_v8(void) {
  *(void **)&current_isolate = dlsym(RTLD_DEFAULT, "_ZN2v87Isolate10GetCurrentEv");
  *(void **)&request_interrupt = dlsym(RTLD_DEFAULT, "_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_");
}

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static uint32_t next_generation(void) {
  uint32_t seed = (uint32_t)(now_ns() ^ ((uint64_t)getpid() << 20));
  uint32_t none = 0;
  __atomic_compare_exchange_n(&generations, &none, seed, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  uint32_t generation = 0;
  while (generation == 0) generation = __atomic_add_fetch(&generations, 1, __ATOMIC_SEQ_CST);
  return generation;
}

/** Sleeps until `changes` is not `seen`, for `length_ns` at most. May return early. */
static void await_change(slot *s, uint32_t seen, uint64_t length_ns) {
  struct timespec length = {.tv_sec = (time_t)(length_ns / NS_PER_S), .tv_nsec = (long)(length_ns % NS_PER_S)};
  syscall(SYS_futex, &s->changes, FUTEX_WAIT_PRIVATE, seen, &length, NULL, 0);
}

static uint32_t changes_of(slot *s) { return __atomic_load_n(&s->changes, __ATOMIC_SEQ_CST); }

/** Before unlocking. What was seen under the mutex and slept on without is no longer what is there: pairs with await_change. */
static void changed(slot *s) { __atomic_add_fetch(&s->changes, 1, __ATOMIC_SEQ_CST); }

/** Unlocks, then wakes: who is woken needs the mutex first. The slot is still there, for slots are static. */
static void unlock_and_tell(slot *s) {
  pthread_mutex_unlock(&s->mutex);
  syscall(SYS_futex, &s->changes, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/** Whoever ends a park or a request does it here, once: the others find another phase or another park. Locked. */
static void finish(slot *s, int how, uint64_t now) {
  s->parked_ns = s->phase == PARKED ? now - s->parked_at_ns : 0;
  s->phase = RUNNING;
  s->ended = how;
  changed(s);
}

/**
 * Whether JavaScript may not run any more on `env`, whose thread this is. Asked without entering V8: the call checks that first, and is
 * then refused for its arguments (PROTOCOL.md, "Stopping"). Any other answer is taken for a stop, which at worst ends a park early.
 */
static bool stopping(napi_env env) { return napi_set_property(env, NULL, NULL, NULL) != napi_invalid_arg; }

/** On the worker's thread, locked: stands still while it should. Unlocks. */
static void stand_still(slot *s) {
  uint64_t now = now_ns();
  if (s->phase != REQUESTED) {
    pthread_mutex_unlock(&s->mutex);
    return;
  }
  if (now >= s->request_ends_ns) {
    finish(s, EXPIRED, now);
    unlock_and_tell(s);
    return;
  }
  const napi_env env = s->env;
  const uint64_t park = s->park;
  const uint64_t ends = now + s->timeout_ns;
  s->phase = PARKED;
  s->parked_at_ns = now;
  s->latency_ns = now - s->requested_at_ns;
  changed(s);
  uint32_t seen = changes_of(s); /* under the mutex: a resume after it makes the sleep return at once */
  unlock_and_tell(s);
  for (;;) {
    /* The first look comes before the first sleep: a request that is met after terminate() does not delay it. */
    bool stop = stopping(env);
    now = now_ns();
    if (!stop && now < ends) await_change(s, seen, ends - now < SLICE_NS ? ends - now : SLICE_NS);
    pthread_mutex_lock(&s->mutex);
    if (s->phase != PARKED || s->park != park) break;
    now = now_ns();
    if (stop || now >= ends) {
      finish(s, stop ? STOPPING : TIMED_OUT, now);
      unlock_and_tell(s);
      return;
    }
    seen = changes_of(s);
    pthread_mutex_unlock(&s->mutex);
  }
  pthread_mutex_unlock(&s->mutex);
}

/** V8 calls this on the worker's thread, between two steps of its JavaScript. */
static void on_interrupt(isolate *interrupted, void *data) {
  slot *s = data;
  pthread_mutex_lock(&s->mutex);
  /* An entry of an earlier owner of the slot says nothing about this one. */
  if (s->isolate != interrupted) {
    pthread_mutex_unlock(&s->mutex);
    return;
  }
  s->interrupt_queued = false;
  stand_still(s);
}

/** The worker's event loop calls this where no JavaScript runs that could be interrupted. */
static void on_wake(napi_env env, napi_value function, void *context, void *data) {
  (void)function;
  (void)data;
  if (env == NULL) return; /* the environment is going, and the slot may be another's */
  slot *s = context;
  pthread_mutex_lock(&s->mutex);
  if (s->env != env) {
    pthread_mutex_unlock(&s->mutex);
    return;
  }
  s->wake_queued = false;
  stand_still(s);
}

/** On the owner's thread: nobody finds the slot any more, and then it is free. */
static void release(slot *s) {
  pthread_mutex_lock(&s->mutex);
  napi_threadsafe_function wake = s->wake;
  if (s->phase == REQUESTED) finish(s, STOPPING, now_ns());
  s->generation = 0;
  s->isolate = NULL;
  s->env = NULL;
  s->wake = NULL;
  changed(s);
  unlock_and_tell(s);
  if (wake != NULL) napi_release_threadsafe_function(wake, napi_tsfn_abort);
  pthread_mutex_lock(&s->mutex);
  s->holds = 0;
  pthread_mutex_unlock(&s->mutex);
}

/** Runs on the worker's thread before its isolate goes. */
static void on_cleanup(void *data) { release(data); }

/** The slot that arguments 0 and 1 (slot, generation) name, locked; or none, where that registration is over. */
static slot *named(corelane_call *call) {
  uint64_t index = corelane_natural(call, 0);
  uint64_t generation = corelane_natural(call, 1);
  if (!call->ok || index >= SLOTS || generation == 0) return NULL;
  slot *s = &slots[index];
  pthread_mutex_lock(&s->mutex);
  if (s->generation == generation) return s;
  pthread_mutex_unlock(&s->mutex);
  return NULL;
}

/** A view of VIEW_LENGTH doubles. */
static double *state_view(corelane_call *call, size_t index) {
  corelane_range range = corelane_view(call, index);
  if (!call->ok) return NULL;
  if (range.length >= VIEW_LENGTH * sizeof(double) && (uintptr_t)range.bytes % sizeof(double) == 0)
    return (double *)(void *)range.bytes;
  call->ok = false;
  napi_throw_type_error(call->env, "ERR_NATIVE_ARGUMENT", "the view is too short for the state of a park");
  return NULL;
}

static void describe(const slot *s, double *view) {
  uint64_t stood = s->phase == PARKED ? now_ns() - s->parked_at_ns : s->parked_ns;
  view[VIEW_PHASE] = s->phase;
  view[VIEW_PARK] = (double)s->park;
  view[VIEW_ENDED] = s->ended;
  view[VIEW_LATENCY_NS] = (double)s->latency_ns;
  view[VIEW_PARKED_NS] = (double)stood;
  view[VIEW_LEFT_NS] = s->phase == PARKED && stood < s->timeout_ns ? (double)(s->timeout_ns - stood) : 0;
}

static slot *held_by(napi_env env) {
  for (size_t i = 0; i < SLOTS; i++) {
    slot *s = &slots[i];
    pthread_mutex_lock(&s->mutex);
    bool mine = s->generation != 0 && s->env == env;
    if (mine) s->holds++;
    pthread_mutex_unlock(&s->mutex);
    if (mine) return s;
  }
  return NULL;
}

static slot *take_free(void) {
  for (size_t i = 0; i < SLOTS; i++) {
    slot *s = &slots[i];
    pthread_mutex_lock(&s->mutex);
    bool is_free = s->holds == 0;
    if (is_free) s->holds = 1;
    pthread_mutex_unlock(&s->mutex);
    if (is_free) return s;
  }
  return NULL;
}

/** 0, or -errno. The slot gets its name last: until then nobody finds it. */
static int own(slot *s, napi_env env) {
  napi_value name = NULL;
  napi_threadsafe_function wake = NULL;
  if (napi_create_string_utf8(env, "corelane:park", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, NULL, NULL, s, on_wake, &wake) != napi_ok)
    return -EAGAIN;
  /* Does not keep the worker alive. */
  if (napi_unref_threadsafe_function(env, wake) != napi_ok || napi_add_env_cleanup_hook(env, on_cleanup, s) != napi_ok) {
    napi_release_threadsafe_function(wake, napi_tsfn_abort);
    return -EAGAIN;
  }
  pthread_mutex_lock(&s->mutex);
  s->env = env;
  s->isolate = current_isolate();
  s->wake = wake;
  s->tid = syscall(SYS_gettid);
  s->interrupt_queued = false;
  s->wake_queued = false;
  s->phase = RUNNING;
  s->ended = NOT_ENDED;
  s->park = 0;
  s->latency_ns = 0;
  s->parked_ns = 0;
  s->generation = next_generation();
  pthread_mutex_unlock(&s->mutex);
  return 0;
}

/** parkRegister(into: Uint32Array[1]): the slot; its generation in `into`. */
static napi_value park_register(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_range into = corelane_view(&call, 0);
  if (call.ok && into.length < sizeof(uint32_t)) {
    napi_throw_type_error(env, "ERR_NATIVE_ARGUMENT", "the view is too short for a generation");
    call.ok = false;
  }
  if (!call.ok) return NULL;
  if (request_interrupt == NULL || current_isolate == NULL) return corelane_number(env, -ENOSYS);
  if (syscall(SYS_gettid) == getpid()) return corelane_number(env, -EPERM);
  slot *s = held_by(env);
  if (s == NULL) {
    s = take_free();
    if (s == NULL) return corelane_number(env, -ENOSPC);
    int failed = own(s, env);
    if (failed != 0) {
      release(s);
      return corelane_number(env, failed);
    }
  }
  memcpy(into.bytes, &s->generation, sizeof s->generation); /* only this thread changes it */
  return corelane_number(env, (double)(s - slots));
}

/** parkClose(slot, generation): how often it is still registered. */
static napi_value park_close(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  slot *s = named(&call);
  if (!call.ok) return NULL;
  if (s == NULL) return corelane_number(env, -ESRCH);
  bool mine = s->env == env;
  bool last = mine && s->holds == 1;
  if (mine && !last) s->holds--;
  double left = last ? 0 : s->holds;
  pthread_mutex_unlock(&s->mutex);
  if (!mine) return corelane_number(env, -EPERM);
  if (last) {
    napi_remove_env_cleanup_hook(env, on_cleanup, s);
    release(s);
  }
  return corelane_number(env, left);
}

/** parkRequest(slot, generation, timeoutNs, requestNs): the number of the park that is asked for. */
static napi_value park_request(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  uint64_t timeout_ns = corelane_natural(&call, 2);
  uint64_t request_ns = corelane_natural(&call, 3);
  if (!call.ok) return NULL;
  slot *s = named(&call);
  if (!call.ok) return NULL;
  if (s == NULL) return corelane_number(env, -ESRCH);
  uint64_t now = now_ns();
  /* Whoever asked is gone, and its request would be dropped anyway. */
  if (s->phase == REQUESTED && now >= s->request_ends_ns) finish(s, EXPIRED, now);
  double answer;
  if (s->tid == syscall(SYS_gettid)) {
    answer = -EDEADLK;
  } else if (s->phase != RUNNING) {
    answer = -EBUSY;
  } else {
    s->park++;
    s->phase = REQUESTED;
    s->ended = NOT_ENDED;
    s->timeout_ns = timeout_ns;
    s->requested_at_ns = now;
    s->request_ends_ns = now + request_ns;
    s->latency_ns = 0;
    s->parked_ns = 0;
    changed(s);
    if (!s->interrupt_queued) {
      s->interrupt_queued = true;
      request_interrupt(s->isolate, on_interrupt, s);
    }
    answer = (double)s->park;
  }
  unlock_and_tell(s);
  return corelane_number(env, answer);
}

/** parkWake(slot, generation): also asks the worker's event loop, for a worker that runs no JavaScript. */
static napi_value park_wake(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  slot *s = named(&call);
  if (!call.ok) return NULL;
  if (s == NULL) return corelane_number(env, -ESRCH);
  if (s->phase == REQUESTED && !s->wake_queued)
    s->wake_queued = napi_call_threadsafe_function(s->wake, NULL, napi_tsfn_nonblocking) == napi_ok;
  pthread_mutex_unlock(&s->mutex);
  return corelane_number(env, 0);
}

/**
 * parkAwait(slot, generation, park, waitNs, into): blocks until that request is no longer open, or `waitNs` have passed. The state is in
 * `into`. Where the caller's own environment stops, nobody will be there to withdraw the request: that is done here.
 */
static napi_value park_await(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  uint64_t park = corelane_natural(&call, 2);
  uint64_t wait_ns = corelane_natural(&call, 3);
  double *into = state_view(&call, 4);
  if (!call.ok) return NULL;
  uint64_t ends = now_ns() + wait_ns;
  slot *s = named(&call);
  if (!call.ok) return NULL;
  while (s != NULL && s->phase == REQUESTED && s->park == park) {
    uint64_t now = now_ns();
    if (now >= ends) break;
    uint32_t seen = changes_of(s);
    pthread_mutex_unlock(&s->mutex);
    await_change(s, seen, ends - now < SLICE_NS ? ends - now : SLICE_NS);
    bool stop = stopping(env);
    s = named(&call);
    if (s != NULL && stop) {
      if (s->phase == REQUESTED && s->park == park) finish(s, WITHDRAWN, now_ns());
      break;
    }
  }
  if (s == NULL) return corelane_number(env, -ESRCH);
  describe(s, into);
  unlock_and_tell(s);
  return corelane_number(env, 0);
}

/** parkWithdraw(slot, generation, park, into): ends that request if it is still open. The state is in `into`. */
static napi_value park_withdraw(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  uint64_t park = corelane_natural(&call, 2);
  double *into = state_view(&call, 3);
  if (!call.ok) return NULL;
  slot *s = named(&call);
  if (!call.ok) return NULL;
  if (s == NULL) return corelane_number(env, -ESRCH);
  if (s->phase == REQUESTED && s->park == park) finish(s, WITHDRAWN, now_ns());
  describe(s, into);
  unlock_and_tell(s);
  return corelane_number(env, 0);
}

/** parkResume(slot, generation, park or 0 for any, into): 1 if it stood still. Withdraws an open request. The state is in `into`. */
static napi_value park_resume(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  uint64_t park = corelane_natural(&call, 2);
  double *into = state_view(&call, 3);
  if (!call.ok) return NULL;
  slot *s = named(&call);
  if (!call.ok) return NULL;
  if (s == NULL) return corelane_number(env, -ESRCH);
  bool meant = park == 0 || s->park == park;
  bool stood = meant && s->phase == PARKED;
  if (meant && s->phase != RUNNING) finish(s, stood ? RESUMED : WITHDRAWN, now_ns());
  describe(s, into);
  unlock_and_tell(s);
  return corelane_number(env, stood ? 1 : 0);
}

/** parkState(slot, generation, into) */
static napi_value park_state(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  double *into = state_view(&call, 2);
  if (!call.ok) return NULL;
  slot *s = named(&call);
  if (!call.ok) return NULL;
  if (s == NULL) return corelane_number(env, -ESRCH);
  describe(s, into);
  pthread_mutex_unlock(&s->mutex);
  return corelane_number(env, 0);
}

void corelane_register_interrupt(napi_env env, napi_value exports) {
  pthread_once(&looked_up, look_up_v8);
  corelane_define(env, exports, "parkRegister", park_register);
  corelane_define(env, exports, "parkClose", park_close);
  corelane_define(env, exports, "parkRequest", park_request);
  corelane_define(env, exports, "parkWake", park_wake);
  corelane_define(env, exports, "parkAwait", park_await);
  corelane_define(env, exports, "parkWithdraw", park_withdraw);
  corelane_define(env, exports, "parkResume", park_resume);
  corelane_define(env, exports, "parkState", park_state);
}
