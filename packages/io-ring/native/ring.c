/* Setting a ring up, and taking it down. */
#include "ring.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/** One mapping for both rings, vectors that need live only while they are submitted, no completion lost, and waits that end. */
#define FEATURES (IORING_FEAT_SINGLE_MMAP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG)

/** Rings of one thread. */
typedef struct {
  corelane_ring *first;
  uint32_t next_generation;
  corelane_descriptors descriptors;
} ring_list;

static ring_list *list_of(napi_env env) {
  void *data = NULL;
  napi_get_instance_data(env, &data);
  return data;
}

corelane_descriptors *corelane_descriptors_of(napi_env env) {
  ring_list *list = list_of(env);
  return list == NULL ? NULL : &list->descriptors;
}

corelane_ring *corelane_ring_of(corelane_call *call, size_t index) {
  uint64_t handle = corelane_natural(call, index);
  ring_list *list = list_of(call->env);
  if (!call->ok) return NULL;
  for (corelane_ring *ring = list == NULL ? NULL : list->first; ring != NULL; ring = ring->next)
    if (ring->generation == handle) return ring;
  napi_throw_type_error(call->env, "ERR_NATIVE_ARGUMENT", "expected a ring of this thread that is open");
  call->ok = false;
  return NULL;
}

int corelane_enter(corelane_ring *ring, uint32_t submit, uint32_t wait, uint32_t flags) {
  return (int)syscall(__NR_io_uring_enter, ring->fd, submit, wait, flags, NULL, 0);
}

int corelane_enter_and_wait(corelane_ring *ring, uint32_t submit, uint32_t wait, int64_t most_ns) {
  struct __kernel_timespec time = {.tv_sec = most_ns / 1000000000, .tv_nsec = most_ns % 1000000000};
  struct io_uring_getevents_arg argument;
  memset(&argument, 0, sizeof argument);
  argument.ts = (uintptr_t)&time;
  return (int)syscall(__NR_io_uring_enter, ring->fd, submit, wait, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof argument);
}

int corelane_enroll(corelane_ring *ring, unsigned what, void *argument, unsigned count) {
  return (int)syscall(__NR_io_uring_register, ring->fd, what, argument, count);
}

int corelane_cancel(corelane_ring *ring, uint32_t id, uint32_t flags) {
  struct io_uring_sync_cancel_reg which;
  memset(&which, 0, sizeof which);
  which.addr = id;
  which.fd = -1;
  which.flags = flags;
  /* No time to wait in: who was found running already has been told, and completes when it does. */
  int result = corelane_enroll(ring, IORING_REGISTER_SYNC_CANCEL, &which, 1);
  /* All 64 bits are compared. What closes a descriptor is left alone: it ends by itself. */
  if (result < 0 && errno == ENOENT && flags == 0) {
    which.addr = corelane_opening(id);
    result = corelane_enroll(ring, IORING_REGISTER_SYNC_CANCEL, &which, 1);
  }
  return result < 0 ? -errno : 0;
}

uint32_t corelane_withdraw(corelane_ring *ring) {
  /* acquire: pairs with the kernel's release of the head. Only a call of ours makes it move. */
  uint32_t head = __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE);
  uint32_t count = *ring->sq_tail - head;
  for (uint32_t i = 0; i < count; i++) corelane_settle_descriptor(ring, ring->sqes[(head + i) & ring->sq_mask].user_data, -ECANCELED);
  __atomic_store_n(ring->sq_tail, head, __ATOMIC_RELEASE);
  ring->in_flight -= count;
  return count;
}

/** Where somebody has closed the descriptor of a ring, its memory shows what completes, but nothing can be cancelled. What is on its way to a device takes no longer. */
#define PATIENCE_MS 1000

/**
 * Everything is cancelled, and then waited for: the kernel must not hold memory that is about to go. It ends: all that can wait for ever (pipes,
 * devices) can be cancelled, and what cannot be is on its way to a device.
 */
static void settle(corelane_ring *ring) {
  ring->done = NULL; /* nobody reads them any more */
  corelane_withdraw(ring);
  int patience = PATIENCE_MS;
  while (ring->in_flight > 0 && patience > 0) {
    corelane_cancel(ring, 0, IORING_ASYNC_CANCEL_ALL | IORING_ASYNC_CANCEL_ANY);
    if (corelane_reap(ring) > 0) continue;
    if (corelane_enter(ring, 0, 1, IORING_ENTER_GETEVENTS) < 0 && errno != EINTR && errno != EBUSY && errno != EAGAIN) {
      usleep(1000);
      patience--;
    }
  }
}

static void drop(napi_env env, napi_ref *ref) {
  if (*ref != NULL) napi_delete_reference(env, *ref);
  *ref = NULL;
}

static void free_ring(corelane_ring *ring) {
  if (ring->fd >= 0) {
    if (ring->in_flight > 0) settle(ring);
    close(ring->fd);
  }
  if (ring->rings != NULL) munmap(ring->rings, ring->rings_length);
  if (ring->sqes != NULL) munmap(ring->sqes, ring->sqes_length);
  for (size_t i = 0; i < RING_REGIONS; i++) drop(ring->env, &ring->regions[i].ref);
  drop(ring->env, &ring->stage_ref);
  drop(ring->env, &ring->done_ref);
  drop(ring->env, &ring->callback);
  drop(ring->env, &ring->batch.results_ref);
  free(ring->vectors);
  free(ring);
}

static void unlink_ring(ring_list *list, corelane_ring *ring) {
  for (corelane_ring **at = &list->first; *at != NULL; at = &(*at)->next)
    if (*at == ring) {
      *at = ring->next;
      return;
    }
}

/** The thread ends, by itself or because it is terminated. JavaScript no longer runs, and its memory is still there. */
static void cleanup(void *data) {
  ring_list *list = data;
  while (list->first != NULL) {
    corelane_ring *ring = list->first;
    list->first = ring->next;
    corelane_unwatch(ring);
    free_ring(ring);
  }
  /* After the rings: what they had in flight has opened its last, and a cancelled close has given back its own. */
  corelane_close_owned(&list->descriptors);
}

static void free_list(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  free(data);
}

static void *at(void *base, uint32_t offset) { return (uint8_t *)base + offset; }

static long map_ring(corelane_ring *ring, const struct io_uring_params *p) {
  size_t sq = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
  size_t cq = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
  ring->rings_length = sq > cq ? sq : cq;
  ring->sqes_length = p->sq_entries * sizeof(struct io_uring_sqe);
  void *rings = mmap(NULL, ring->rings_length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQ_RING);
  if (rings == MAP_FAILED) return -1;
  ring->rings = rings;
  void *sqes = mmap(NULL, ring->sqes_length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQES);
  if (sqes == MAP_FAILED) return -1;
  ring->sqes = sqes;
  ring->sq_head = at(rings, p->sq_off.head);
  ring->sq_tail = at(rings, p->sq_off.tail);
  ring->sq_array = at(rings, p->sq_off.array);
  ring->sq_mask = *(uint32_t *)at(rings, p->sq_off.ring_mask);
  ring->cq_head = at(rings, p->cq_off.head);
  ring->cq_tail = at(rings, p->cq_off.tail);
  ring->cq_mask = *(uint32_t *)at(rings, p->cq_off.ring_mask);
  ring->cqes = at(rings, p->cq_off.cqes);
  ring->entries = p->sq_entries;
  ring->completion_entries = p->cq_entries;
  for (uint32_t i = 0; i < ring->entries; i++) ring->sq_array[i] = i;
  return 0;
}

/** openRing(entries, completionEntries, setupFlags): a handle > 0. */
static napi_value open_ring(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  uint32_t entries = (uint32_t)corelane_int(&call, 0);
  uint32_t completions = (uint32_t)corelane_int(&call, 1);
  uint32_t flags = (uint32_t)corelane_int(&call, 2);
  if (!call.ok) return NULL;
  /* What these files are written for. Others change the size of entries, who submits, or where the ring lies. */
  if (flags & ~(IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SINGLE_ISSUER))
    return corelane_number(env, -EINVAL);
  ring_list *list = list_of(env);
  if (list == NULL) {
    list = calloc(1, sizeof *list);
    if (list == NULL) return corelane_number(env, -ENOMEM);
    napi_set_instance_data(env, list, free_list, NULL);
    napi_add_env_cleanup_hook(env, cleanup, list);
  }
  corelane_ring *ring = calloc(1, sizeof *ring);
  if (ring == NULL) return corelane_number(env, -ENOMEM);
  ring->env = env;
  ring->descriptors = &list->descriptors;
  struct io_uring_params p;
  memset(&p, 0, sizeof p);
  p.flags = flags | (completions > 0 ? IORING_SETUP_CQSIZE : 0);
  p.cq_entries = completions;
  ring->fd = (int)syscall(__NR_io_uring_setup, entries, &p);
  long result = ring->fd < 0 ? -errno : 0;
  if (result == 0 && (p.features & FEATURES) != FEATURES)
    result = -ENOSYS;
  if (result == 0 && map_ring(ring, &p) < 0) result = -errno;
  if (result == 0) {
    ring->vectors_length = ring->entries < 1024 ? 1024 : ring->entries;
    ring->vectors = calloc(ring->vectors_length, sizeof *ring->vectors);
    if (ring->vectors == NULL) result = -ENOMEM;
  }
  if (result < 0) {
    free_ring(ring);
    return corelane_number(env, (double)result);
  }
  ring->generation = ++list->next_generation;
  ring->next = list->first;
  list->first = ring;
  return corelane_number(env, ring->generation);
}

/** ringFacts(ring, into Int32Array of 3): entries, completion entries, in flight. */
static napi_value ring_facts(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = corelane_ring_of(&call, 0);
  corelane_range into = corelane_shared_view(&call, 1);
  if (ring == NULL || !call.ok) return NULL;
  int32_t facts[] = {(int32_t)ring->entries, (int32_t)ring->completion_entries, (int32_t)ring->in_flight};
  if (into.length < sizeof facts) return corelane_number(env, -EINVAL);
  memcpy(into.bytes, facts, sizeof facts);
  return corelane_number(env, 0);
}

/** bindQueues(ring, staged Int32Array, done Int32Array): where records are staged and completions are put. */
static napi_value bind_queues(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = corelane_ring_of(&call, 0);
  corelane_range stage = corelane_shared_view(&call, 1);
  corelane_range done = corelane_shared_view(&call, 2);
  if (ring == NULL || !call.ok) return NULL;
  if (stage.length < STAGE_WORDS * sizeof(int32_t) || done.length < DONE_WORDS * sizeof(int32_t) || ring->stage != NULL ||
      ((uintptr_t)stage.bytes & 3) != 0 || ((uintptr_t)done.bytes & 3) != 0)
    return corelane_number(env, -EINVAL);
  if (napi_create_reference(env, call.values[1], 1, &ring->stage_ref) != napi_ok ||
      napi_create_reference(env, call.values[2], 1, &ring->done_ref) != napi_ok)
    return corelane_number(env, -ENOMEM);
  ring->stage = (int32_t *)stage.bytes;
  ring->done = (int32_t *)done.bytes;
  ring->stage_records = (uint32_t)(stage.length / (STAGE_WORDS * sizeof(int32_t)));
  ring->done_records = (uint32_t)(done.length / (DONE_WORDS * sizeof(int32_t)));
  return corelane_number(env, 0);
}

/** closeRing(ring): waits for what is in flight, which it cancels. */
static napi_value close_ring(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = corelane_ring_of(&call, 0);
  if (ring == NULL || !call.ok) return NULL;
  corelane_unwatch(ring);
  unlink_ring(list_of(env), ring);
  free_ring(ring);
  return corelane_number(env, 0);
}

void corelane_register_ring(napi_env env, napi_value exports) {
  corelane_define(env, exports, "openRing", open_ring);
  corelane_define(env, exports, "ringFacts", ring_facts);
  corelane_define(env, exports, "bindQueues", bind_queues);
  corelane_define(env, exports, "closeRing", close_ring);
}
