/*
 * Staged records become submissions. Every operation is named here with the fields that it takes; one that is not is refused, so that
 * nobody outside can make the kernel read or write an address: memory is named by region, offset and length, and checked here.
 *
 * A record that is refused stops the batch before it: those ahead are submitted, and the answer says how many. Nothing is half done: of records that
 * are linked, all go in or none.
 */
#include "ring.h"
#include <string.h>
#include <sys/socket.h>

typedef struct {
  uint8_t *bytes;
  int error;
} place;

/** `length` bytes at `offset` of a region. */
static place place_of(corelane_ring *ring, int32_t region, int32_t offset, uint64_t length) {
  if (region < 0 || region >= RING_REGIONS || ring->regions[region].ref == NULL) return (place){.error = -EINVAL};
  uint64_t start = (uint32_t)offset;
  if (start > ring->regions[region].length || length > ring->regions[region].length - start) return (place){.error = -ERANGE};
  return (place){.bytes = ring->regions[region].bytes + start};
}

/** A path that ends inside its region. The kernel copies it while it is submitted. */
static place path_of(corelane_ring *ring, int32_t region, int32_t offset) {
  place path = place_of(ring, region, offset, 1);
  if (path.error != 0) return path;
  size_t room = ring->regions[region].length - (uint32_t)offset;
  if (memchr(path.bytes, 0, room > 4096 ? 4096 : room) == NULL) path.error = -ENAMETOOLONG;
  return path;
}

static uint64_t position_of(const int32_t *record) {
  return (uint64_t)(uint32_t)record[STAGE_POSITION_HIGH] << 32 | (uint32_t)record[STAGE_POSITION_LOW];
}

/** `length` vectors of three words (region, offset, bytes) at the second place of the record. */
static int fill_vectors(corelane_ring *ring, const int32_t *record, struct io_uring_sqe *entry) {
  uint32_t count = (uint32_t)record[STAGE_LENGTH];
  if (count == 0 || count > 1024) return -EINVAL;
  if (count > ring->vectors_length - ring->vectors_used) return -EAGAIN; /* the next submission has room again */
  place list = place_of(ring, record[STAGE_REGION_2], record[STAGE_OFFSET_2], (uint64_t)count * 12);
  if (list.error != 0) return list.error;
  struct iovec *vectors = ring->vectors + ring->vectors_used;
  for (uint32_t i = 0; i < count; i++) {
    int32_t words[3];
    memcpy(words, list.bytes + (size_t)i * 12, sizeof words); /* once: other threads may write there meanwhile */
    place part = place_of(ring, words[0], words[1], (uint32_t)words[2]);
    if (part.error != 0) return part.error;
    vectors[i] = (struct iovec){.iov_base = part.bytes, .iov_len = (uint32_t)words[2]};
  }
  ring->vectors_used += count;
  entry->addr = (uintptr_t)vectors;
  entry->len = count;
  return 0;
}

/** Read, write: one range of a region. */
static int fill_buffer(corelane_ring *ring, const int32_t *record, struct io_uring_sqe *entry) {
  place range = place_of(ring, record[STAGE_REGION], record[STAGE_OFFSET], (uint32_t)record[STAGE_LENGTH]);
  if (range.error != 0) return range.error;
  entry->addr = (uintptr_t)range.bytes;
  entry->len = (uint32_t)record[STAGE_LENGTH];
  if (!(record[STAGE_OPTIONS] & STAGE_FIXED_BUFFER)) return 0;
  int buffer = ring->regions[record[STAGE_REGION]].buffer;
  if (buffer < 0) return -EINVAL;
  entry->opcode = entry->opcode == IORING_OP_READ ? IORING_OP_READ_FIXED : IORING_OP_WRITE_FIXED;
  entry->buf_index = (uint16_t)buffer;
  return 0;
}

int corelane_fill(corelane_ring *ring, const int32_t *record, struct io_uring_sqe *entry) {
  memset(entry, 0, sizeof *entry);
  entry->opcode = (uint8_t)record[STAGE_OPCODE];
  /* Buffer selection would have the kernel choose memory by itself. */
  if (record[STAGE_SQE_FLAGS] & ~(IOSQE_FIXED_FILE | IOSQE_IO_DRAIN | IOSQE_IO_LINK | IOSQE_IO_HARDLINK | IOSQE_ASYNC))
    return -EINVAL;
  entry->flags = (uint8_t)record[STAGE_SQE_FLAGS];
  entry->fd = record[STAGE_FD];
  entry->user_data = (uint32_t)record[STAGE_ID];
  entry->off = position_of(record);
  switch (record[STAGE_OPCODE]) {
    case IORING_OP_READ:
    case IORING_OP_WRITE:
      entry->rw_flags = record[STAGE_FLAGS];
      return fill_buffer(ring, record, entry);
    case IORING_OP_READV:
    case IORING_OP_WRITEV:
      entry->rw_flags = record[STAGE_FLAGS];
      return fill_vectors(ring, record, entry);
    case IORING_OP_FSYNC:
      entry->off = 0;
      entry->fsync_flags = (uint32_t)record[STAGE_FLAGS];
      return 0;
    case IORING_OP_FALLOCATE:
      /* The length takes the address's place: 53 bits in the two words of the second place. */
      entry->addr = (uint64_t)(uint32_t)record[STAGE_OFFSET_2] << 32 | (uint32_t)record[STAGE_REGION_2];
      entry->len = (uint32_t)record[STAGE_MODE];
      return 0;
    case IORING_OP_FADVISE:
      entry->len = (uint32_t)record[STAGE_LENGTH]; /* 0: to the end */
      entry->fadvise_advice = (uint32_t)record[STAGE_FLAGS];
      return 0;
    case RING_OP_FTRUNCATE: /* the length is where the position is */
      return 0;
    case IORING_OP_OPENAT: {
      place path = path_of(ring, record[STAGE_REGION], record[STAGE_OFFSET]);
      entry->off = 0;
      entry->addr = (uintptr_t)path.bytes;
      entry->len = (uint32_t)record[STAGE_MODE];
      entry->open_flags = (uint32_t)record[STAGE_FLAGS];
      corelane_tag_opens(entry);
      return path.error;
    }
    case IORING_OP_CLOSE:
      entry->off = 0;
      corelane_tag_closes(ring, entry);
      return 0;
    case IORING_OP_STATX: {
      place path = path_of(ring, record[STAGE_REGION], record[STAGE_OFFSET]);
      place into = place_of(ring, record[STAGE_REGION_2], record[STAGE_OFFSET_2], 256);
      entry->addr = (uintptr_t)path.bytes;
      entry->off = (uintptr_t)into.bytes;
      entry->len = (uint32_t)record[STAGE_MODE];
      entry->statx_flags = (uint32_t)record[STAGE_FLAGS];
      return path.error != 0 ? path.error : into.error;
    }
    case IORING_OP_ACCEPT:
      /* Who it is can be asked for later: the kernel is given nowhere to write to. */
      entry->off = 0;
      entry->accept_flags = SOCK_CLOEXEC;
      corelane_tag_opens(entry);
      return 0;
    case IORING_OP_CONNECT: {
      /* The kernel copies the address while it is submitted. */
      place address = place_of(ring, record[STAGE_REGION], record[STAGE_OFFSET], (uint32_t)record[STAGE_LENGTH]);
      entry->addr = (uintptr_t)address.bytes;
      entry->off = (uint32_t)record[STAGE_LENGTH];
      return address.error;
    }
    case IORING_OP_SHUTDOWN:
      entry->off = 0;
      entry->len = (uint32_t)record[STAGE_MODE];
      return 0;
    case IORING_OP_SEND:
    case IORING_OP_RECV: {
      place range = place_of(ring, record[STAGE_REGION], record[STAGE_OFFSET], (uint32_t)record[STAGE_LENGTH]);
      if (record[STAGE_FLAGS] & ~(MSG_NOSIGNAL | MSG_WAITALL)) return -EINVAL;
      entry->off = 0;
      entry->addr = (uintptr_t)range.bytes;
      entry->len = (uint32_t)record[STAGE_LENGTH];
      entry->msg_flags = (uint32_t)record[STAGE_FLAGS];
      if (record[STAGE_OPTIONS] & STAGE_POLL_FIRST) entry->ioprio = IORING_RECVSEND_POLL_FIRST;
      return range.error;
    }
    default:
      return -EOPNOTSUPP;
  }
}

#define LINKS (IOSQE_IO_LINK | IOSQE_IO_HARDLINK)

uint32_t corelane_chain_length(const corelane_ring *ring, uint32_t first, uint32_t end) {
  uint32_t length = 1;
  while (first + length < end && (ring->stage[(size_t)(first + length - 1) * STAGE_WORDS + STAGE_SQE_FLAGS] & LINKS)) length++;
  return length;
}

int corelane_fill_chain(corelane_ring *ring, uint32_t first, uint32_t length, uint32_t slot, bool batch, uint32_t *refused) {
  for (uint32_t i = 0; i < length; i++) {
    int32_t record[STAGE_WORDS];
    memcpy(record, ring->stage + (size_t)(first + i) * STAGE_WORDS, sizeof record); /* once: it is shared memory */
    /* Nothing follows the last: its link would catch what is staged next. */
    if (i + 1 == length)
      record[STAGE_SQE_FLAGS] &= ~LINKS;
    else if (!(record[STAGE_SQE_FLAGS] & LINKS))
      record[STAGE_SQE_FLAGS] |= IOSQE_IO_LINK; /* somebody has written there since it was counted */
    if (batch) record[STAGE_ID] = (int32_t)(first + i);
    int error = batch && !corelane_batch_takes(record[STAGE_OPCODE]) ? -EOPNOTSUPP : corelane_fill(ring, record, &ring->sqes[(slot + i) & ring->sq_mask]);
    if (error == 0) continue;
    for (uint32_t done = 0; done < i; done++) corelane_settle_descriptor(ring, ring->sqes[(slot + done) & ring->sq_mask].user_data, -ECANCELED);
    *refused = i;
    return error;
  }
  return 0;
}

/**
 * submit(ring, count): hands `count` staged records to the kernel, from the first on. How many it took; -EAGAIN where it takes none now, and
 * -ERANGE, -EINVAL … where the first record is refused.
 */
static napi_value submit(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = corelane_ring_of(&call, 0);
  uint64_t count = corelane_natural(&call, 1);
  if (ring == NULL || !call.ok) return NULL;
  if (ring->stage == NULL || ring->batch.active || count > ring->stage_records) return corelane_number(env, -EINVAL);
  if (count == 0) return corelane_number(env, 0);
  uint32_t tail = *ring->sq_tail;
  uint32_t staged = 0;
  int refused = -EAGAIN;
  ring->vectors_used = 0;
  /* The queue is empty: what the kernel does not take is withdrawn below. Never more in flight than completions fit, so that none is ever held back. */
  while (staged < count) {
    uint32_t length = corelane_chain_length(ring, staged, (uint32_t)count), at;
    if (length > ring->entries) refused = -E2BIG;
    if (staged + length > ring->entries || ring->in_flight + staged + length > ring->completion_entries) break;
    refused = corelane_fill_chain(ring, staged, length, tail + staged, false, &at);
    if (refused == -EAGAIN && staged == 0) refused = -E2BIG; /* more vectors than there are */
    if (refused != 0) break;
    staged += length;
  }
  if (staged == 0) return corelane_number(env, refused);
  /* release: publishes the entries before it to the kernel. */
  __atomic_store_n(ring->sq_tail, tail + staged, __ATOMIC_RELEASE);
  ring->in_flight += staged;
  uint32_t taken = 0;
  int error = EAGAIN;
  while (taken < staged) {
    int result = corelane_enter(ring, staged - taken, 0, 0);
    if (result < 0 && errno == EINTR) continue;
    if (result < 0) error = errno;
    if (result <= 0) break;
    taken += (uint32_t)result;
    /* Out of memory in the midst of a chain: its rest would begin by itself. Who asked is told where it ends, and stages it no more. */
    if (taken < staged && (ring->sqes[(tail + taken - 1) & ring->sq_mask].flags & LINKS)) break;
  }
  /* Staged again by who asked: it must not go in with the next call as well. */
  corelane_withdraw(ring);
  return corelane_number(env, taken > 0 ? (double)taken : -(double)error);
}

/** trySend(ring, fd, region, offset, length): what the kernel takes without waiting. How many bytes; -EAGAIN where it takes none, -EPIPE … */
static napi_value try_send(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = corelane_ring_of(&call, 0);
  int fd = corelane_int(&call, 1);
  int region = corelane_int(&call, 2);
  uint64_t offset = corelane_natural(&call, 3);
  uint64_t length = corelane_natural(&call, 4);
  if (ring == NULL || !call.ok) return NULL;
  if (offset > UINT32_MAX) return corelane_number(env, -ERANGE);
  place range = place_of(ring, region, (int32_t)(uint32_t)offset, length);
  if (range.error != 0) return corelane_number(env, range.error);
  return corelane_answer(env, send(fd, range.bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/** cancelOperation(ring, id): asks for its end. 0, or -ENOENT where it has completed; it completes in any case. */
static napi_value cancel_operation(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = corelane_ring_of(&call, 0);
  uint64_t id = corelane_natural(&call, 1);
  if (ring == NULL || !call.ok) return NULL;
  if (id > UINT32_MAX) return corelane_number(env, -EINVAL);
  return corelane_number(env, corelane_cancel(ring, (uint32_t)id, 0));
}

void corelane_register_operations(napi_env env, napi_value exports) {
  corelane_define(env, exports, "submit", submit);
  corelane_define(env, exports, "trySend", try_send);
  corelane_define(env, exports, "cancelOperation", cancel_operation);
}
