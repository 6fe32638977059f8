/* A byte queue between one producer (an interrupt handler) and one consumer. The indices run freely
 * and wrap, so all of the buffer is usable; its size is a power of two. */
#ifndef ENN_RING_H
#define ENN_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"

_Static_assert((ENN_RX_BYTES & (ENN_RX_BYTES - 1)) == 0, "indices wrap at a power of two");

struct enn_ring {
  uint8_t bytes[ENN_RX_BYTES];
  volatile uint32_t put, got;
};

static inline bool enn_ring_empty(const struct enn_ring *r) { return r->put == r->got; }

/* Drops the byte when the queue is full, as a UART does; the frame's CRC will show it. */
static inline void enn_ring_put(struct enn_ring *r, uint8_t byte) {
  uint32_t put = r->put;
  if (put - r->got == ENN_RX_BYTES) return;
  r->bytes[put % ENN_RX_BYTES] = byte;
  r->put = put + 1;
}

static inline uint32_t enn_ring_get(struct enn_ring *r, uint8_t *to, uint32_t room) {
  uint32_t got = r->got, count = 0;
  for (uint32_t end = r->put; count < room && got != end; got++)
    to[count++] = r->bytes[got % ENN_RX_BYTES];
  r->got = got;
  return count;
}

#endif
