/* Arguments and answers: see call.h. */
#include "call.h"

static void fail(corelane_call *call, const char *message) {
  if (!call->ok) return;
  call->ok = false;
  napi_throw_type_error(call->env, "ERR_NATIVE_ARGUMENT", message);
}

corelane_call corelane_begin(napi_env env, napi_callback_info info) {
  corelane_call call = {.env = env, .count = sizeof call.values / sizeof call.values[0], .ok = true};
  if (napi_get_cb_info(env, info, &call.count, call.values, NULL, NULL) != napi_ok) {
    call.count = 0;
    fail(&call, "the arguments cannot be read");
  }
  /* Node-API reports how many there were, which may be more than fit. */
  if (call.count > sizeof call.values / sizeof call.values[0]) call.count = sizeof call.values / sizeof call.values[0];
  return call;
}

static double number_at(corelane_call *call, size_t index) {
  double value = 0;
  if (index >= call->count || napi_get_value_double(call->env, call->values[index], &value) != napi_ok) {
    fail(call, "expected a number");
    return 0;
  }
  return value;
}

int32_t corelane_int(corelane_call *call, size_t index) {
  double value = number_at(call, index);
  /* Compared before it is converted: converting a number out of range is undefined. NaN fails both. */
  if (!(value >= -2147483648.0 && value <= 2147483647.0) || value != (double)(int32_t)value) {
    fail(call, "expected a whole number of 32 bits");
    return 0;
  }
  return (int32_t)value;
}

uint64_t corelane_natural(corelane_call *call, size_t index) {
  double value = number_at(call, index);
  if (!(value >= 0 && value <= 9007199254740991.0) || value != (double)(uint64_t)value) {
    fail(call, "expected a whole number from 0 to 2^53 - 1");
    return 0;
  }
  return (uint64_t)value;
}

static size_t element_bytes(napi_typedarray_type type) {
  switch (type) {
    case napi_int8_array:
    case napi_uint8_array:
    case napi_uint8_clamped_array:
      return 1;
    case napi_int16_array:
    case napi_uint16_array:
      return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array:
      return 4;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array:
      return 8;
    default:
      return 0; /* of a later Node: its length is not known here */
  }
}

corelane_range corelane_view(corelane_call *call, size_t index) {
  corelane_range range = {0};
  bool is = false;
  void *bytes = NULL;
  size_t length = 0;
  if (index < call->count && napi_is_typedarray(call->env, call->values[index], &is) == napi_ok && is) {
    napi_typedarray_type type = napi_uint8_array;
    if (napi_get_typedarray_info(call->env, call->values[index], &type, &length, &bytes, NULL, NULL) == napi_ok &&
        element_bytes(type) > 0) {
      range.bytes = bytes;
      range.length = length * element_bytes(type);
      return range;
    }
  } else if (index < call->count && napi_is_dataview(call->env, call->values[index], &is) == napi_ok && is) {
    if (napi_get_dataview_info(call->env, call->values[index], &length, &bytes, NULL, NULL) == napi_ok) {
      range.bytes = bytes;
      range.length = length;
      return range;
    }
  }
  fail(call, "expected a view");
  return range;
}

corelane_range corelane_shared_view(corelane_call *call, size_t index) {
  bool typed = false, plain = true;
  napi_value buffer = NULL;
  if (index < call->count && napi_is_typedarray(call->env, call->values[index], &typed) == napi_ok && typed &&
      napi_get_typedarray_info(call->env, call->values[index], NULL, NULL, NULL, &buffer, NULL) == napi_ok &&
      napi_is_arraybuffer(call->env, buffer, &plain) == napi_ok && !plain)
    return corelane_view(call, index);
  fail(call, "expected a typed array on shared memory");
  return (corelane_range){0};
}

corelane_range corelane_subrange(corelane_call *call, size_t index) {
  corelane_range view = corelane_view(call, index);
  uint64_t offset = corelane_natural(call, index + 1);
  uint64_t length = corelane_natural(call, index + 2);
  corelane_range none = {0};
  if (!call->ok) return none;
  if (view.bytes == NULL || offset > view.length || length > view.length - offset) {
    fail(call, "the range leaves its view");
    return none;
  }
  return (corelane_range){.bytes = view.bytes + offset, .length = (size_t)length};
}

void corelane_string(corelane_call *call, size_t index, char *into, size_t capacity) {
  size_t length = 0;
  into[0] = 0;
  if (index >= call->count || napi_get_value_string_utf8(call->env, call->values[index], NULL, 0, &length) != napi_ok) {
    fail(call, "expected a string");
    return;
  }
  if (length >= capacity) {
    fail(call, "the string is too long");
    return;
  }
  napi_get_value_string_utf8(call->env, call->values[index], into, capacity, &length);
}

napi_value corelane_number(napi_env env, double value) {
  napi_value result = NULL;
  napi_create_double(env, value, &result);
  return result;
}

napi_value corelane_answer(napi_env env, long result) {
  return corelane_number(env, result < 0 ? -(double)errno : (double)result);
}

void corelane_define(napi_env env, napi_value exports, const char *name, napi_callback function) {
  napi_value value = NULL;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, function, NULL, &value) == napi_ok)
    napi_set_named_property(env, exports, name, value);
}
