/*
 * Descriptors that the operations of a thread have opened and nothing has closed yet. They are closed when the thread ends: it may be terminated
 * at any time, also between the kernel opening a file and JavaScript hearing of it, and nobody else knows their numbers.
 *
 * The opposite mistake would be worse: a number that stays here after its descriptor is closed may by then be somebody else's. So a number is
 * forgotten before the kernel is asked to close it, and comes back only where the kernel says that it did not (cancelled before it began).
 *
 * What an operation does to descriptors travels in the upper half of its `user_data`, where no table can fill up and no id can be mistaken: 0 for
 * nothing, TAG_OPENS, or TAG_CLOSES with the number.
 */
#include "ring.h"

#define TAG_OPENS ((uint64_t)UINT32_MAX << 32)
#define TAG_CLOSES ((uint64_t)1 << 63)

static uint64_t bit_of(int fd) { return (uint64_t)1 << (fd % 64); }

void corelane_own(corelane_descriptors *owned, int fd) {
  if (fd < 0 || fd >= MAX_DESCRIPTORS) return; /* it stays open until the process ends, no worse */
  owned->words[fd / 64] |= bit_of(fd);
  if (fd >= owned->end) owned->end = fd + 1;
}

bool corelane_disown(corelane_descriptors *owned, int fd) {
  if (fd < 0 || fd >= owned->end || !(owned->words[fd / 64] & bit_of(fd))) return false;
  owned->words[fd / 64] &= ~bit_of(fd);
  return true;
}

void corelane_close_owned(corelane_descriptors *owned) {
  for (int fd = 0; fd < owned->end; fd++)
    if (corelane_disown(owned, fd)) close(fd);
}

void corelane_tag_opens(struct io_uring_sqe *entry) { entry->user_data |= TAG_OPENS; }

void corelane_tag_closes(corelane_ring *ring, struct io_uring_sqe *entry) {
  if ((entry->flags & IOSQE_FIXED_FILE) || !corelane_disown(ring->descriptors, entry->fd)) return;
  entry->user_data |= TAG_CLOSES | (uint64_t)(uint32_t)entry->fd << 32;
}

uint64_t corelane_opening(uint32_t id) { return TAG_OPENS | id; }

void corelane_settle_descriptor(corelane_ring *ring, uint64_t user_data, int32_t result) {
  uint64_t tag = user_data >> 32 << 32;
  if (tag == TAG_OPENS) {
    if (result >= 0 && ring->done == NULL) close(result); /* nobody will hear of it */
    if (result >= 0 && ring->done != NULL) corelane_own(ring->descriptors, result);
  } else if ((tag & TAG_CLOSES) && result == -ECANCELED)
    corelane_own(ring->descriptors, (int)(tag >> 32 & INT32_MAX));
}

/** closeDescriptor(fd): closes what an operation of this thread has opened, with a ring or without. -EBADF where it is none of those. */
static napi_value close_descriptor(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  int fd = corelane_int(&call, 0);
  if (!call.ok) return NULL;
  corelane_descriptors *owned = corelane_descriptors_of(env);
  if (owned == NULL || !corelane_disown(owned, fd)) return corelane_number(env, -EBADF);
  return corelane_answer(env, close(fd));
}

void corelane_register_descriptors(napi_env env, napi_value exports) { corelane_define(env, exports, "closeDescriptor", close_descriptor); }
