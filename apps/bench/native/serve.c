/* An echo server: one thread, epoll, what is received is sent back at once. `serve` starts it and says where, `spent` what CPU time the program took. */
#include "raw.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define BUFFER_BYTES 16384

static int listener = -1;
static int poll_of_all = -1;

static void accept_one(void) {
  int accepted = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (accepted < 0) return;
  int yes = 1;
  setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = accepted};
  if (epoll_ctl(poll_of_all, EPOLL_CTL_ADD, accepted, &event) != 0) close(accepted);
}

/** Closed when its peer has ended, or takes less than was sent: with one message under way for each, its buffer has room. */
static void send_back(int socket, uint8_t *buffer) {
  ssize_t bytes = recv(socket, buffer, BUFFER_BYTES, 0);
  if (bytes < 0 && errno == EAGAIN) return;
  if (bytes <= 0 || send(socket, buffer, (size_t)bytes, MSG_NOSIGNAL) != bytes) close(socket);
}

static void *serve(void *unused) {
  (void)unused;
  static uint8_t buffer[BUFFER_BYTES];
  struct epoll_event events[256];
  while (true) {
    int count = epoll_wait(poll_of_all, events, 256, -1);
    for (int i = 0; i < count; i++)
      if (events[i].data.fd == listener)
        accept_one();
      else
        send_back(events[i].data.fd, buffer);
  }
  return NULL;
}

/** Returns 0 or an errno. */
static int start(uint16_t *port) {
  if (listener >= 0) return EBUSY;
  listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  poll_of_all = epoll_create1(EPOLL_CLOEXEC);
  struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof place;
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  if (listener < 0 || poll_of_all < 0 || bind(listener, (struct sockaddr *)&place, length) != 0 || listen(listener, 511) != 0 ||
      getsockname(listener, (struct sockaddr *)&place, &length) != 0 || epoll_ctl(poll_of_all, EPOLL_CTL_ADD, listener, &event) != 0)
    return errno;
  *port = ntohs(place.sin_port);
  pthread_t thread;
  return pthread_create(&thread, NULL, serve, NULL);
}

bool serve_command(const char *line) {
  if (strcmp(line, "spent\n") == 0) {
    printf("{\"cpuNs\":%" PRIu64 "}\n", clock_ns(CLOCK_PROCESS_CPUTIME_ID));
    return true;
  }
  if (strcmp(line, "serve\n") != 0) return false;
  uint16_t port = 0;
  int failed = start(&port);
  if (failed != 0)
    printf("{\"unavailable\":\"an echo server: %s\"}\n", strerror(failed));
  else
    printf("{\"port\":%u}\n", port);
  return true;
}
