/*
 * Workers that can be parked: one slot each, and what is done to it under its mutex. PROTOCOL.md says how, what it prevents, and why it holds.
 * interrupt.c is what JavaScript calls of it.
 */
#ifndef CORELANE_PARKING_H
#define CORELANE_PARKING_H

#include "concerns.h"

#include <pthread.h>

typedef struct isolate isolate;

/* Shared with src/interrupt/native-interrupt.ts. */
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
} parking_slot;

uint64_t parking_now_ns(void);

/** The slot of that registration, locked; or none, where it is over. */
parking_slot *parking_named(uint64_t index, uint64_t generation);
/** Registers the calling thread, whose environment this is: its slot, or -errno. */
int parking_register(napi_env env, uint32_t *generation);
/** Locked, of the calling thread; unlocks. How often it is still registered. */
uint32_t parking_close(parking_slot *s);

/** Locked, RUNNING: asks for a park. */
void parking_request(parking_slot *s, uint64_t now, uint64_t timeout_ns, uint64_t request_ns);
/** Locked: also asks the event loop of the worker. */
void parking_wake(parking_slot *s);
/** Whoever ends a park or a request does it here, once: the others find another phase or another park. Locked. */
void parking_finish(parking_slot *s, int how, uint64_t now);

/** Locked; unlocks, sleeps until something changed, for `length_ns` or a slice at most, and may return early. */
void parking_sleep(parking_slot *s, uint64_t length_ns);
/** Unlocks, then wakes: who is woken needs the mutex first. The slot is still there, for slots are static. */
void parking_unlock_and_tell(parking_slot *s);

/**
 * Whether JavaScript may not run any more on `env`, whose thread this is. Asked without entering V8: the call checks that first, and is
 * then refused for its arguments (PROTOCOL.md, "Stopping"). Any other answer is taken for a stop, which at worst ends a park early.
 */
bool parking_stopping(napi_env env);

#endif
