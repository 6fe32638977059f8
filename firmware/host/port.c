/* The device as a process: bytes on stdin and stdout, or on an inherited descriptor of a PTY or
 * socket whose number is in the environment variable ENN_FD. Ends when the other side closes. */
#define _POSIX_C_SOURCE 200809L
#include "enn_port.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "firmware.h"

static int in_fd = STDIN_FILENO;
static int out_fd = STDOUT_FILENO;

void enn_board_init(void) {
  const char *fd = getenv("ENN_FD");
  if (fd != NULL) in_fd = out_fd = (int)strtol(fd, NULL, 10);
  signal(SIGPIPE, SIG_IGN);
  if (fcntl(in_fd, F_SETFL, fcntl(in_fd, F_GETFL) | O_NONBLOCK) < 0) exit(1);
  if (fcntl(out_fd, F_SETFL, fcntl(out_fd, F_GETFL) | O_NONBLOCK) < 0) exit(1);
}

static uint32_t taken(ssize_t count) {
  if (count > 0) return (uint32_t)count;
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  exit(0);
}

uint32_t enn_port_read(uint8_t *to, uint32_t room) { return taken(read(in_fd, to, room)); }

uint32_t enn_port_write(const uint8_t *from, uint32_t count) {
  return taken(write(out_fd, from, count));
}

uint32_t enn_port_tick_hz(void) { return 1000000000u; }

uint64_t enn_port_ticks(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void enn_port_ticks_align(void) {}

void enn_port_idle(void) { poll(&(struct pollfd){.fd = in_fd, .events = POLLIN}, 1, -1); }

void enn_port_reset(void) {}

uint32_t enn_port_stack_bytes(void) { return 0; }

uint32_t enn_port_stack_used(void) { return 0; }
