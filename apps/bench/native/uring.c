/*
 * Random reads through io_uring, as fast as a loop in C does them: no library, memory and file registered, as many in flight as asked, each
 * read begun again as soon as it has completed, the memory of each looked at. `uring-open` sets it up, the operation `uring-read` runs it.
 */
#include "raw.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>

#if __has_include(<linux/io_uring.h>)
#include <linux/io_uring.h>

#ifndef IORING_SETUP_COOP_TASKRUN
#define IORING_SETUP_COOP_TASKRUN (1u << 8)
#endif
#ifndef IORING_SETUP_SINGLE_ISSUER
#define IORING_SETUP_SINGLE_ISSUER (1u << 12)
#endif
#ifndef IORING_SETUP_DEFER_TASKRUN
#define IORING_SETUP_DEFER_TASKRUN (1u << 13)
#endif

/** As in src/suites/io-ring/block-file.ts: words 0 and LAST of a block say which it is. */
#define BLOCK_BYTES 4096
#define LAST (BLOCK_BYTES / sizeof(uint32_t) - 1)
#define DEPTH_MAX 4096

static struct {
  int ring, file;
  uint32_t depth, blocks, state;
  uint32_t *sq_tail, *cq_head, *cq_tail, sq_mask, cq_mask;
  struct io_uring_sqe *sqes;
  struct io_uring_cqe *cqes;
  uint8_t *memory;
  uint32_t wanted[DEPTH_MAX]; /* block by lane */
  int error;
} reads = {.ring = -1, .file = -1};

static void *at(void *base, uint32_t offset) { return (uint8_t *)base + offset; }

static int set_up(uint32_t depth) {
  struct io_uring_params p;
  /* The best that the kernel has; older ones refuse flags that they do not know. */
  static const unsigned FLAGS[] = {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN, 0};
  for (size_t i = 0; i < sizeof FLAGS / sizeof FLAGS[0]; i++) {
    memset(&p, 0, sizeof p);
    p.flags = FLAGS[i];
    reads.ring = (int)syscall(__NR_io_uring_setup, depth, &p);
    if (reads.ring >= 0 || errno != EINVAL) break;
  }
  if (reads.ring < 0) return errno;
  if (!(p.features & IORING_FEAT_SINGLE_MMAP)) return ENOSYS;
  size_t sq = p.sq_off.array + p.sq_entries * sizeof(uint32_t);
  size_t cq = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
  void *rings = mmap(NULL, sq > cq ? sq : cq, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, reads.ring, IORING_OFF_SQ_RING);
  if (rings == MAP_FAILED) return errno;
  void *sqes = mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, reads.ring, IORING_OFF_SQES);
  if (sqes == MAP_FAILED) return errno;
  reads.sqes = sqes;
  reads.sq_tail = at(rings, p.sq_off.tail);
  reads.sq_mask = *(uint32_t *)at(rings, p.sq_off.ring_mask);
  reads.cq_head = at(rings, p.cq_off.head);
  reads.cq_tail = at(rings, p.cq_off.tail);
  reads.cq_mask = *(uint32_t *)at(rings, p.cq_off.ring_mask);
  reads.cqes = at(rings, p.cq_off.cqes);
  uint32_t *array = at(rings, p.sq_off.array);
  for (uint32_t i = 0; i < p.sq_entries; i++) array[i] = i;
  return 0;
}

static int enroll(unsigned what, const void *argument, unsigned count) {
  return syscall(__NR_io_uring_register, reads.ring, what, argument, count) < 0 ? errno : 0;
}

static int open_reads(uint32_t depth, uint32_t blocks, bool direct, const char *path) {
  if (reads.ring >= 0) return EBUSY;
  if (depth < 1 || depth > DEPTH_MAX || blocks == 0 || (blocks & (blocks - 1)) != 0) return EINVAL;
  reads.file = open(path, O_RDONLY | O_CLOEXEC | (direct ? O_DIRECT : 0));
  if (reads.file < 0) return errno;
  size_t bytes = (size_t)depth * BLOCK_BYTES;
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) return errno;
  reads.memory = memory;
  reads.depth = depth;
  reads.blocks = blocks;
  reads.state = 1;
  int failed = set_up(depth);
  if (failed != 0) return failed;
  failed = enroll(IORING_REGISTER_FILES, &reads.file, 1);
  struct iovec all = {.iov_base = memory, .iov_len = bytes};
  return failed != 0 ? failed : enroll(IORING_REGISTER_BUFFERS, &all, 1);
}

/** Stages the read of the next block into a lane. */
static void stage(uint32_t lane, uint32_t tail) {
  /* Every block once before one comes again; as in src/suites/io-ring/block-file.ts. */
  reads.state = (reads.state * 1664525u + 1013904223u) & (reads.blocks - 1);
  reads.wanted[lane] = reads.state;
  struct io_uring_sqe *entry = &reads.sqes[tail & reads.sq_mask];
  memset(entry, 0, sizeof *entry);
  entry->opcode = IORING_OP_READ_FIXED;
  entry->flags = IOSQE_FIXED_FILE;
  entry->off = (uint64_t)reads.state * BLOCK_BYTES;
  entry->addr = (uintptr_t)(reads.memory + (size_t)lane * BLOCK_BYTES);
  entry->len = BLOCK_BYTES;
  entry->user_data = lane;
}

static bool is_right(uint32_t lane, int32_t result) {
  const uint32_t *words = (const uint32_t *)(reads.memory + (size_t)lane * BLOCK_BYTES);
  uint32_t block = reads.wanted[lane];
  if (result < 0) reads.error = -result;
  return result == BLOCK_BYTES && words[0] == block && words[LAST] == ~block;
}

static outcome read_at_random(uint64_t operations) {
  outcome sum = {0, 0};
  uint64_t started = 0, done = 0;
  uint32_t tail = *reads.sq_tail, waiting = 0;
  reads.error = 0;
  for (uint32_t lane = 0; lane < reads.depth && started < operations; lane++, started++, waiting++) stage(lane, tail + waiting);
  while (done < operations) {
    tail += waiting;
    __atomic_store_n(reads.sq_tail, tail, __ATOMIC_RELEASE);
    uint64_t in_flight = started - done;
    int taken = (int)syscall(__NR_io_uring_enter, reads.ring, waiting, (unsigned)(in_flight + 1) / 2, IORING_ENTER_GETEVENTS, NULL, 0);
    if (taken < 0 && errno == EINTR) taken = 0;
    if (taken != (int)waiting) {
      /* It cannot be gone on from here: what is in flight has the memory. */
      fprintf(stderr, "io_uring_enter took %d of %u: %s\n", taken, waiting, strerror(errno));
      exit(1);
    }
    waiting = 0;
    uint32_t head = *reads.cq_head;
    uint32_t end = __atomic_load_n(reads.cq_tail, __ATOMIC_ACQUIRE);
    for (; head != end; head++, done++) {
      const struct io_uring_cqe *entry = &reads.cqes[head & reads.cq_mask];
      uint32_t lane = (uint32_t)entry->user_data;
      if (is_right(lane, entry->res)) sum.successful++;
      sum.checksum += reads.wanted[lane];
      if (started < operations) {
        stage(lane, tail + waiting);
        started++;
        waiting++;
      }
    }
    __atomic_store_n(reads.cq_head, head, __ATOMIC_RELEASE);
  }
  errno = reads.error;
  return sum;
}
#else
static struct {
  int ring;
} reads = {.ring = -1};

static int open_reads(uint32_t depth, uint32_t blocks, bool direct, const char *path) {
  (void)depth, (void)blocks, (void)direct, (void)path;
  return ENOSYS;
}

static outcome read_at_random(uint64_t operations) {
  (void)operations;
  return (outcome){0, 0};
}
#endif

bool uring_command(const char *line) {
  unsigned depth = 0, blocks = 0, direct = 0;
  char path[4096];
  if (sscanf(line, "uring-open %u %u %u %4095[^\n]", &depth, &blocks, &direct, path) != 4) return false;
  int failed = open_reads(depth, blocks, direct != 0, path);
  if (failed != 0)
    printf("{\"unavailable\":\"io_uring with %u reads in flight: %s\"}\n", depth, strerror(failed));
  else
    printf("{}\n");
  return true;
}

static int prepare(void) { return reads.ring < 0 ? EBADF : 0; }

const operation uring_operations[] = {
    {"uring-read", read_at_random, prepare},
    {NULL, NULL, NULL},
};
