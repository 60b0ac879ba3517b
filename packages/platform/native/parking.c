/* Workers that can be parked: see parking.h, and PROTOCOL.md. */
#include "parking.h"

#include <dlfcn.h>
#include <limits.h>
#include <linux/futex.h>
#include <time.h>

#define SLOTS 1024
/** How often a parked worker, or one that waits for a park, asks whether its environment is stopping. */
#define SLICE_NS 5000000u
#define NS_PER_S 1000000000u

typedef void (*interrupt_callback)(isolate *, void *);

/* Static, and the binary is never unmapped (-z nodelete): an entry in the queue of an isolate always finds its slot. */
static parking_slot slots[SLOTS];
/** Starts somewhere else in each process, so that a ticket of another process is a stale one here. */
static uint32_t generations;

static isolate *(*current_isolate)(void);
static void (*request_interrupt)(isolate *, interrupt_callback, void *);
static pthread_once_t looked_up = PTHREAD_ONCE_INIT;

static void look_up_v8(void) {
  *(void **)&current_isolate = dlsym(RTLD_DEFAULT, "_ZN2v87Isolate10GetCurrentEv");
  *(void **)&request_interrupt = dlsym(RTLD_DEFAULT, "_ZN2v87Isolate16RequestInterruptEPFvPS0_PvES2_");
}

uint64_t parking_now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static uint32_t next_generation(void) {
  uint32_t seed = (uint32_t)(parking_now_ns() ^ ((uint64_t)getpid() << 20));
  uint32_t none = 0;
  __atomic_compare_exchange_n(&generations, &none, seed, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  uint32_t generation = 0;
  while (generation == 0) generation = __atomic_add_fetch(&generations, 1, __ATOMIC_SEQ_CST);
  return generation;
}

/** Before unlocking. What was seen under the mutex and slept on without is no longer what is there: pairs with parking_sleep. */
static void changed(parking_slot *s) { __atomic_add_fetch(&s->changes, 1, __ATOMIC_SEQ_CST); }

void parking_unlock_and_tell(parking_slot *s) {
  pthread_mutex_unlock(&s->mutex);
  syscall(SYS_futex, &s->changes, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void parking_sleep(parking_slot *s, uint64_t length_ns) {
  uint64_t slice_ns = length_ns < SLICE_NS ? length_ns : SLICE_NS;
  struct timespec length = {.tv_nsec = (long)slice_ns};
  /* Under the mutex: what changes after it makes the futex return at once. Pairs with changed. */
  uint32_t seen = __atomic_load_n(&s->changes, __ATOMIC_SEQ_CST);
  pthread_mutex_unlock(&s->mutex);
  syscall(SYS_futex, &s->changes, FUTEX_WAIT_PRIVATE, seen, &length, NULL, 0);
}

void parking_finish(parking_slot *s, int how, uint64_t now) {
  s->parked_ns = s->phase == PARKED ? now - s->parked_at_ns : 0;
  s->phase = RUNNING;
  s->ended = how;
  changed(s);
}

bool parking_stopping(napi_env env) { return napi_set_property(env, NULL, NULL, NULL) != napi_invalid_arg; }

/** On the worker's thread, locked: stands still while it should. Unlocks. */
static void stand_still(parking_slot *s) {
  uint64_t now = parking_now_ns();
  if (s->phase != REQUESTED) {
    pthread_mutex_unlock(&s->mutex);
    return;
  }
  if (now >= s->request_ends_ns) {
    parking_finish(s, EXPIRED, now);
    parking_unlock_and_tell(s);
    return;
  }
  const napi_env env = s->env;
  const uint64_t park = s->park;
  const uint64_t ends = now + s->timeout_ns;
  s->phase = PARKED;
  s->parked_at_ns = now;
  s->latency_ns = now - s->requested_at_ns;
  changed(s);
  parking_unlock_and_tell(s);
  for (;;) {
    /* The first look comes before the first sleep: a request that is met after terminate() does not delay it. */
    bool stop = parking_stopping(env);
    pthread_mutex_lock(&s->mutex);
    if (s->phase != PARKED || s->park != park) break; /* resumed */
    now = parking_now_ns();
    if (stop || now >= ends) {
      parking_finish(s, stop ? STOPPING : TIMED_OUT, now);
      parking_unlock_and_tell(s);
      return;
    }
    parking_sleep(s, ends - now);
  }
  pthread_mutex_unlock(&s->mutex);
}

/** V8 calls this on the worker's thread, between two steps of its JavaScript. */
static void on_interrupt(isolate *interrupted, void *data) {
  parking_slot *s = data;
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
  parking_slot *s = context;
  pthread_mutex_lock(&s->mutex);
  if (s->env != env) {
    pthread_mutex_unlock(&s->mutex);
    return;
  }
  s->wake_queued = false;
  stand_still(s);
}

/** On the owner's thread: nobody finds the slot any more, and then it is free. */
static void release(parking_slot *s) {
  pthread_mutex_lock(&s->mutex);
  napi_threadsafe_function wake = s->wake;
  if (s->phase == REQUESTED) parking_finish(s, STOPPING, parking_now_ns());
  s->generation = 0;
  s->isolate = NULL;
  s->env = NULL;
  s->wake = NULL;
  changed(s);
  parking_unlock_and_tell(s);
  if (wake != NULL) napi_release_threadsafe_function(wake, napi_tsfn_abort);
  pthread_mutex_lock(&s->mutex);
  s->holds = 0;
  pthread_mutex_unlock(&s->mutex);
}

/** Runs on the worker's thread before its isolate goes. */
static void on_cleanup(void *data) { release(data); }

static parking_slot *held_by(napi_env env) {
  for (size_t i = 0; i < SLOTS; i++) {
    parking_slot *s = &slots[i];
    pthread_mutex_lock(&s->mutex);
    bool mine = s->generation != 0 && s->env == env;
    if (mine) s->holds++;
    pthread_mutex_unlock(&s->mutex);
    if (mine) return s;
  }
  return NULL;
}

static parking_slot *take_free(void) {
  for (size_t i = 0; i < SLOTS; i++) {
    parking_slot *s = &slots[i];
    pthread_mutex_lock(&s->mutex);
    bool is_free = s->holds == 0;
    if (is_free) s->holds = 1;
    pthread_mutex_unlock(&s->mutex);
    if (is_free) return s;
  }
  return NULL;
}

/** 0, or -errno. The slot gets its name last: until then nobody finds it. */
static int own(parking_slot *s, napi_env env) {
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

int parking_register(napi_env env, uint32_t *generation) {
  pthread_once(&looked_up, look_up_v8);
  if (request_interrupt == NULL || current_isolate == NULL) return -ENOSYS;
  if (syscall(SYS_gettid) == getpid()) return -EPERM;
  parking_slot *s = held_by(env);
  if (s == NULL) {
    s = take_free();
    if (s == NULL) return -ENOSPC;
    int failed = own(s, env);
    if (failed != 0) {
      release(s);
      return failed;
    }
  }
  *generation = s->generation; /* only this thread changes it */
  return (int)(s - slots);
}

uint32_t parking_close(parking_slot *s) {
  bool last = s->holds == 1;
  if (!last) s->holds--;
  uint32_t left = last ? 0 : s->holds;
  napi_env env = s->env;
  pthread_mutex_unlock(&s->mutex);
  if (last) {
    napi_remove_env_cleanup_hook(env, on_cleanup, s);
    release(s);
  }
  return left;
}

parking_slot *parking_named(uint64_t index, uint64_t generation) {
  if (index >= SLOTS || generation == 0) return NULL; /* free slots have generation 0 */
  parking_slot *s = &slots[index];
  pthread_mutex_lock(&s->mutex);
  if (s->generation == generation) return s;
  pthread_mutex_unlock(&s->mutex);
  return NULL;
}

void parking_request(parking_slot *s, uint64_t now, uint64_t timeout_ns, uint64_t request_ns) {
  s->park++;
  s->phase = REQUESTED;
  s->ended = NOT_ENDED;
  s->timeout_ns = timeout_ns;
  s->requested_at_ns = now;
  s->request_ends_ns = now + request_ns;
  s->latency_ns = 0;
  s->parked_ns = 0;
  changed(s);
  if (s->interrupt_queued) return;
  s->interrupt_queued = true;
  request_interrupt(s->isolate, on_interrupt, s);
}

void parking_wake(parking_slot *s) {
  if (s->phase == REQUESTED && !s->wake_queued)
    s->wake_queued = napi_call_threadsafe_function(s->wake, NULL, napi_tsfn_nonblocking) == napi_ok;
}
