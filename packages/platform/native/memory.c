/*
 * Ranges of memory: on which node, in which pages, locked or given back.
 *
 * Every function takes (view, offsetBytes, lengthBytes) first. What changes pages answers EINVAL for a range that does not begin and end
 * with one: the kernel would round a length up, to memory outside of the view. The TypeScript checks before. None of them unmaps
 * anything: the views of JavaScript stay valid whatever is done here.
 */
#include "concerns.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* Kernel interface that old headers lack. */
#define CORELANE_MPOL_F_ADDR 2UL
#define CORELANE_MPOL_MF_MOVE 2
#define CORELANE_PAGEMAP_SCAN _IOWR('f', 16, scan_arguments)
#define CORELANE_PAGE_IS_HUGE 64ULL

/** Nodes are numbered below this: the most that Linux can be built for (CONFIG_NODES_SHIFT 10). */
#define MAX_NODES 1024
#define MASK_BYTES (MAX_NODES / 8)
/** Pages asked about in one system call. Their addresses and nodes take 12 KiB of stack. */
#define CHUNK_PAGES 1024
/** Answers to one question about huge pages: 384 bytes of stack. */
#define SCAN_REGIONS 16

/* linux/fs.h since 6.7: struct page_region and struct pm_scan_arg. */
typedef struct {
  uint64_t start, end, categories;
} scan_region;

typedef struct {
  uint64_t size, flags, start, end, walk_end, regions, region_count, max_pages;
  uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
} scan_arguments;

static size_t page_size(void) {
  long bytes = sysconf(_SC_PAGESIZE);
  return bytes > 0 ? (size_t)bytes : 4096;
}

/** The kernel does not go beyond the range. */
static bool whole_pages(corelane_range range) {
  return (uintptr_t)range.bytes % page_size() == 0 && range.length % page_size() == 0;
}

static napi_value page_bytes(napi_env env, napi_callback_info info) {
  (void)info;
  return corelane_answer(env, sysconf(_SC_PAGESIZE));
}

/** Where the range is now, for looking it up in /proc/self/maps. No function takes it back. */
static napi_value address(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_range range = corelane_subrange(&call, 0);
  if (!call.ok) return NULL;
  return corelane_number(env, (double)(uintptr_t)range.bytes);
}

static napi_value advise(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_range range = corelane_subrange(&call, 0);
  int32_t advice = corelane_int(&call, 3);
  if (!call.ok) return NULL;
  if (!whole_pages(range)) return corelane_number(env, -EINVAL);
  return corelane_answer(env, madvise(range.bytes, range.length, advice));
}

/* mlock and munlock go past libc: AddressSanitizer replaces those with ones that do nothing. */
static napi_value lock(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_range range = corelane_subrange(&call, 0);
  if (!call.ok) return NULL;
  if (!whole_pages(range)) return corelane_number(env, -EINVAL);
  return corelane_answer(env, syscall(SYS_mlock, range.bytes, range.length));
}

static napi_value unlock(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_range range = corelane_subrange(&call, 0);
  if (!call.ok) return NULL;
  if (!whole_pages(range)) return corelane_number(env, -EINVAL);
  return corelane_answer(env, syscall(SYS_munlock, range.bytes, range.length));
}

/** How many pages mincore calls resident. */
static napi_value resident_pages(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_range range = corelane_subrange(&call, 0);
  if (!call.ok) return NULL;
  size_t page = page_size();
  unsigned char present[CHUNK_PAGES];
  double resident = 0;
  for (size_t at = 0; at < range.length;) {
    size_t left = range.length - at;
    size_t bytes = left < CHUNK_PAGES * page ? left : CHUNK_PAGES * page;
    if (mincore(range.bytes + at, bytes, present) != 0) return corelane_answer(env, -1);
    size_t pages = (bytes + page - 1) / page;
    for (size_t index = 0; index < pages; index++) resident += present[index] & 1;
    at += bytes;
  }
  return corelane_number(env, resident);
}

/** Argument `index`: a view of MASK_BYTES, one bit a node, the lowest first. */
static uint8_t *node_mask(corelane_call *call, size_t index) {
  corelane_range mask = corelane_view(call, index);
  if (call->ok && mask.length != MASK_BYTES) {
    napi_throw_type_error(call->env, "ERR_NATIVE_ARGUMENT", "a mask of nodes has another length");
    call->ok = false;
  }
  return mask.bytes;
}

static napi_value bind(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_range range = corelane_subrange(&call, 0);
  int32_t mode = corelane_int(&call, 3);
  uint8_t *nodes = node_mask(&call, 4);
  int32_t flags = corelane_int(&call, 5);
  if (!call.ok) return NULL;
  if (!whole_pages(range)) return corelane_number(env, -EINVAL);
  unsigned long mask[MASK_BYTES / sizeof(unsigned long)];
  memcpy(mask, nodes, MASK_BYTES); /* the view may be anywhere: aligned here. Both processors are little-endian. */
  /* One more than there are bits: the kernel subtracts one. */
  return corelane_answer(env, syscall(SYS_mbind, range.bytes, range.length, (long)mode, mask, (unsigned long)MAX_NODES + 1,
                                      (unsigned long)(uint32_t)flags));
}

/** The policy of the mapping at the start of the range: answers its mode with its flags, writes its nodes. */
static napi_value policy(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_range range = corelane_subrange(&call, 0);
  uint8_t *nodes = node_mask(&call, 3);
  if (!call.ok) return NULL;
  int mode = 0;
  unsigned long mask[MASK_BYTES / sizeof(unsigned long)] = {0};
  long result = syscall(SYS_get_mempolicy, &mode, mask, (unsigned long)MAX_NODES, range.bytes, CORELANE_MPOL_F_ADDR);
  if (result < 0) return corelane_answer(env, result);
  memcpy(nodes, mask, MASK_BYTES);
  return corelane_number(env, mode);
}

/** The range at 0, and the Int32Array at `index` that takes one number a page. `pages`: how many. */
static int32_t *status_of(corelane_call *call, corelane_range range, size_t index, size_t *pages) {
  corelane_range status = corelane_view(call, index);
  if (!call->ok) return NULL;
  size_t page = page_size();
  *pages = range.length / page + (range.length % page != 0);
  if (status.length / sizeof(int32_t) < *pages || (uintptr_t)status.bytes % sizeof(int32_t) != 0) {
    napi_throw_type_error(call->env, "ERR_NATIVE_ARGUMENT", "there is not a number for each page");
    call->ok = false;
  }
  return (int32_t *)(void *)status.bytes;
}

/** move_pages by chunks. `node` -1 asks only. Answers 0, or the first error; the kernel counts pages left behind: not an error. */
static long each_page(corelane_range range, size_t pages, int node, int32_t *status) {
  void *addresses[CHUNK_PAGES];
  int nodes[CHUNK_PAGES];
  size_t page = page_size();
  for (size_t from = 0; from < pages; from += CHUNK_PAGES) {
    size_t count = pages - from < CHUNK_PAGES ? pages - from : CHUNK_PAGES;
    for (size_t index = 0; index < count; index++) {
      addresses[index] = range.bytes + (from + index) * page;
      nodes[index] = node;
    }
    long result = syscall(SYS_move_pages, 0L, (unsigned long)count, addresses, node < 0 ? NULL : nodes, status + from,
                          (long)CORELANE_MPOL_MF_MOVE);
    /* Moving nothing is ENOENT on kernels before 4.17. */
    if (result < 0 && !(node >= 0 && errno == ENOENT)) return result;
  }
  return 0;
}

/** The node of each page, or -errno of that page: -ENOENT for one that is not there, -EFAULT for the shared page of zeros. */
static napi_value nodes_of(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_range range = corelane_subrange(&call, 0);
  size_t pages = 0;
  int32_t *status = status_of(&call, range, 3, &pages);
  if (!call.ok) return NULL;
  return corelane_answer(env, each_page(range, pages, -1, status));
}

/** Moves the pages that are there. `status` is complete only where all of them were tried: ask with memoryNodes. */
static napi_value move(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_range range = corelane_subrange(&call, 0);
  size_t pages = 0;
  int32_t *status = status_of(&call, range, 3, &pages);
  int32_t node = corelane_int(&call, 4);
  if (call.ok && node < 0) {
    napi_throw_type_error(env, "ERR_NATIVE_ARGUMENT", "there is no negative node");
    call.ok = false;
  }
  if (!call.ok) return NULL;
  return corelane_answer(env, each_page(range, pages, node, status));
}

/**
 * Touches every page. A write adds 0 atomically, so that what others write at that moment is kept. Volatile: a compiler may take
 * adding 0 for a read with a fence, and a read does not bring a page of one's own.
 */
static napi_value touch(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_range range = corelane_subrange(&call, 0);
  int32_t write = corelane_int(&call, 3);
  if (!call.ok) return NULL;
  size_t page = page_size();
  for (size_t at = 0; at < range.length; at += page) {
    volatile uint8_t *byte = range.bytes + at;
    if (write) (void)__atomic_fetch_add(byte, 0, __ATOMIC_RELAXED);
    else (void)__atomic_load_n(byte, __ATOMIC_RELAXED);
  }
  return corelane_number(env, 0);
}

/** How many bytes of the range are mapped as huge pages. -ENOTTY before Linux 6.7. */
static napi_value huge_bytes(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_range range = corelane_subrange(&call, 0);
  if (!call.ok) return NULL;
  int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return corelane_answer(env, -1);
  scan_region regions[SCAN_REGIONS];
  uint64_t start = (uint64_t)(uintptr_t)range.bytes;
  uint64_t end = start + range.length;
  double bytes = 0;
  while (start < end) {
    scan_arguments arguments = {.size = sizeof arguments,
                                .start = start,
                                .end = end,
                                .regions = (uint64_t)(uintptr_t)regions,
                                .region_count = SCAN_REGIONS,
                                .category_mask = CORELANE_PAGE_IS_HUGE,
                                .return_mask = CORELANE_PAGE_IS_HUGE};
    int found = ioctl(fd, CORELANE_PAGEMAP_SCAN, &arguments);
    if (found < 0 || arguments.walk_end <= start) {
      int error = found < 0 ? errno : EIO;
      close(fd);
      return corelane_number(env, -(double)error);
    }
    for (int index = 0; index < found && index < SCAN_REGIONS; index++)
      bytes += (double)(regions[index].end - regions[index].start);
    start = arguments.walk_end;
  }
  close(fd);
  return corelane_number(env, bytes);
}

void corelane_register_memory(napi_env env, napi_value exports) {
  corelane_define(env, exports, "pageBytes", page_bytes);
  corelane_define(env, exports, "memoryAddress", address);
  corelane_define(env, exports, "memoryAdvise", advise);
  corelane_define(env, exports, "memoryLock", lock);
  corelane_define(env, exports, "memoryUnlock", unlock);
  corelane_define(env, exports, "memoryResidentPages", resident_pages);
  corelane_define(env, exports, "memoryBind", bind);
  corelane_define(env, exports, "memoryPolicy", policy);
  corelane_define(env, exports, "memoryNodes", nodes_of);
  corelane_define(env, exports, "memoryMove", move);
  corelane_define(env, exports, "memoryTouch", touch);
  corelane_define(env, exports, "memoryHugeBytes", huge_bytes);
}
