/*
 * Sockets before they have operations, and what no operation does: making one, its address, its options. All of it is answered at once by the
 * kernel. An address crosses as a record (ADDRESS_* below): the text that people write, which only here becomes what the kernel takes.
 */
#include "ring.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/** Bytes of an address: src/layout.ts has the same numbers. */
enum { ADDRESS_FAMILY = 0, ADDRESS_PORT = 2, ADDRESS_SCOPE = 4, ADDRESS_TEXT = 8, ADDRESS_BYTES = 64 };

/** What `setSocketOption` takes. */
enum { OPTION_REUSE_ADDRESS, OPTION_REUSE_PORT, OPTION_IPV6_ONLY, OPTION_NO_DELAY, OPTION_KEEP_ALIVE_SECONDS, OPTION_RESET };

/** The record as what the kernel takes; how many bytes, or -EINVAL. */
static int encode(const uint8_t *record, struct sockaddr_storage *into) {
  uint8_t copy[ADDRESS_BYTES];
  memcpy(copy, record, sizeof copy); /* once: it is shared memory */
  copy[ADDRESS_BYTES - 1] = 0;
  uint16_t port;
  uint32_t scope;
  memcpy(&port, copy + ADDRESS_PORT, sizeof port);
  memcpy(&scope, copy + ADDRESS_SCOPE, sizeof scope);
  const char *text = (const char *)copy + ADDRESS_TEXT;
  memset(into, 0, sizeof *into);
  if (copy[ADDRESS_FAMILY] == 4) {
    struct sockaddr_in *four = (struct sockaddr_in *)into;
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    return inet_pton(AF_INET, text, &four->sin_addr) == 1 ? (int)sizeof *four : -EINVAL;
  }
  if (copy[ADDRESS_FAMILY] != 6) return -EINVAL;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)into;
  six->sin6_family = AF_INET6;
  six->sin6_port = htons(port);
  six->sin6_scope_id = scope;
  return inet_pton(AF_INET6, text, &six->sin6_addr) == 1 ? (int)sizeof *six : -EINVAL;
}

/** encodeAddress(record): in its place comes what the kernel takes; how many bytes. */
static napi_value encode_address(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_range record = corelane_shared_view(&call, 0);
  if (!call.ok) return NULL;
  struct sockaddr_storage address;
  if (record.length < ADDRESS_BYTES) return corelane_number(env, -EINVAL);
  int length = encode(record.bytes, &address);
  if (length > 0) memcpy(record.bytes, &address, (size_t)length);
  return corelane_number(env, length);
}

/** openSocket(ring, family): a descriptor of TCP over IP version 4 or 6, the thread's. It blocks, as operations of a ring want it. */
static napi_value open_socket(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  corelane_ring *ring = corelane_ring_of(&call, 0);
  int family = corelane_int(&call, 1);
  if (ring == NULL || !call.ok) return NULL;
  if (family != 4 && family != 6) return corelane_number(env, -EINVAL);
  int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  corelane_own(ring->descriptors, fd);
  return corelane_answer(env, fd);
}

/** bindSocket(fd, record) */
static napi_value bind_socket(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  int fd = corelane_int(&call, 0);
  corelane_range record = corelane_shared_view(&call, 1);
  if (!call.ok) return NULL;
  struct sockaddr_storage address;
  int length = record.length < ADDRESS_BYTES ? -EINVAL : encode(record.bytes, &address);
  if (length < 0) return corelane_number(env, length);
  return corelane_answer(env, bind(fd, (struct sockaddr *)&address, (socklen_t)length));
}

/** listenSocket(fd, backlog) */
static napi_value listen_socket(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  int fd = corelane_int(&call, 0);
  int backlog = corelane_int(&call, 1);
  if (!call.ok) return NULL;
  return corelane_answer(env, listen(fd, backlog));
}

/** socketAddress(fd, peer, into): fills in the record of its own address, or of the other side's. */
static napi_value socket_address(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  int fd = corelane_int(&call, 0);
  bool peer = corelane_int(&call, 1) != 0;
  corelane_range record = corelane_shared_view(&call, 2);
  if (!call.ok) return NULL;
  if (record.length < ADDRESS_BYTES) return corelane_number(env, -EINVAL);
  struct sockaddr_storage address;
  memset(&address, 0, sizeof address);
  socklen_t length = sizeof address;
  if ((peer ? getpeername : getsockname)(fd, (struct sockaddr *)&address, &length) < 0) return corelane_answer(env, -1);
  uint8_t *bytes = record.bytes;
  const struct sockaddr_in *four = (struct sockaddr_in *)&address;
  const struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address;
  bool is_six = address.ss_family == AF_INET6;
  if (!is_six && address.ss_family != AF_INET) return corelane_number(env, -EAFNOSUPPORT);
  memset(bytes, 0, ADDRESS_BYTES);
  bytes[ADDRESS_FAMILY] = is_six ? 6 : 4;
  uint16_t port = ntohs(is_six ? six->sin6_port : four->sin_port);
  memcpy(bytes + ADDRESS_PORT, &port, sizeof port);
  if (is_six) memcpy(bytes + ADDRESS_SCOPE, &six->sin6_scope_id, sizeof six->sin6_scope_id);
  inet_ntop(address.ss_family, is_six ? (const void *)&six->sin6_addr : (const void *)&four->sin_addr, (char *)bytes + ADDRESS_TEXT,
            ADDRESS_BYTES - ADDRESS_TEXT);
  return corelane_number(env, 0);
}

static long set_int(int fd, int level, int name, int value) { return setsockopt(fd, level, name, &value, sizeof value); }

/** setSocketOption(fd, option, value): one of OPTION_*. */
static napi_value set_socket_option(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  int fd = corelane_int(&call, 0);
  int option = corelane_int(&call, 1);
  int value = corelane_int(&call, 2);
  if (!call.ok) return NULL;
  switch (option) {
    case OPTION_REUSE_ADDRESS:
      return corelane_answer(env, set_int(fd, SOL_SOCKET, SO_REUSEADDR, value));
    case OPTION_REUSE_PORT:
      return corelane_answer(env, set_int(fd, SOL_SOCKET, SO_REUSEPORT, value));
    case OPTION_IPV6_ONLY:
      return corelane_answer(env, set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, value));
    case OPTION_NO_DELAY:
      return corelane_answer(env, set_int(fd, IPPROTO_TCP, TCP_NODELAY, value));
    case OPTION_KEEP_ALIVE_SECONDS: {
      /* 0: off. */
      long result = value == 0 ? 0 : set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, value);
      if (result == 0) result = set_int(fd, SOL_SOCKET, SO_KEEPALIVE, value != 0);
      return corelane_answer(env, result);
    }
    case OPTION_RESET: {
      /* Closing then sends a reset, and drops what was not sent. */
      struct linger linger = {.l_onoff = value != 0, .l_linger = 0};
      return corelane_answer(env, setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    }
    default:
      return corelane_number(env, -EINVAL);
  }
}

void corelane_register_sockets(napi_env env, napi_value exports) {
  corelane_define(env, exports, "encodeAddress", encode_address);
  corelane_define(env, exports, "openSocket", open_socket);
  corelane_define(env, exports, "bindSocket", bind_socket);
  corelane_define(env, exports, "listenSocket", listen_socket);
  corelane_define(env, exports, "socketAddress", socket_address);
  corelane_define(env, exports, "setSocketOption", set_socket_option);
}
