/*
 * What has completed comes back in snapshots: one for each turn of the event loop, or a few small ones, never "until empty", which an application that
 * submits in its callbacks could keep up for ever.
 *
 * The loop is libuv's. The ring's own descriptor is readable while completions wait, so it is polled as it is. libuv's functions are those of
 * the process; its headers do not come with Node-API's, so the few that are used are declared here, as they have been since 1.0.
 */
#include "ring.h"
#include <stdlib.h>

typedef struct uv_poll uv_poll_t;
typedef struct uv_handle uv_handle_t;
struct uv_loop_s;
size_t uv_handle_size(int type);
int uv_poll_init(struct uv_loop_s *loop, uv_poll_t *poll, int fd);
int uv_poll_start(uv_poll_t *poll, int events, void (*callback)(uv_poll_t *, int, int));
int uv_poll_stop(uv_poll_t *poll);
void uv_close(uv_handle_t *handle, void (*callback)(uv_handle_t *));
void uv_ref(uv_handle_t *handle);
void uv_unref(uv_handle_t *handle);
void uv_handle_set_data(uv_handle_t *handle, void *data);
void *uv_handle_get_data(const uv_handle_t *handle);
#define UV_POLL_TYPE 8
#define UV_READABLE_EVENT 1

uint32_t corelane_reap(corelane_ring *ring) {
  uint32_t head = *ring->cq_head;
  /* acquire: pairs with the kernel's release of the tail, which publishes the entries before it. */
  uint32_t tail = __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE);
  uint32_t count = 0;
  while (head != tail && (ring->done == NULL || count < ring->done_records)) {
    const struct io_uring_cqe *entry = &ring->cqes[head & ring->cq_mask];
    if (ring->done != NULL) {
      int32_t *record = ring->done + (size_t)count * DONE_WORDS;
      record[DONE_ID] = (int32_t)entry->user_data;
      record[DONE_RESULT] = entry->res;
    }
    corelane_settle_descriptor(ring, entry->user_data, entry->res);
    ring->in_flight--;
    head++;
    count++;
  }
  /* release: the kernel may use the entries again. */
  __atomic_store_n(ring->cq_head, head, __ATOMIC_RELEASE);
  return count;
}

/**
 * Snapshots in one turn of the loop: while they are small and what they started has completed at once, asking the kernel in between would cost more than
 * they do. Measured with cached reads and echoes, one at a time: 15 % less CPU. A timer waits for some ten operations, not for one.
 */
#define SNAPSHOTS_A_TURN 8
#define COMPLETIONS_A_TURN 32

/** Hands a snapshot to JavaScript. How many completions it had; 0: there was nothing to tell. */
static uint32_t tell(corelane_ring *ring) {
  double count = 0;
  if (ring->batch.active) {
    if (!corelane_batch_readable(ring, &count)) return 0;
  } else {
    count = corelane_reap(ring);
    if (count == 0) return 0;
  }
  napi_env env = ring->env;
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return 0;
  napi_value callback, global, argument = corelane_number(env, count), result;
  /* The callback may close the ring: it is not looked at afterwards. */
  if (napi_get_reference_value(env, ring->callback, &callback) == napi_ok && napi_get_global(env, &global) == napi_ok &&
      napi_make_callback(env, ring->async_context, global, callback, 1, &argument, &result) == napi_pending_exception) {
    napi_value exception;
    if (napi_get_and_clear_last_exception(env, &exception) == napi_ok) napi_fatal_exception(env, exception);
  }
  napi_close_handle_scope(env, scope);
  return count > 0 ? (uint32_t)count : 0; /* a batch answers -errno where its ring failed */
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  (void)events;
  corelane_ring *ring = uv_handle_get_data((uv_handle_t *)poll);
  if (ring == NULL || status < 0 || ring->closing) return;
  uint32_t told = 0;
  for (int snapshot = 0; snapshot < SNAPSHOTS_A_TURN && told < COMPLETIONS_A_TURN; snapshot++) {
    uint32_t count = tell(ring);
    /* The handle outlives the ring until the loop goes on, and is no longer the ring's where that was closed. */
    if (count == 0 || uv_handle_get_data((uv_handle_t *)poll) != ring) return;
    told += count;
  }
}

/** watchRing(ring, callback(count)): calls back when completions were put into the bound view. */
static napi_value watch_ring(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = corelane_ring_of(&call, 0);
  if (ring == NULL || !call.ok) return NULL;
  napi_valuetype type = napi_undefined;
  if (call.count < 2 || napi_typeof(env, call.values[1], &type) != napi_ok || type != napi_function || ring->poll != NULL ||
      ring->done == NULL)
    return corelane_number(env, -EINVAL);
  struct uv_loop_s *loop = NULL;
  napi_value name;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok || napi_create_string_utf8(env, "IORING", NAPI_AUTO_LENGTH, &name) != napi_ok)
    return corelane_number(env, -ENOMEM);
  uv_poll_t *poll = malloc(uv_handle_size(UV_POLL_TYPE));
  if (poll == NULL) return corelane_number(env, -ENOMEM);
  int result = uv_poll_init(loop, poll, ring->fd);
  if (result < 0) {
    free(poll);
    return corelane_number(env, result);
  }
  uv_handle_set_data((uv_handle_t *)poll, ring);
  ring->poll = poll;
  napi_create_reference(env, call.values[1], 1, &ring->callback);
  napi_async_init(env, NULL, name, &ring->async_context);
  uv_unref((uv_handle_t *)poll);
  return corelane_number(env, uv_poll_start(poll, UV_READABLE_EVENT, on_readable));
}

/** holdLoop(ring, hold): whether the ring keeps the event loop alive. */
static napi_value hold_loop(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = corelane_ring_of(&call, 0);
  bool hold = corelane_int(&call, 1) != 0;
  if (ring == NULL || !call.ok) return NULL;
  if (ring->poll == NULL) return corelane_number(env, -EINVAL);
  if (hold)
    uv_ref((uv_handle_t *)ring->poll);
  else
    uv_unref((uv_handle_t *)ring->poll);
  return corelane_number(env, 0);
}

typedef struct {
  napi_async_cleanup_hook_handle hook;
} closing_poll;

static void on_closed(uv_handle_t *handle) {
  closing_poll *closing = uv_handle_get_data(handle);
  /* The thread may end now. */
  if (closing != NULL && closing->hook != NULL) napi_remove_async_cleanup_hook(closing->hook);
  free(closing);
  free(handle);
}

static void already_closing(napi_async_cleanup_hook_handle hook, void *data) {
  (void)hook; /* on_closed removes it */
  (void)data;
}

void corelane_unwatch(corelane_ring *ring) {
  ring->closing = true;
  if (ring->poll == NULL) return;
  uv_poll_stop(ring->poll);
  /* libuv frees the handle later; a thread that ends meanwhile must wait for that, or its loop is found busy. */
  closing_poll *closing = calloc(1, sizeof *closing);
  if (closing != NULL) napi_add_async_cleanup_hook(ring->env, already_closing, NULL, &closing->hook);
  uv_handle_set_data((uv_handle_t *)ring->poll, closing);
  uv_close((uv_handle_t *)ring->poll, on_closed);
  ring->poll = NULL;
  if (ring->async_context != NULL) napi_async_destroy(ring->env, ring->async_context);
  ring->async_context = NULL;
}

void corelane_register_completions(napi_env env, napi_value exports) {
  corelane_define(env, exports, "watchRing", watch_ring);
  corelane_define(env, exports, "holdLoop", hold_loop);
}
