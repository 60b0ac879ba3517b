/*
 * The other end of an echo server: connections that each send a message, wait for all of it to come back, look at it and send the next. One thread
 * and epoll; sending and receiving are tried at once, so that a message costs two calls and its share of an epoll_wait.
 * `echo-open` connects, the operation `echo` sends messages over all of them, `echo-close` ends.
 */
#include "raw.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define CONNECTIONS_MAX 4096
#define MESSAGE_MAX 65536

typedef struct {
  int socket;
  uint32_t received;
  /** Number of its message, which fills the message's words. */
  uint32_t number;
} connection;

static struct {
  int poll;
  uint32_t count, bytes, next;
  connection connections[CONNECTIONS_MAX];
  uint32_t out[MESSAGE_MAX / 4], in[MESSAGE_MAX / 4];
} echo = {.poll = -1};

static void close_all(void) {
  for (uint32_t i = 0; i < echo.count; i++) close(echo.connections[i].socket);
  if (echo.poll >= 0) close(echo.poll);
  echo.count = 0;
  echo.poll = -1;
}

static int open_one(uint16_t port) {
  connection *made = &echo.connections[echo.count];
  made->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (made->socket < 0) return errno;
  echo.count++;
  int yes = 1;
  setsockopt(made->socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(made->socket, (struct sockaddr *)&to, sizeof to) != 0) return errno;
  if (fcntl(made->socket, F_SETFL, O_NONBLOCK) != 0) return errno;
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = echo.count - 1};
  return epoll_ctl(echo.poll, EPOLL_CTL_ADD, made->socket, &event) == 0 ? 0 : errno;
}

static int open_all(uint16_t port, uint32_t connections, uint32_t bytes) {
  if (connections < 1 || connections > CONNECTIONS_MAX || bytes < 4 || bytes > MESSAGE_MAX || bytes % 4 != 0) return EINVAL;
  close_all();
  echo.bytes = bytes;
  echo.poll = epoll_create1(EPOLL_CLOEXEC);
  if (echo.poll < 0) return errno;
  for (uint32_t i = 0; i < connections; i++) {
    int failed = open_one(port);
    if (failed != 0) return failed;
  }
  return 0;
}

/** Sends the next message whole. The buffer of a socket has room for it: everything before has come back. */
static bool send_next(connection *to) {
  to->number = ++echo.next;
  to->received = 0;
  for (uint32_t word = 0; word < echo.bytes / 4; word++) echo.out[word] = to->number;
  return send(to->socket, echo.out, echo.bytes, MSG_NOSIGNAL) == (ssize_t)echo.bytes;
}

/** Receives what there is. -1 where the connection is over or something else came back, else whether the message is whole. */
static int receive(connection *from) {
  ssize_t bytes = recv(from->socket, echo.in, echo.bytes - from->received, 0);
  if (bytes < 0) return errno == EAGAIN ? 0 : -1;
  if (bytes == 0) {
    errno = ECONNRESET;
    return -1;
  }
  const uint8_t *found = (const uint8_t *)echo.in, *wanted = (const uint8_t *)&from->number;
  for (uint32_t at = 0; at < (uint32_t)bytes; at++)
    if (found[at] != wanted[(from->received + at) & 3]) {
      errno = EILSEQ;
      return -1;
    }
  from->received += (uint32_t)bytes;
  return from->received == echo.bytes;
}

static outcome exchange(uint64_t operations) {
  outcome sum = {0, 0};
  uint64_t started = 0;
  for (uint32_t i = 0; i < echo.count && started < operations; i++, started++)
    if (!send_next(&echo.connections[i])) return sum;
  struct epoll_event events[256];
  while (sum.successful < operations) {
    int count = epoll_wait(echo.poll, events, 256, 10000);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      if (count == 0) errno = ETIMEDOUT;
      return sum;
    }
    for (int i = 0; i < count; i++) {
      connection *ready = &echo.connections[events[i].data.u32];
      int whole = receive(ready);
      if (whole < 0) return sum;
      if (whole == 0) continue;
      sum.successful++;
      sum.checksum += ready->number;
      if (started == operations) continue;
      started++;
      if (!send_next(ready)) return sum;
    }
  }
  return sum;
}

bool echo_command(const char *line) {
  unsigned port = 0, connections = 0, bytes = 0;
  if (strcmp(line, "echo-close\n") == 0) {
    close_all();
    printf("{}\n");
    return true;
  }
  if (sscanf(line, "echo-open %u %u %u", &port, &connections, &bytes) != 3) return false;
  int failed = open_all((uint16_t)port, connections, bytes);
  if (failed != 0)
    printf("{\"error\":\"%u connections to port %u: %s\"}\n", connections, port, strerror(failed));
  else
    printf("{}\n");
  return true;
}

static int prepare(void) { return echo.count == 0 ? ENOTCONN : 0; }

const operation echo_operations[] = {
    {"echo", exchange, prepare},
    {NULL, NULL, NULL},
};
