/* Ranges of memory: 4 MiB of private anonymous pages, as JavaScript's shared memory is, all resident unless the operation says otherwise. */
#include "raw.h"
#include <linux/mempolicy.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/** As in src/suites/platform/memory.ts. */
#define RANGE_BYTES (4u << 20)
/** What V8 aligns large shared memory to. */
#define ALIGNMENT (2u << 20)
#define PAGES_MAX (RANGE_BYTES / 4096)

static uint8_t *range;
static size_t pages;
static size_t page_bytes;
static unsigned char present[PAGES_MAX];
static void *addresses[PAGES_MAX];
static int nodes[PAGES_MAX];
static int targets[PAGES_MAX];

static int prepare(void) {
  if (range == NULL) {
    page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    pages = RANGE_BYTES / page_bytes;
    void *mapped = mmap(NULL, RANGE_BYTES + ALIGNMENT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return errno;
    range = (uint8_t *)(((uintptr_t)mapped + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1));
    for (size_t page = 0; page < pages; page++) addresses[page] = range + page * page_bytes;
  }
  memset(range, 1, RANGE_BYTES);
  return 0;
}

/** Locking may be refused where preparing the rest is not. */
static int prepare_lock(void) {
  int failed = prepare();
  if (failed != 0) return failed;
  return mlock(range, RANGE_BYTES) == 0 && munlock(range, RANGE_BYTES) == 0 ? 0 : errno;
}

static unsigned long mask = 1;

static int prepare_policy(void) {
  int failed = prepare();
  if (failed != 0) return failed;
  return syscall(SYS_mbind, range, RANGE_BYTES, MPOL_BIND, &mask, sizeof mask * 8, 0) == 0 ? 0 : errno;
}

static int prepare_huge(void) {
  int failed = prepare();
  if (failed != 0) return failed;
  return madvise(range, RANGE_BYTES, MADV_HUGEPAGE) == 0 ? 0 : errno;
}

static int prepare_query(void) {
  int failed = prepare();
  if (failed != 0) return failed;
  return syscall(SYS_move_pages, 0, pages, addresses, NULL, nodes, 0) == 0 ? 0 : errno;
}

static int prepare_move(void) {
  int failed = prepare();
  if (failed != 0) return failed;
  memset(targets, 0, sizeof targets);
  return syscall(SYS_move_pages, 0, pages, addresses, targets, nodes, MPOL_MF_MOVE) == 0 ? 0 : errno;
}

static int prepare_populate(void) {
  int failed = prepare();
  if (failed != 0) return failed;
  return madvise(range, RANGE_BYTES, MADV_POPULATE_WRITE) == 0 ? 0 : errno;
}

static long advise(int advice) { return madvise(range, RANGE_BYTES, advice); }

/** Pages that are resident. */
static long resident(void) {
  if (mincore(range, RANGE_BYTES, present) != 0) return -1;
  long sum = 0;
  for (size_t page = 0; page < pages; page++) sum += present[page] & 1;
  return sum;
}

/** Pages of which the node is known. */
static long located(void) {
  if (syscall(SYS_move_pages, 0, pages, addresses, NULL, nodes, 0) != 0) return -1;
  long sum = 0;
  for (size_t page = 0; page < pages; page++) sum += nodes[page] >= 0;
  return sum;
}

/** Pages that are on node 0 after they were asked to go there. */
static long moved(void) {
  if (syscall(SYS_move_pages, 0, pages, addresses, targets, nodes, MPOL_MF_MOVE) != 0) return -1;
  long sum = 0;
  for (size_t page = 0; page < pages; page++) sum += nodes[page] == 0;
  return sum;
}

static long bind_to_node(void) { return syscall(SYS_mbind, range, RANGE_BYTES, MPOL_BIND, &mask, sizeof mask * 8, 0); }

static long unbind(void) { return syscall(SYS_mbind, range, RANGE_BYTES, MPOL_DEFAULT, NULL, 0, 0); }

static long policy(void) {
  int mode = -1;
  unsigned long found[16] = {0}; /* the kernel wants room for as many nodes as it can have: 1024 */
  return syscall(SYS_get_mempolicy, &mode, found, sizeof found * 8, range, MPOL_F_ADDR) == 0 ? mode : -1;
}

static long lock_and_unlock(void) { return mlock(range, RANGE_BYTES) == 0 && munlock(range, RANGE_BYTES) == 0 ? 0 : -1; }

/** Given back, and the first byte written again. */
static long release(void) {
  if (madvise(range, RANGE_BYTES, MADV_DONTNEED) != 0) return -1;
  long was = range[0];
  range[0] = 1;
  return was;
}

/** Given back, and all of it fetched again. */
static long release_and_populate(void) {
  return madvise(range, RANGE_BYTES, MADV_DONTNEED) == 0 ? madvise(range, RANGE_BYTES, MADV_POPULATE_WRITE) : -1;
}

static long release_and_touch(void) {
  if (madvise(range, RANGE_BYTES, MADV_DONTNEED) != 0) return -1;
  for (size_t page = 0; page < pages; page++) range[page * page_bytes] = 1;
  return range[RANGE_BYTES - page_bytes];
}

LOOP(loop_huge, advise(MADV_HUGEPAGE), result == 0)
LOOP(loop_nohuge, advise(MADV_NOHUGEPAGE), result == 0)
LOOP(loop_willneed, advise(MADV_WILLNEED), result == 0)
LOOP(loop_sequential, advise(MADV_SEQUENTIAL), result == 0)
LOOP(loop_normal, advise(MADV_NORMAL), result == 0)
LOOP(loop_populate, advise(MADV_POPULATE_WRITE), result == 0)
LOOP(loop_resident, resident(), result == (long)pages)
LOOP(loop_located, located(), result == (long)pages)
LOOP(loop_moved, moved(), result == (long)pages)
LOOP(loop_bind, bind_to_node(), result == 0)
LOOP(loop_bind_verified, bind_to_node() == 0 ? policy() : -1, result == MPOL_BIND)
LOOP(loop_unbind_verified, unbind() == 0 ? policy() : -1, result == MPOL_DEFAULT)
LOOP(loop_policy, policy(), result == MPOL_BIND)
LOOP(loop_lock, lock_and_unlock(), result == 0)
LOOP(loop_release, release(), result == 0)
LOOP(loop_release_populate, release_and_populate(), result == 0)
LOOP(loop_release_touch, release_and_touch(), result == 1)

const operation memory_operations[] = {
    {"MADV_HUGEPAGE", loop_huge, prepare_huge},
    {"MADV_NOHUGEPAGE", loop_nohuge, prepare_huge},
    {"MADV_WILLNEED", loop_willneed, prepare},
    {"MADV_SEQUENTIAL", loop_sequential, prepare},
    {"MADV_NORMAL", loop_normal, prepare},
    {"MADV_POPULATE_WRITE", loop_populate, prepare_populate},
    {"mincore", loop_resident, prepare},
    {"move_pages", loop_located, prepare_query},
    {"move_pages:to", loop_moved, prepare_move},
    {"mbind", loop_bind, prepare_policy},
    {"mbind+get", loop_bind_verified, prepare_policy},
    {"mbind:default+get", loop_unbind_verified, prepare_policy},
    {"get_mempolicy", loop_policy, prepare_policy},
    {"mlock+munlock", loop_lock, prepare_lock},
    {"MADV_DONTNEED", loop_release, prepare},
    {"MADV_DONTNEED+populate", loop_release_populate, prepare_populate},
    {"MADV_DONTNEED+touch", loop_release_touch, prepare},
    {NULL, NULL, NULL},
};
