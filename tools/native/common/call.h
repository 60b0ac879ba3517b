/*
 * How JavaScript's arguments reach C, and how answers go back: what every addon here needs of Node-API, compiled into each of them.
 *
 * A native function answers a number: >= 0 is the result, < 0 is -errno. It throws only where its own caller, the TypeScript of this
 * package, has a bug: an argument of the wrong type, or a range that leaves its view. It decides nothing.
 *
 * The binary is linked without a libc: what it calls is found in the process that loads it, so one file serves glibc and musl. That
 * leaves old and plain functions only (memset, malloc, syscall, mmap …), no thread-local variables, and no C11 threads.
 */
#ifndef CORELANE_CALL_H
#define CORELANE_CALL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define NAPI_VERSION 8
#include <errno.h>
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/** Bytes inside a view of JavaScript memory. Valid for the duration of the call. */
typedef struct {
  uint8_t *bytes;
  size_t length;
} corelane_range;

/** The arguments of one call. Reading past the end, or reading the wrong type, throws and clears `ok`. */
typedef struct {
  napi_env env;
  napi_value values[8];
  size_t count;
  bool ok;
} corelane_call;

corelane_call corelane_begin(napi_env env, napi_callback_info info);

/** A whole number in the range of an int32. */
int32_t corelane_int(corelane_call *call, size_t index);
/** A whole number from 0 to 2^53 - 1. */
uint64_t corelane_natural(corelane_call *call, size_t index);
/** A whole view (typed array or DataView). */
corelane_range corelane_view(corelane_call *call, size_t index);
/**
 * A whole typed array on shared memory, for what outlives the call: the memory of a plain ArrayBuffer can be taken away by `transfer`, shared memory
 * stays for as long as the view is referred to.
 */
corelane_range corelane_shared_view(corelane_call *call, size_t index);
/** Arguments `index` (a view), `index + 1` (offset in bytes) and `index + 2` (length in bytes): a range inside of the view. */
corelane_range corelane_subrange(corelane_call *call, size_t index);
/** Copies UTF-8 with its terminating zero; at most `capacity - 1` bytes, longer is an error. */
void corelane_string(corelane_call *call, size_t index, char *into, size_t capacity);

napi_value corelane_number(napi_env env, double value);
/** The result of a system call that went through libc's wrapper: -errno where it is negative. */
napi_value corelane_answer(napi_env env, long result);

/** Defines `name` on `exports`. Failing leaves a pending exception, which the loader reports. */
void corelane_define(napi_env env, napi_value exports, const char *name, napi_callback function);

#endif
