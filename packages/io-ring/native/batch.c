/*
 * Many operations for one answer: records are handed over as fast as the ring takes them, and each result goes to the place of its record. JavaScript
 * is called once, when all have completed, or waits for it on a thread that may block.
 *
 * A ring runs one batch at a time and nothing else meanwhile: ids are indices of records.
 */
#include "ring.h"
#include <poll.h>
#include <string.h>

/** Whoever waits for a batch looks so often whether its thread is to end. */
#define LOOK_NS 100000000

static void finish(ring_batch *batch, uint32_t index, int32_t result) {
  batch->results[index] = result;
  batch->done++;
  if (result >= 0) batch->succeeded++;
}

bool corelane_batch_takes(int32_t opcode) {
  /* What points to anything else than memory of regions while it waits in the queue is not for batches. */
  return opcode == IORING_OP_READ || opcode == IORING_OP_WRITE || opcode == IORING_OP_READV || opcode == IORING_OP_WRITEV || opcode == IORING_OP_FSYNC;
}

/** Stages what there is room for. A chain goes in whole or not at all: where one of it is refused, the others are cancelled. */
static uint32_t stage(corelane_ring *ring, uint32_t tail, uint32_t room) {
  ring_batch *batch = &ring->batch;
  uint32_t staged = 0;
  while (batch->next < batch->count) {
    uint32_t length = corelane_chain_length(ring, batch->next, batch->count), refused = 0, vectors = ring->vectors_used;
    int error = length > ring->entries ? -E2BIG : 0;
    if (error == 0) {
      if (staged + length > room || ring->in_flight + staged + length > ring->entries) break;
      error = corelane_fill_chain(ring, batch->next, length, tail + staged, true, &refused);
      /* No room for its vectors now; and never, where nothing else takes any. */
      if (error != 0) ring->vectors_used = vectors;
      if (error == -EAGAIN && vectors > 0) break;
      if (error == -EAGAIN) error = -E2BIG;
    }
    if (error == 0) staged += length;
    else
      for (uint32_t i = 0; i < length; i++) finish(batch, batch->next + i, error == -E2BIG || i == refused ? error : -ECANCELED);
    batch->next += length;
  }
  return staged;
}

/** The kernel, out of memory, took part of a chain. What is left of it must not begin by itself: it is over, and its entries do nothing. */
static void cut_chain(corelane_ring *ring) {
  uint32_t head = __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE), tail = *ring->sq_tail;
  bool linked = (ring->sqes[(head - 1) & ring->sq_mask].flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK)) != 0;
  for (; linked && head != tail; head++) {
    struct io_uring_sqe *entry = &ring->sqes[head & ring->sq_mask];
    linked = (entry->flags & (IOSQE_IO_LINK | IOSQE_IO_HARDLINK)) != 0;
    finish(&ring->batch, (uint32_t)entry->user_data, -ECANCELED);
    memset(entry, 0, sizeof *entry);
    entry->opcode = IORING_OP_NOP;
    entry->user_data = UINT32_MAX; /* nobody's */
  }
}

/** Results of a snapshot go to their places. */
static void collect(corelane_ring *ring) {
  ring_batch *batch = &ring->batch;
  uint32_t head = *ring->cq_head;
  /* acquire: pairs with the kernel's release of the tail. */
  uint32_t tail = __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE);
  for (; head != tail; head++) {
    const struct io_uring_cqe *entry = &ring->cqes[head & ring->cq_mask];
    uint32_t id = (uint32_t)entry->user_data;
    ring->in_flight--;
    if (id < batch->count) finish(batch, id, entry->res);
  }
  /* release: the kernel may use the entries again. */
  __atomic_store_n(ring->cq_head, head, __ATOMIC_RELEASE);
}

static int cancel_all(corelane_ring *ring) { return corelane_cancel(ring, 0, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY); }

/** What is not in the kernel's hands is done with -ECANCELED, the rest is asked to end. */
static void cancel(corelane_ring *ring) {
  ring_batch *batch = &ring->batch;
  batch->cancelled = true;
  while (batch->next < batch->count) finish(batch, batch->next++, -ECANCELED);
  /* What waits in the queue: the ids are in its entries. */
  uint32_t head = __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE);
  for (uint32_t count = corelane_withdraw(ring); count > 0; count--) {
    uint32_t id = (uint32_t)ring->sqes[head++ & ring->sq_mask].user_data;
    if (id < batch->count) finish(batch, id, -ECANCELED);
  }
  if (ring->in_flight > 0) cancel_all(ring);
}

/** Hands over once; with `wait`, waits for some completions. Where the ring itself fails, the batch ends, but no earlier than what is in the kernel's hands. */
static void advance(corelane_ring *ring, bool wait) {
  uint32_t tail = *ring->sq_tail;
  uint32_t waiting = tail - __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE);
  if (waiting == 0) ring->vectors_used = 0; /* the kernel has copied them */
  uint32_t staged = stage(ring, tail, ring->entries - waiting);
  __atomic_store_n(ring->sq_tail, tail + staged, __ATOMIC_RELEASE);
  ring->in_flight += staged;
  uint32_t submit = waiting + staged;
  /* As many as half of what is under way: fewer calls, and the queue never runs dry. */
  uint32_t least = wait ? (ring->in_flight + 1) / 2 : 0;
  if (submit > 0 || wait) {
    int result;
    /* Who waits comes back by himself; else completions bring back whoever has some to come. */
    do result = wait ? corelane_enter_and_wait(ring, submit, least, LOOK_NS) : corelane_enter(ring, submit, 0, 0);
    while (result < 0 && errno == EINTR && !wait);
    if (result > 0 && (uint32_t)result < submit) cut_chain(ring);
    int error = result < 0 ? errno : 0;
    bool passing = error == 0 || error == EINTR || error == ETIME || ((error == EAGAIN || error == EBUSY) && (wait || ring->in_flight > submit));
    /* The ring itself fails; or the kernel takes nothing now and has nothing whose completion would bring us back here. */
    if (!passing) {
      ring->batch.failed = -error;
      cancel(ring);
    }
  }
}

/** Of a ring that fails: what is in the kernel's hands still completes, and has memory until then. */
static void wait_for_rest(corelane_ring *ring) {
  struct pollfd completions = {.fd = ring->fd, .events = POLLIN};
  /* Where not even its descriptor is left, there is but time. */
  if (poll(&completions, 1, LOOK_NS / 1000000) < 0 || (completions.revents & POLLNVAL)) usleep(1000);
}

/** What is staged and not yet in the kernel's hands stays in the queue: `waiting` above counts it the next time. */
static bool complete(const corelane_ring *ring) { return ring->batch.done == ring->batch.count; }

static napi_value begin(napi_env env, corelane_call *call, corelane_ring **ring_out) {
  corelane_ring *ring = corelane_ring_of(call, 0);
  uint64_t count = corelane_natural(call, 1);
  corelane_range results = corelane_shared_view(call, 2);
  if (ring == NULL || !call->ok) return NULL;
  if (ring->stage == NULL || count > ring->stage_records || results.length < count * sizeof(int32_t) ||
      ((uintptr_t)results.bytes & 3) != 0)
    return corelane_number(env, -EINVAL);
  if (ring->in_flight > 0 || ring->batch.active) return corelane_number(env, -EBUSY);
  ring->batch = (ring_batch){.active = true, .count = (uint32_t)count, .results = (int32_t *)results.bytes};
  *ring_out = ring;
  return NULL;
}

/** The thread is being terminated, or the process exits and waits for it: whatever may run JavaScript is refused then. */
static bool is_ending(napi_env env) {
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return true;
  napi_value object = NULL;
  bool ending = napi_create_object(env, &object) != napi_ok || napi_set_named_property(env, object, "is", object) != napi_ok;
  napi_close_handle_scope(env, scope);
  return ending;
}

/** How many succeeded, or -errno of the ring itself. */
static double answer_of(const ring_batch *batch) { return batch->failed < 0 ? batch->failed : (double)batch->succeeded; }

/** runBatch(ring, count, results Int32Array): blocks until all have completed. How many succeeded. */
static napi_value run_batch(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = NULL;
  napi_value refused = begin(env, &call, &ring);
  if (ring == NULL) return refused;
  /* Entries of a chain that was cut do nothing, and must be out of the way for the next batch. */
  while (!(complete(ring) && ring->in_flight == 0)) {
    uint32_t done = ring->batch.done;
    if (ring->batch.failed == 0) advance(ring, true);
    else if (is_ending(env))
      break; /* the ring is taken down with the thread */
    else
      wait_for_rest(ring);
    collect(ring);
    if (ring->batch.done == done && !ring->batch.cancelled && is_ending(env)) cancel(ring);
    /* The next of a chain may have begun between the cancellation and its own turn. */
    if (ring->batch.cancelled && ring->in_flight > 0) cancel_all(ring);
  }
  ring->batch.active = false;
  return corelane_number(env, answer_of(&ring->batch));
}

/** A batch with nothing in flight has nothing that calls back: it ends here. 0, or 1 more than succeeded, or -errno of the ring itself. */
static double over(corelane_ring *ring) {
  if (!complete(ring) || ring->in_flight > 0) return 0;
  ring->batch.active = false;
  napi_delete_reference(ring->env, ring->batch.results_ref);
  ring->batch.results_ref = NULL;
  return answer_of(&ring->batch) + (ring->batch.failed < 0 ? 0 : 1);
}

/** startBatch(ring, count, results Int32Array): 0: the ring's callback will be called with how many succeeded, and the view is held until then. Else it is over: 1 more than succeeded. */
static napi_value start_batch(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = NULL;
  napi_value refused = begin(env, &call, &ring);
  if (ring == NULL) return refused;
  if (ring->poll == NULL) {
    ring->batch.active = false;
    return corelane_number(env, -EINVAL);
  }
  napi_create_reference(env, call.values[2], 1, &ring->batch.results_ref);
  advance(ring, false);
  return corelane_number(env, over(ring));
}

/** cancelBatch(ring): ends it early. As `startBatch`. */
static napi_value cancel_batch(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = corelane_ring_of(&call, 0);
  if (ring == NULL || !call.ok) return NULL;
  if (!ring->batch.active) return corelane_number(env, 0);
  cancel(ring);
  return corelane_number(env, over(ring));
}

bool corelane_batch_readable(corelane_ring *ring, double *answer) {
  collect(ring);
  advance(ring, false); /* also where all is over but entries of a chain that was cut, which the queue still has */
  /* The next of a chain may have begun between the cancellation and its own turn. */
  if (ring->batch.cancelled && ring->in_flight > 0) cancel_all(ring);
  if (!complete(ring) || ring->in_flight > 0) return false;
  ring->batch.active = false;
  napi_delete_reference(ring->env, ring->batch.results_ref);
  ring->batch.results_ref = NULL;
  *answer = answer_of(&ring->batch);
  return true;
}

void corelane_register_batch(napi_env env, napi_value exports) {
  corelane_define(env, exports, "runBatch", run_batch);
  corelane_define(env, exports, "startBatch", start_batch);
  corelane_define(env, exports, "cancelBatch", cancel_batch);
}
