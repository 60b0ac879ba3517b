/* What a ring may touch and can do: regions of memory, the table of files, and the operations of this kernel. */
#include "ring.h"
#include <stdlib.h>
#include <string.h>

/** addRegion(ring, view): its index. The view is held until the ring is closed. */
static napi_value add_region(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = corelane_ring_of(&call, 0);
  corelane_range range = corelane_shared_view(&call, 1);
  if (ring == NULL || !call.ok) return NULL;
  if (range.bytes == NULL || range.length == 0) return corelane_number(env, -EINVAL);
  for (int i = 0; i < RING_REGIONS; i++) {
    ring_region *region = &ring->regions[i];
    if (region->ref != NULL) continue;
    if (napi_create_reference(env, call.values[1], 1, &region->ref) != napi_ok) return corelane_number(env, -ENOMEM);
    region->bytes = range.bytes;
    region->length = range.length;
    region->buffer = -1;
    return corelane_number(env, i);
  }
  return corelane_number(env, -ENOSPC);
}

/** registerBuffers(ring): every region becomes a registered buffer. Locks their pages; -ENOMEM beyond RLIMIT_MEMLOCK. How many. */
static napi_value register_buffers(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = corelane_ring_of(&call, 0);
  if (ring == NULL || !call.ok) return NULL;
  if (ring->in_flight > 0) return corelane_number(env, -EBUSY);
  if (ring->buffers_registered) {
    corelane_enroll(ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
    ring->buffers_registered = false;
    for (int i = 0; i < RING_REGIONS; i++) ring->regions[i].buffer = -1;
  }
  struct iovec vectors[RING_REGIONS];
  int indices[RING_REGIONS];
  unsigned count = 0;
  for (int i = 0; i < RING_REGIONS; i++)
    if (ring->regions[i].ref != NULL) {
      vectors[count] = (struct iovec){.iov_base = ring->regions[i].bytes, .iov_len = ring->regions[i].length};
      indices[count++] = i;
    }
  if (count == 0) return corelane_number(env, 0);
  int result = corelane_enroll(ring, IORING_REGISTER_BUFFERS, vectors, count);
  if (result < 0) return corelane_answer(env, result);
  ring->buffers_registered = true;
  for (unsigned i = 0; i < count; i++) ring->regions[indices[i]].buffer = (int)i;
  return corelane_number(env, count);
}

/** registerFiles(ring, slots): a table of so many empty slots. */
static napi_value register_files(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = corelane_ring_of(&call, 0);
  uint64_t slots = corelane_natural(&call, 1);
  if (ring == NULL || !call.ok) return NULL;
  if (slots == 0 || slots > 32768) return corelane_number(env, -EINVAL);
  int *fds = malloc(slots * sizeof *fds);
  if (fds == NULL) return corelane_number(env, -ENOMEM);
  for (uint64_t i = 0; i < slots; i++) fds[i] = -1;
  int result = corelane_enroll(ring, IORING_REGISTER_FILES, fds, (unsigned)slots);
  int saved = errno;
  free(fds);
  errno = saved;
  return corelane_answer(env, result);
}

/** setFile(ring, slot, fd): puts a descriptor into a slot, or takes it out with -1. */
static napi_value set_file(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = corelane_ring_of(&call, 0);
  uint64_t slot = corelane_natural(&call, 1);
  int fd = corelane_int(&call, 2);
  if (ring == NULL || !call.ok) return NULL;
  struct io_uring_files_update update;
  memset(&update, 0, sizeof update);
  update.offset = (uint32_t)slot;
  update.fds = (uintptr_t)&fd;
  if (slot > UINT32_MAX) return corelane_number(env, -EINVAL);
  return corelane_answer(env, corelane_enroll(ring, IORING_REGISTER_FILES_UPDATE, &update, 1));
}

/** supports(ring, opcode): 1 where this kernel has the operation, else 0. */
static napi_value supports(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = corelane_ring_of(&call, 0);
  uint64_t opcode = corelane_natural(&call, 1);
  if (ring == NULL || !call.ok) return NULL;
  union {
    struct io_uring_probe probe;
    uint8_t room[sizeof(struct io_uring_probe) + 256 * sizeof(struct io_uring_probe_op)];
  } answer;
  memset(&answer, 0, sizeof answer);
  int result = corelane_enroll(ring, IORING_REGISTER_PROBE, &answer, 256);
  if (result < 0) return corelane_answer(env, result);
  if (opcode > answer.probe.last_op) return corelane_number(env, 0);
  struct io_uring_probe_op found;
  memcpy(&found, answer.room + sizeof answer.probe + opcode * sizeof found, sizeof found);
  return corelane_number(env, (found.flags & IO_URING_OP_SUPPORTED) != 0);
}

void corelane_register_resources(napi_env env, napi_value exports) {
  corelane_define(env, exports, "addRegion", add_region);
  corelane_define(env, exports, "registerBuffers", register_buffers);
  corelane_define(env, exports, "registerFiles", register_files);
  corelane_define(env, exports, "setFile", set_file);
  corelane_define(env, exports, "supports", supports);
}
