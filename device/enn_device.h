/* The runtime of every device: answers requests from the link and runs the model.
 *
 *     static struct enn_device device;
 *     enn_device_init(&device, &config);
 *     for (;;)
 *       if (!enn_poll(&device)) enn_port_idle();
 *
 * A state machine: each call of `enn_poll` does one small thing (sends what the port takes, runs one
 * step of the model, or receives up to one frame and answers it) and returns. It never waits, so the
 * same code runs on a microcontroller, as a process, and as WebAssembly inside the host. Requests
 * wait in the port's receive buffer, `rx_bytes` large, while a model runs or an answer is sent.
 */
#ifndef ENN_DEVICE_H
#define ENN_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "enn_frame.h"
#include "model.h"

/* The memory that the runtime works in; the caller owns it. */
struct enn_config {
  uint8_t *arena;       /* enn_model.arena_bytes, aligned to enn_model.arena_align */
  uint8_t *state;       /* enn_model.state_bytes, 8-aligned */
  uint8_t *frame;       /* ENN_FRAME_BYTES(max_payload) */
  uint32_t max_payload; /* at least ENN_MIN_PAYLOAD, at most 65535 */
  uint32_t rx_bytes;    /* what the port buffers; at least ENN_ENCODED_BYTES(max_payload) */
  uint32_t *step_crc;   /* enn_model.step_count: what LAYER answers after a traced run */
  uint64_t *step_ticks; /* enn_model.step_count: what PROFILE answers */
};

struct enn_device {
  struct enn_config config;
  struct enn_decoder decoder;
  struct enn_encoder encoder;
  uint8_t in[64]; /* read from the port, not yet decoded */
  uint8_t in_at, in_count;
  uint8_t out[64]; /* encoded, not yet taken by the port */
  uint8_t out_at, out_count;
  bool restart; /* when the reply to RESET has left */

  bool session;
  uint32_t nonce;
  uint16_t last; /* sequence number of the last executed request ... */
  uint8_t last_type;
  uint8_t last_status; /* ... and its result, for when the reply was lost */

  uint16_t writer; /* sequence number of the last INPUT or RUN: which contents the arena has */
  uint32_t next;   /* the step that the arena is ready for; step_count: the outputs are valid */
  bool running;
  uint32_t run_last;
  uint8_t run_flags;
  uint32_t reading_ticks; /* what reading the clock twice takes of the time between */
  uint32_t traced; /* steps whose CRC the current contents' run has stored */

#ifdef ENN_STREAM_INPUT
  /* enn_input.h */
  bool feeding; /* the INPUT in the frame buffer is being consumed: */
  const uint8_t *feed;
  uint32_t feed_left;
  uint32_t fed; /* bytes of the input that the model has taken; UINT32_MAX: it wants the first */
  uint32_t fed_crc;
  uint64_t feed_ticks;
#endif
};

void enn_device_init(struct enn_device *d, const struct enn_config *config);

/* Does the next small thing. False when there is nothing to do until a byte arrives. */
bool enn_poll(struct enn_device *d);

#endif
