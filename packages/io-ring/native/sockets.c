/* Sockets that io_uring then works on: making one that listens, and what it is bound to. */
#include "ring.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

static long bound_socket(int family, const void *address, socklen_t length, int reuse_port) {
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  int one = 1, zero = 0;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
      (reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0) ||
      (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, 26 /* IPV6_V6ONLY */, &zero, sizeof zero) < 0) ||
      bind(fd, address, length) < 0) {
    long error = -errno;
    close(fd);
    return error;
  }
  return fd;
}

/** listenTcp(address as text, port, backlog, reusePort): a descriptor that listens. IPv4 or IPv6. */
static napi_value listen_tcp(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  char text[64];
  corelane_string(&call, 0, text, sizeof text);
  int port = corelane_int(&call, 1);
  int backlog = corelane_int(&call, 2);
  int reuse_port = corelane_int(&call, 3);
  if (!call.ok) return NULL;
  if (port < 0 || port > 65535) return corelane_number(env, -EINVAL);
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  memset(&v4, 0, sizeof v4);
  memset(&v6, 0, sizeof v6);
  long fd;
  if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons((uint16_t)port);
    fd = bound_socket(AF_INET, &v4, sizeof v4, reuse_port);
  } else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons((uint16_t)port);
    fd = bound_socket(AF_INET6, &v6, sizeof v6, reuse_port);
  } else
    return corelane_number(env, -EINVAL);
  if (fd >= 0 && listen((int)fd, backlog) < 0) {
    long error = -errno;
    close((int)fd);
    fd = error;
  }
  return corelane_number(env, (double)fd);
}

/** portOf(fd): the local port. */
static napi_value port_of(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  int fd = corelane_int(&call, 0);
  if (!call.ok) return NULL;
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  if (getsockname(fd, (struct sockaddr *)&name, &length) < 0) return corelane_answer(env, -1);
  if (name.ss_family == AF_INET) return corelane_number(env, ntohs(((struct sockaddr_in *)&name)->sin_port));
  if (name.ss_family == AF_INET6) return corelane_number(env, ntohs(((struct sockaddr_in6 *)&name)->sin6_port));
  return corelane_number(env, -EAFNOSUPPORT);
}

/** setNoDelay(fd, on): TCP_NODELAY. */
static napi_value set_no_delay(napi_env env, napi_callback_info info) {
  corelane_call call = corelane_begin(env, info);
  int fd = corelane_int(&call, 0);
  int on = corelane_int(&call, 1) != 0;
  if (!call.ok) return NULL;
  return corelane_answer(env, setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
}

void corelane_register_sockets(napi_env env, napi_value exports) {
  corelane_define(env, exports, "listenTcp", listen_tcp);
  corelane_define(env, exports, "portOf", port_of);
  corelane_define(env, exports, "setNoDelay", set_no_delay);
}
