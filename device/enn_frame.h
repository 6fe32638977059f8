/* Frames: COBS so that 0x00 occurs only between them, CRC-32 so that a damaged one is seen.
 *
 * Decoder and encoder take one byte at a time and work on the same buffer (a device is either
 * receiving a request or sending its answer), so that a board with 16 KB of RAM needs one buffer.
 */
#ifndef ENN_FRAME_H
#define ENN_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "enn_protocol.h"

/* The size of a buffer for frames with up to `payload` bytes. */
#define ENN_FRAME_BYTES(payload) ((payload) + ENN_HEADER_BYTES + ENN_CRC_BYTES)
/* The most that such a frame takes on the line, delimiters before and after it included. */
#define ENN_ENCODED_BYTES(payload) (ENN_FRAME_BYTES(payload) + ENN_FRAME_BYTES(payload) / 254u + 3u)

/* CRC-32 as in ISO-HDLC, zlib and Ethernet. `crc` is 0, or the result over the bytes before. */
uint32_t enn_crc32(uint32_t crc, const uint8_t *bytes, uint32_t count);

static inline uint32_t enn_get16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }

static inline uint32_t enn_get32(const uint8_t *p) { return enn_get16(p) | enn_get16(p + 2) << 16; }

static inline void enn_put16(uint8_t *p, uint32_t value) {
  p[0] = (uint8_t)value;
  p[1] = (uint8_t)(value >> 8);
}

static inline void enn_put32(uint8_t *p, uint32_t value) {
  enn_put16(p, value);
  enn_put16(p + 2, value >> 16);
}

static inline void enn_put64(uint8_t *p, uint64_t value) {
  enn_put32(p, (uint32_t)value);
  enn_put32(p + 4, (uint32_t)(value >> 32));
}

struct enn_decoder {
  uint32_t length; /* decoded so far */
  uint8_t code;    /* of the current block; 0 before the first */
  uint8_t left;    /* bytes until the next code */
  bool too_long;
};

/* Takes one byte off the line. True when it ended a frame whose length and CRC are right: `frame`
 * then holds the header and `length` of the payload. Damaged frames vanish. */
bool enn_decode(struct enn_decoder *d, uint8_t *frame, uint32_t room, uint8_t byte);

struct enn_encoder {
  uint32_t length; /* of the frame, CRC included */
  uint32_t at;
  uint8_t left;  /* bytes until the next code */
  bool full;     /* the current block has 254 bytes, so no zero follows it */
  uint8_t phase; /* 0 done, 1 code, 2 data, 3 delimiter */
};

/* Writes header and CRC around the payload that lies in `frame` and starts sending it. */
void enn_encode(struct enn_encoder *e, uint8_t *frame, uint8_t type, uint32_t sequence,
                uint32_t payload_bytes);

/* Puts up to `room` bytes of the encoded frame in `to`; returns how many, 0 when it is complete. */
uint32_t enn_encode_next(struct enn_encoder *e, const uint8_t *frame, uint8_t *to, uint32_t room);

#endif
