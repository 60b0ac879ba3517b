/* Parking a running worker through V8's interrupt: what JavaScript calls. How it is done is in parking.c. */
#include "parking.h"

#include <string.h>

/** The slot that arguments 0 and 1 (slot, generation) name, locked; or none, where that registration is over. */
static parking_slot *named(corelane_call *call) {
  uint64_t index = corelane_natural(call, 0);
  uint64_t generation = corelane_natural(call, 1);
  return call->ok ? parking_named(index, generation) : NULL;
}

/** A view of VIEW_LENGTH doubles; none where this or an earlier argument is wrong. */
static double *state_view(corelane_call *call, size_t index) {
  corelane_range range = corelane_view(call, index);
  if (!call->ok) return NULL;
  if (range.length >= VIEW_LENGTH * sizeof(double) && (uintptr_t)range.bytes % sizeof(double) == 0)
    return (double *)(void *)range.bytes;
  call->ok = false;
  napi_throw_type_error(call->env, "ERR_NATIVE_ARGUMENT", "the view is too short for the state of a park");
  return NULL;
}

static void describe(const parking_slot *s, double *view) {
  uint64_t stood = s->phase == PARKED ? parking_now_ns() - s->parked_at_ns : s->parked_ns;
  view[VIEW_PHASE] = s->phase;
  view[VIEW_PARK] = (double)s->park;
  view[VIEW_ENDED] = s->ended;
  view[VIEW_LATENCY_NS] = (double)s->latency_ns;
  view[VIEW_PARKED_NS] = (double)stood;
  view[VIEW_LEFT_NS] = s->phase == PARKED && stood < s->timeout_ns ? (double)(s->timeout_ns - stood) : 0;
}

/** parkRegister(into: Uint32Array[1]): the slot; its generation in `into`. */
static napi_value park_register(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_range into = corelane_view(&call, 0);
  if (!call.ok) return NULL;
  if (into.length < sizeof(uint32_t)) {
    napi_throw_type_error(env, "ERR_NATIVE_ARGUMENT", "the view is too short for a generation");
    return NULL;
  }
  uint32_t generation = 0;
  int index = parking_register(env, &generation);
  if (index >= 0) memcpy(into.bytes, &generation, sizeof generation);
  return corelane_number(env, index);
}

/** parkClose(slot, generation): how often it is still registered. */
static napi_value park_close(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  parking_slot *s = named(&call);
  if (!call.ok) return NULL;
  if (s == NULL) return corelane_number(env, -ESRCH);
  if (s->env == env) return corelane_number(env, parking_close(s));
  pthread_mutex_unlock(&s->mutex);
  return corelane_number(env, -EPERM);
}

/** parkRequest(slot, generation, timeoutNs, requestNs): the number of the park that is asked for. */
static napi_value park_request(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  uint64_t timeout_ns = corelane_natural(&call, 2);
  uint64_t request_ns = corelane_natural(&call, 3);
  parking_slot *s = named(&call);
  if (!call.ok) return NULL;
  if (s == NULL) return corelane_number(env, -ESRCH);
  uint64_t now = parking_now_ns();
  /* Whoever asked is gone, and its request would be dropped anyway. */
  if (s->phase == REQUESTED && now >= s->request_ends_ns) parking_finish(s, EXPIRED, now);
  double answer = -EBUSY;
  if (s->tid == syscall(SYS_gettid)) {
    answer = -EDEADLK;
  } else if (s->phase == RUNNING) {
    parking_request(s, now, timeout_ns, request_ns);
    answer = (double)s->park;
  }
  parking_unlock_and_tell(s);
  return corelane_number(env, answer);
}

/** parkWake(slot, generation): also asks the worker's event loop, for a worker that runs no JavaScript. */
static napi_value park_wake(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  parking_slot *s = named(&call);
  if (!call.ok) return NULL;
  if (s == NULL) return corelane_number(env, -ESRCH);
  parking_wake(s);
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
  if (into == NULL) return NULL;
  const uint64_t ends = parking_now_ns() + wait_ns;
  for (bool stop = false;; stop = parking_stopping(env)) {
    parking_slot *s = named(&call);
    if (!call.ok) return NULL;
    if (s == NULL) return corelane_number(env, -ESRCH);
    uint64_t now = parking_now_ns();
    bool is_open = s->phase == REQUESTED && s->park == park;
    if (is_open && !stop && now < ends) {
      parking_sleep(s, ends - now);
      continue;
    }
    if (is_open && stop) parking_finish(s, WITHDRAWN, now);
    describe(s, into);
    parking_unlock_and_tell(s);
    return corelane_number(env, 0);
  }
}

/** parkWithdraw(slot, generation, park, into): ends that request if it is still open. The state is in `into`. */
static napi_value park_withdraw(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  uint64_t park = corelane_natural(&call, 2);
  double *into = state_view(&call, 3);
  if (into == NULL) return NULL;
  parking_slot *s = named(&call);
  if (!call.ok) return NULL;
  if (s == NULL) return corelane_number(env, -ESRCH);
  if (s->phase == REQUESTED && s->park == park) parking_finish(s, WITHDRAWN, parking_now_ns());
  describe(s, into);
  parking_unlock_and_tell(s);
  return corelane_number(env, 0);
}

/** parkResume(slot, generation, park or 0 for any, into): 1 if it stood still. Withdraws an open request. The state is in `into`. */
static napi_value park_resume(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  uint64_t park = corelane_natural(&call, 2);
  double *into = state_view(&call, 3);
  if (into == NULL) return NULL;
  parking_slot *s = named(&call);
  if (!call.ok) return NULL;
  if (s == NULL) return corelane_number(env, -ESRCH);
  bool meant = park == 0 || s->park == park;
  bool stood = meant && s->phase == PARKED;
  if (meant && s->phase != RUNNING) parking_finish(s, stood ? RESUMED : WITHDRAWN, parking_now_ns());
  describe(s, into);
  parking_unlock_and_tell(s);
  return corelane_number(env, stood ? 1 : 0);
}

/** parkState(slot, generation, into) */
static napi_value park_state(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  double *into = state_view(&call, 2);
  if (into == NULL) return NULL;
  parking_slot *s = named(&call);
  if (!call.ok) return NULL;
  if (s == NULL) return corelane_number(env, -ESRCH);
  describe(s, into);
  pthread_mutex_unlock(&s->mutex);
  return corelane_number(env, 0);
}

void corelane_register_interrupt(napi_env env, napi_value exports) {
  corelane_define(env, exports, "parkRegister", park_register);
  corelane_define(env, exports, "parkClose", park_close);
  corelane_define(env, exports, "parkRequest", park_request);
  corelane_define(env, exports, "parkWake", park_wake);
  corelane_define(env, exports, "parkAwait", park_await);
  corelane_define(env, exports, "parkWithdraw", park_withdraw);
  corelane_define(env, exports, "parkResume", park_resume);
  corelane_define(env, exports, "parkState", park_state);
}
