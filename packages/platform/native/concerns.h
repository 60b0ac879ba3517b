/* What each concern defines. */
#ifndef CORELANE_CONCERNS_H
#define CORELANE_CONCERNS_H

#include "call.h"

void corelane_register_threads(napi_env env, napi_value exports);
void corelane_register_memory(napi_env env, napi_value exports);
void corelane_register_perf(napi_env env, napi_value exports);
void corelane_register_interrupt(napi_env env, napi_value exports);

#endif
