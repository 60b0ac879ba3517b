/*
 * Counters of the processor and the kernel: opening, mapping and reading them.
 *
 * JavaScript holds handles, never descriptors: a handle is a place in a table of this thread and the generation of what is there, so that
 * a number made up or kept too long reaches nothing. What a thread still holds when it ends, terminated or not, is closed by a hook.
 */
#include "concerns.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "perf-page.h"

/* linux/perf_event.h, as far as needed: old headers lack some of it, and its bit fields have no portable place in a word. */
typedef struct {
  uint32_t type;
  uint32_t size;
  uint64_t config;
  uint64_t sample_period;
  uint64_t sample_type;
  uint64_t read_format;
  uint64_t flags;
  uint32_t wakeup_events;
  uint32_t bp_type;
  uint64_t config1;
  uint64_t config2;
} perf_attr;
_Static_assert(sizeof(perf_attr) == 72, "PERF_ATTR_SIZE_VER1");

#define ATTR_DISABLED (UINT64_C(1) << 0)
#define ATTR_INHERIT (UINT64_C(1) << 1)
#define ATTR_EXCLUDE_KERNEL (UINT64_C(1) << 5)
#define ATTR_EXCLUDE_HYPERVISOR (UINT64_C(1) << 6)
#define ATTR_INHERIT_THREAD (UINT64_C(1) << 35)
#define FORMAT_TIMES 3u /* TOTAL_TIME_ENABLED | TOTAL_TIME_RUNNING */
#define FORMAT_ID 4u
#define FORMAT_GROUP 8u
#define OPEN_CLOEXEC 8ul
#define IOC_ENABLE _IO('$', 0)
#define IOC_ID _IOR('$', 7, uint64_t *)

/* The flags of perfOpen: see src/perf/native-perf.ts. */
#define OPEN_EXCLUDE_KERNEL 1
#define OPEN_INHERIT 2
#define OPEN_INHERIT_THREAD 4
#define OPEN_MAP 8
#define OPEN_FLAGS 15

/** Events in a group; more than any processor has counters. */
#define GROUP_CAPACITY 16
/** Places in a table. A handle is generation * TABLE_CAPACITY + place, below 2^53. */
#define TABLE_CAPACITY 65536u
#define FIRST_PLACES 16u

typedef struct {
  /** Odd while something is open here. */
  uint64_t generation;
  uint64_t id;
  corelane_perf_page *page;
  int fd;
  bool inherits;
  /** Of a leader: itself and what was opened in its group, in that order. */
  uint32_t member_count;
  uint64_t members[GROUP_CAPACITY];
} event;

/** What one thread has open. */
typedef struct {
  event *events;
  uint32_t count;
  size_t page_bytes;
} table;

static uint64_t handle_of(const table *t, const event *e) {
  return e->generation * TABLE_CAPACITY + (uint64_t)(e - t->events);
}

static event *find(const table *t, uint64_t handle) {
  const uint64_t place = handle % TABLE_CAPACITY;
  if (place >= t->count) return NULL;
  event *e = &t->events[place];
  return (e->generation & 1) == 1 && e->generation == handle / TABLE_CAPACITY ? e : NULL;
}

/** A free place, or nothing: the table is full, or memory is. Events may move. */
static event *place_for(table *t) {
  for (uint32_t i = 0; i < t->count; i++)
    if ((t->events[i].generation & 1) == 0) return &t->events[i];
  const uint32_t count = t->count == 0 ? FIRST_PLACES : t->count * 2;
  if (count > TABLE_CAPACITY) return NULL;
  event *events = realloc(t->events, count * sizeof *events);
  if (events == NULL) return NULL;
  memset(events + t->count, 0, (count - t->count) * sizeof *events);
  event *first = &events[t->count];
  t->events = events;
  t->count = count;
  return first;
}

static void shut(table *t, event *e) {
  if (e->page != NULL) munmap(e->page, t->page_bytes);
  close(e->fd);
  e->page = NULL;
  e->fd = -1;
  e->member_count = 0;
  e->generation++;
}

/** The thread ends: nobody can call any more. */
static void close_all(void *data) {
  table *t = data;
  for (uint32_t i = 0; i < t->count; i++)
    if ((t->events[i].generation & 1) == 1) shut(t, &t->events[i]);
  free(t->events);
  free(t);
}

static corelane_call begin(napi_env env, napi_callback_info info, table **t) {
  void *data = NULL;
  napi_get_cb_info(env, info, NULL, NULL, NULL, &data);
  *t = data;
  return corelane_begin(env, info);
}

static napi_value failed(napi_env env, int error) { return corelane_number(env, -(double)error); }

/** perfOpen(type, config, config1, tid, leader, flags) */
static napi_value perf_open(napi_env env, napi_callback_info info) {
  table *t;
  corelane_call call = begin(env, info, &t);
  perf_attr attr = {.size = sizeof attr};
  attr.type = (uint32_t)corelane_int(&call, 0);
  attr.config = corelane_natural(&call, 1);
  attr.config1 = corelane_natural(&call, 2);
  const int32_t tid = corelane_int(&call, 3);
  const uint64_t leader_handle = corelane_natural(&call, 4);
  const int32_t flags = corelane_int(&call, 5);
  if (!call.ok) return NULL;
  /* A negative id means every thread of a processor, which is not asked for here. */
  if (tid < 0 || (flags & ~OPEN_FLAGS) != 0) return failed(env, EINVAL);

  event *leader = leader_handle == 0 ? NULL : find(t, leader_handle);
  if (leader_handle != 0 && leader == NULL) return failed(env, EBADF);
  if (leader != NULL && (leader->member_count == 0 || leader->member_count == GROUP_CAPACITY)) return failed(env, EINVAL);
  const int leader_fd = leader == NULL ? -1 : leader->fd;

  attr.read_format = FORMAT_TIMES | FORMAT_ID | FORMAT_GROUP;
  /* What is opened in a group runs when its leader does. */
  if (leader == NULL) attr.flags |= ATTR_DISABLED;
  if (flags & OPEN_EXCLUDE_KERNEL) attr.flags |= ATTR_EXCLUDE_KERNEL | ATTR_EXCLUDE_HYPERVISOR;
  if (flags & OPEN_INHERIT) attr.flags |= ATTR_INHERIT;
  if (flags & OPEN_INHERIT_THREAD) attr.flags |= ATTR_INHERIT | ATTR_INHERIT_THREAD;

  event *e = place_for(t);
  if (e == NULL) return failed(env, ENOMEM);
  const long fd = syscall(SYS_perf_event_open, &attr, tid, -1, leader_fd, OPEN_CLOEXEC);
  if (fd < 0) return failed(env, errno);
  uint64_t id = 0;
  if (ioctl((int)fd, IOC_ID, &id) != 0) {
    const int error = errno;
    close((int)fd);
    return failed(env, error);
  }
  e->fd = (int)fd;
  e->id = id;
  e->page = NULL;
  e->inherits = (attr.flags & ATTR_INHERIT) != 0;
  e->member_count = 0;
  e->generation++;
  const uint64_t handle = handle_of(t, e);
  leader = leader_handle == 0 ? e : find(t, leader_handle); /* the table may have moved */
  leader->members[leader->member_count++] = handle;
  /* Only the calling thread can read its counter through the page. Without the page, read(2) is there. */
  if ((flags & OPEN_MAP) != 0 && tid == 0 && !e->inherits) {
    void *page = mmap(NULL, t->page_bytes, PROT_READ, MAP_SHARED, e->fd, 0);
    if (page != MAP_FAILED) e->page = page;
  }
  return corelane_number(env, (double)handle);
}

/** perfEnable(leader) */
static napi_value perf_enable(napi_env env, napi_callback_info info) {
  table *t;
  corelane_call call = begin(env, info, &t);
  const uint64_t handle = corelane_natural(&call, 0);
  if (!call.ok) return NULL;
  event *e = find(t, handle);
  if (e == NULL) return failed(env, EBADF);
  return corelane_answer(env, ioctl(e->fd, IOC_ENABLE, 0));
}

/** Arguments 0 and 1: an open leader, and room for two times and a count of each of its group. */
static event *leader_and_room(corelane_call *call, const table *t, double **out, int *error) {
  const uint64_t handle = corelane_natural(call, 0);
  const corelane_range room = corelane_view(call, 1);
  *error = EINVAL;
  if (!call->ok) return NULL;
  event *e = find(t, handle);
  if (e == NULL || e->member_count == 0) {
    *error = EBADF;
    return NULL;
  }
  if (room.length < (2 + e->member_count) * sizeof(double) || (uintptr_t)room.bytes % sizeof(double) != 0) return NULL;
  *out = (double *)room.bytes;
  return e;
}

/** perfRead(leader, out): { enabled, running, count … }, by read(2). 0: the kernel gave the group up. */
static napi_value perf_read(napi_env env, napi_callback_info info) {
  table *t;
  corelane_call call = begin(env, info, &t);
  double *out = NULL;
  int error = 0;
  const event *leader = leader_and_room(&call, t, &out, &error);
  if (!call.ok) return NULL;
  if (leader == NULL) return failed(env, error);

  struct {
    uint64_t count;
    uint64_t enabled_ns;
    uint64_t running_ns;
    struct {
      uint64_t value;
      uint64_t id;
    } values[GROUP_CAPACITY];
  } group;
  ssize_t bytes;
  do bytes = read(leader->fd, &group, sizeof group);
  while (bytes < 0 && errno == EINTR);
  if (bytes <= 0) return corelane_answer(env, bytes);
  if (group.count > GROUP_CAPACITY) return failed(env, EIO);
  out[0] = (double)group.enabled_ns;
  out[1] = (double)group.running_ns;
  for (uint32_t i = 0; i < leader->member_count; i++) {
    const event *member = find(t, leader->members[i]);
    uint64_t at = 0;
    if (member == NULL) return failed(env, EBADF);
    while (at < group.count && group.values[at].id != member->id) at++;
    if (at == group.count) return failed(env, EIO);
    out[2 + i] = (double)group.values[at].value;
  }
  return corelane_number(env, leader->member_count);
}

/** perfReadPages(leader, out): the same through the mapped pages, of the calling thread. -EAGAIN and -EOPNOTSUPP: see perf-page.h. */
static napi_value perf_read_pages(napi_env env, napi_callback_info info) {
  table *t;
  corelane_call call = begin(env, info, &t);
  double *out = NULL;
  int error = 0;
  const event *leader = leader_and_room(&call, t, &out, &error);
  if (!call.ok) return NULL;
  if (leader == NULL) return failed(env, error);
  for (uint32_t i = 0; i < leader->member_count; i++) {
    const event *member = i == 0 ? leader : find(t, leader->members[i]);
    if (member == NULL) return failed(env, EBADF);
    if (member->page == NULL) return failed(env, EOPNOTSUPP);
    corelane_perf_sample sample;
    const int result = corelane_perf_page_read(member->page, &sample);
    if (result < 0) return failed(env, -result);
    /* A group goes on and off the processor as one: the leader's times are everybody's. */
    if (i == 0) {
      out[0] = (double)sample.enabled_ns;
      out[1] = (double)sample.running_ns;
    }
    out[2 + i] = (double)sample.count;
  }
  return corelane_number(env, leader->member_count);
}

/** perfClose(handle) */
static napi_value perf_close(napi_env env, napi_callback_info info) {
  table *t;
  corelane_call call = begin(env, info, &t);
  const uint64_t handle = corelane_natural(&call, 0);
  if (!call.ok) return NULL;
  event *e = find(t, handle);
  if (e == NULL) return failed(env, EBADF);
  shut(t, e);
  return corelane_number(env, 0);
}

/** perfUsage(whole, out): { minor faults, major faults, voluntary and involuntary switches, CPU ns }, of the process or this thread. */
static napi_value perf_usage(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  const int32_t whole = corelane_int(&call, 0);
  const corelane_range room = corelane_view(&call, 1);
  if (!call.ok) return NULL;
  if (room.length < 5 * sizeof(double) || (uintptr_t)room.bytes % sizeof(double) != 0) return failed(env, EINVAL);
  struct rusage usage;
  struct timespec cpu;
  if (getrusage(whole ? RUSAGE_SELF : RUSAGE_THREAD, &usage) != 0) return failed(env, errno);
  /* Finer than the times in rusage, which are microseconds. */
  if (clock_gettime(whole ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID, &cpu) != 0) return failed(env, errno);
  double *out = (double *)room.bytes;
  out[0] = (double)usage.ru_minflt;
  out[1] = (double)usage.ru_majflt;
  out[2] = (double)usage.ru_nvcsw;
  out[3] = (double)usage.ru_nivcsw;
  out[4] = (double)cpu.tv_sec * 1e9 + (double)cpu.tv_nsec;
  return corelane_number(env, 5);
}

static void define(napi_env env, napi_value exports, const char *name, napi_callback function, table *t) {
  napi_value value = NULL;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, function, t, &value) == napi_ok)
    napi_set_named_property(env, exports, name, value);
}

void corelane_register_perf(napi_env env, napi_value exports) {
  table *t = calloc(1, sizeof *t);
  if (t == NULL || napi_add_env_cleanup_hook(env, close_all, t) != napi_ok) {
    free(t);
    napi_throw_error(env, "ERR_NATIVE_MEMORY", "no memory for the table of perf events");
    return;
  }
  t->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
  define(env, exports, "perfOpen", perf_open, t);
  define(env, exports, "perfEnable", perf_enable, t);
  define(env, exports, "perfRead", perf_read, t);
  define(env, exports, "perfReadPages", perf_read_pages, t);
  define(env, exports, "perfClose", perf_close, t);
  define(env, exports, "perfUsage", perf_usage, t);
}
