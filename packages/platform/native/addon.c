/*
 * The addon of @corelane/platform: system calls that Node does not have, one file per concern, no policy.
 * Loaded once per thread; nothing here belongs to a thread but what interrupt.c says.
 */
#include "concerns.h"

/** Counts changes of what the functions take or answer. The loader refuses a binary that says anything else. */
#define CORELANE_PLATFORM_ABI 1

NAPI_MODULE_INIT() {
  napi_value abi = corelane_number(env, CORELANE_PLATFORM_ABI);
  napi_set_named_property(env, exports, "abi", abi);
  corelane_register_threads(env, exports);
  corelane_register_memory(env, exports);
  corelane_register_perf(env, exports);
  corelane_register_interrupt(env, exports);
  return exports;
}
