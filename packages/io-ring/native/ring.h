/*
 * One io_uring of one thread. ring.c sets it up and takes it down, resources.c has what it may touch, operations.c turns staged records into submissions, completions.c
 * brings completions back. What every file must keep: while an operation is in flight, the kernel may write to the memory of its
 * region at any time, so regions are held by references that only `corelane_ring_free` drops, after everything has completed.
 */
#ifndef CORELANE_RING_H
#define CORELANE_RING_H

#include "call.h"
#include <linux/io_uring.h>
#include <sys/uio.h>

/** Regions of memory that operations may name. */
#define RING_REGIONS 64
/** Words of a staged record and of a completion: STAGE_* and DONE_* below; src/layout.ts has the same numbers. */
#define STAGE_WORDS 16
#define DONE_WORDS 2

/** Since Linux 6.9; headers that are older do not name it. */
#define RING_OP_FTRUNCATE 55

/** Where each field of a staged record is, in words of 32 bits. */
enum {
  STAGE_OPCODE,
  STAGE_SQE_FLAGS,
  STAGE_FD,
  STAGE_ID,
  STAGE_REGION,
  STAGE_OFFSET,
  STAGE_LENGTH,
  STAGE_POSITION_LOW,
  STAGE_POSITION_HIGH,
  STAGE_FLAGS,
  STAGE_MODE,
  STAGE_REGION_2,
  STAGE_OFFSET_2,
  STAGE_OPTIONS,
};

/** In STAGE_OPTIONS: the region is a registered buffer. */
#define STAGE_FIXED_BUFFER 1
/** In STAGE_OPTIONS: nothing is likely to be there yet, so wait before the first try. */
#define STAGE_POLL_FIRST 2

enum { DONE_ID, DONE_RESULT };

typedef struct {
  uint8_t *bytes;
  size_t length;
  /** Holds the view, and with it the memory. NULL: the entry is free. */
  napi_ref ref;
  /** Index of its registered buffer, or -1. */
  int buffer;
} ring_region;

/** A batch under way: batch.c. */
typedef struct {
  bool active, cancelled;
  /** -errno of the ring itself, or 0. */
  int failed;
  uint32_t count, next, done, succeeded;
  int32_t *results;
  napi_ref results_ref;
} ring_batch;

/** What a process may have open where fs.nr_open is not raised; those beyond are not remembered. */
#define MAX_DESCRIPTORS (1 << 20)

/** A set of descriptors, a bit each: descriptors.c. Pages of it that nobody touches take no memory. */
typedef struct {
  /** All are below. */
  int end;
  uint64_t words[MAX_DESCRIPTORS / 64];
} corelane_descriptors;

typedef struct corelane_ring {
  struct corelane_ring *next;
  napi_env env;
  uint32_t generation;
  int fd;
  /** What the operations of this thread have opened; shared by its rings. */
  corelane_descriptors *descriptors;

  /* Mapped from the kernel. */
  void *rings;
  size_t rings_length;
  struct io_uring_sqe *sqes;
  size_t sqes_length;
  uint32_t entries, completion_entries;
  uint32_t *sq_head, *sq_tail, *sq_array, sq_mask;
  uint32_t *cq_head, *cq_tail, cq_mask;
  struct io_uring_cqe *cqes;

  /* Views that JavaScript stages into and reads from. */
  int32_t *stage, *done;
  uint32_t stage_records, done_records;
  napi_ref stage_ref, done_ref;

  ring_region regions[RING_REGIONS];
  bool buffers_registered;
  /** Submitted and not yet reaped. */
  uint32_t in_flight;

  /* What a submission points to and the kernel copies while it is submitted: the vectors of one call. */
  struct iovec *vectors;
  uint32_t vectors_length, vectors_used;

  ring_batch batch;

  /* The event loop. */
  struct uv_poll *poll;
  napi_ref callback;
  napi_async_context async_context;
  bool closing;
} corelane_ring;

/** The ring of a handle, or NULL after an exception: looked at for itself, which gcc's analyzer can follow. Handles are numbers; they may come from anywhere. */
corelane_ring *corelane_ring_of(corelane_call *call, size_t index);

int corelane_enroll(corelane_ring *ring, unsigned what, void *argument, unsigned count);
int corelane_enter(corelane_ring *ring, uint32_t submit, uint32_t wait, uint32_t flags);
/** The same, waiting, but not for longer than this: -1 with ETIME where that is over and nothing was submitted. */
int corelane_enter_and_wait(corelane_ring *ring, uint32_t submit, uint32_t wait, int64_t most_ns);
/** Copies a snapshot of what has completed into `done`. How many. */
uint32_t corelane_reap(corelane_ring *ring);
/** Asks for the end of one operation (`flags` 0, by its id) or of all. 0, or -errno: -ENOENT where there is none. What is asked still completes. */
int corelane_cancel(corelane_ring *ring, uint32_t id, uint32_t flags);
/** A descriptor is closed with the thread from now on. */
void corelane_own(corelane_descriptors *owned, int fd);
/** It is no longer: to be called before it is closed. Whether it was. */
bool corelane_disown(corelane_descriptors *owned, int fd);
void corelane_close_owned(corelane_descriptors *owned);
/** Those of the thread, or NULL where it never had a ring. */
corelane_descriptors *corelane_descriptors_of(napi_env env);
/** For `corelane_fill`, once `user_data`, `fd` and `flags` are set: the result is a descriptor; `fd` is closed, and forgotten herewith. */
void corelane_tag_opens(struct io_uring_sqe *entry);
void corelane_tag_closes(corelane_ring *ring, struct io_uring_sqe *entry);
/** The `user_data` of an operation that opens. */
uint64_t corelane_opening(uint32_t id);
/** For every completion, and with -ECANCELED for every submission that is taken back. */
void corelane_settle_descriptor(corelane_ring *ring, uint64_t user_data, int32_t result);
/** Takes back what was staged and the kernel has not taken: how many. */
uint32_t corelane_withdraw(corelane_ring *ring);
/** A checked record as a submission. 0, or -errno of what is wrong with it. */
int corelane_fill(corelane_ring *ring, const int32_t *record, struct io_uring_sqe *entry);
/** Staged records from `first` that are linked to the next, and the one behind them. */
uint32_t corelane_chain_length(const corelane_ring *ring, uint32_t first, uint32_t end);
/**
 * Such records as submissions, from the entry `slot` on. 0, or -errno of one (`refused`: which) after which none of them counts. Those of a batch have
 * their index for an id.
 */
int corelane_fill_chain(corelane_ring *ring, uint32_t first, uint32_t length, uint32_t slot, bool batch, uint32_t *refused);
/** Whether batches take such operations. */
bool corelane_batch_takes(int32_t opcode);
/** The event loop found completions of a batch: whether it is over, and with which answer. */
bool corelane_batch_readable(corelane_ring *ring, double *answer);
/** Stops watching. */
void corelane_unwatch(corelane_ring *ring);

void corelane_register_ring(napi_env env, napi_value exports);
void corelane_register_resources(napi_env env, napi_value exports);
void corelane_register_operations(napi_env env, napi_value exports);
void corelane_register_completions(napi_env env, napi_value exports);
void corelane_register_batch(napi_env env, napi_value exports);
void corelane_register_descriptors(napi_env env, napi_value exports);
void corelane_register_sockets(napi_env env, napi_value exports);

#endif
