/* Counters of the processor and the kernel: opening and mapping them. */
#include "call.h"

void corelane_register_perf(napi_env env, napi_value exports) {
  (void)env;
  (void)exports;
}
