/* The addon of @corelane/io-ring: io_uring, one file per concern, no policy. Loaded once per thread. */
#include "ring.h"

/** Counts changes of what the functions take or answer. The loader refuses a binary that says anything else. */
#define CORELANE_IO_RING_ABI 2

NAPI_MODULE_INIT() {
  napi_value abi = corelane_number(env, CORELANE_IO_RING_ABI);
  napi_set_named_property(env, exports, "abi", abi);
  corelane_register_ring(env, exports);
  corelane_register_resources(env, exports);
  corelane_register_operations(env, exports);
  corelane_register_completions(env, exports);
  corelane_register_batch(env, exports);
  corelane_register_descriptors(env, exports);
  corelane_register_sockets(env, exports);
  return exports;
}
