/* Parking a running worker through V8's interrupt. */
#include "call.h"

void corelane_register_interrupt(napi_env env, napi_value exports) {
  (void)env;
  (void)exports;
}
