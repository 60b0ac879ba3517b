/*
 * To be preloaded: now and then io_uring_enter takes only a part of what the addon hands over, or is interrupted, as in a kernel that lacks memory.
 * Which calls is the same in every run.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

long syscall(long number, ...) {
  static long (*next)(long, ...);
  static unsigned calls;
  if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "syscall");
  va_list list;
  va_start(list, number);
  long a[6];
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  Dl_info caller;
  if (number == __NR_io_uring_enter && dladdr(__builtin_return_address(0), &caller) != 0 && caller.dli_fname != NULL &&
      strstr(caller.dli_fname, "io-ring") != NULL) {
    calls++;
    if (calls % 5 == 0) {
      errno = EINTR;
      return -1;
    }
    if (calls % 2 == 0 && a[1] > 1) {
      a[1] = 1 + calls % (a[1] - 1);
      a[2] = 0; /* the kernel does not wait either, then */
    }
  }
  return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
