/* Ranges of memory: on which node, in which pages, locked or given back. */
#include "call.h"

static napi_value page_bytes(napi_env env, napi_callback_info info) {
  (void)info;
  return corelane_answer(env, sysconf(_SC_PAGESIZE));
}

void corelane_register_memory(napi_env env, napi_value exports) {
  corelane_define(env, exports, "pageBytes", page_bytes);
}
