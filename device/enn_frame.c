#include "enn_frame.h"

/* Four bits a step: 64 bytes of table instead of 1024, for half the speed. */
uint32_t enn_crc32(uint32_t crc, const uint8_t *bytes, uint32_t count) {
  static const uint32_t nibble[16] = {
      0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
      0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
      0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
  };
  crc = ~crc;
  for (uint32_t i = 0; i < count; i++) {
    crc ^= bytes[i];
    crc = crc >> 4 ^ nibble[crc & 15u];
    crc = crc >> 4 ^ nibble[crc & 15u];
  }
  return ~crc;
}

static bool verified(const uint8_t *frame, uint32_t length) {
  if (length < ENN_HEADER_BYTES + ENN_CRC_BYTES) return false;
  uint32_t body = length - ENN_CRC_BYTES;
  if (enn_get16(frame + 4) != body - ENN_HEADER_BYTES) return false;
  return enn_get32(frame + body) == enn_crc32(0, frame, body);
}

static void append(struct enn_decoder *d, uint8_t *frame, uint32_t room, uint8_t byte) {
  if (d->length < room) {
    frame[d->length++] = byte;
  } else {
    d->too_long = true;
  }
}

bool enn_decode(struct enn_decoder *d, uint8_t *frame, uint32_t room, uint8_t byte) {
  if (byte == 0) {
    bool good = !d->too_long && d->left == 0 && verified(frame, d->length);
    *d = (struct enn_decoder){0};
    return good;
  }
  if (d->left > 0) {
    append(d, frame, room, byte);
    d->left--;
    return false;
  }
  if (d->code != 0 && d->code != 0xFF) append(d, frame, room, 0);
  d->code = byte;
  d->left = (uint8_t)(byte - 1u);
  return false;
}

enum { DONE, CODE, DATA, DELIMITER };

void enn_encode(struct enn_encoder *e, uint8_t *frame, uint8_t type, uint32_t sequence,
                uint32_t payload_bytes) {
  uint32_t body = ENN_HEADER_BYTES + payload_bytes;
  frame[0] = ENN_PROTOCOL_VERSION;
  frame[1] = type;
  enn_put16(frame + 2, sequence);
  enn_put16(frame + 4, payload_bytes);
  enn_put32(frame + body, enn_crc32(0, frame, body));
  *e = (struct enn_encoder){.length = body + ENN_CRC_BYTES, .phase = CODE};
}

static uint8_t block_code(struct enn_encoder *e, const uint8_t *frame) {
  uint32_t end = e->at;
  while (end < e->length && end < e->at + 254u && frame[end] != 0) end++;
  e->left = (uint8_t)(end - e->at);
  e->full = e->left == 254u;
  return (uint8_t)(e->left + 1u);
}

/* A block ends at a zero, which its code stands for, or because it is full, or with the frame. */
static uint8_t after_block(struct enn_encoder *e) {
  if (e->at == e->length) return DELIMITER;
  if (!e->full) e->at++;
  return CODE;
}

uint32_t enn_encode_next(struct enn_encoder *e, const uint8_t *frame, uint8_t *to, uint32_t room) {
  uint32_t count = 0;
  while (count < room && e->phase != DONE) {
    if (e->phase == DELIMITER) {
      to[count++] = 0;
      e->phase = DONE;
      continue;
    }
    if (e->phase == CODE) {
      to[count++] = block_code(e, frame);
      e->phase = DATA;
    } else {
      to[count++] = frame[e->at++];
      e->left--;
    }
    if (e->left == 0) e->phase = after_block(e);
  }
  return count;
}
