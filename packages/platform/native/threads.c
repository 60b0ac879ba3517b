/* Threads by their kernel id: where they run, how much, and for how long they ran. */
#include "call.h"

static napi_value thread_id(napi_env env, napi_callback_info info) {
  (void)info;
  return corelane_answer(env, syscall(SYS_gettid));
}

void corelane_register_threads(napi_env env, napi_value exports) {
  corelane_define(env, exports, "threadId", thread_id);
}
