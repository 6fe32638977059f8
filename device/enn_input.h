/* Where an input's bytes go: into the arena, or, where model.h defines ENN_STREAM_INPUT, straight into
 * the model, which consumes them row by row. For enn_device.c alone. */
#ifndef ENN_INPUT_H
#define ENN_INPUT_H

#include <string.h>

#include "enn_device.h"
#include "enn_port.h"

#ifdef ENN_STREAM_INPUT

/* Forgets what was taken: the next byte must be the first. */
static inline void enn_input_drop(struct enn_device *d) { d->fed = UINT32_MAX; }

static inline bool enn_input_begins(uint32_t offset) { return offset == 0; }

/* Whether bytes from `offset` on can be taken: in order only. They lie in the frame buffer, and are
 * consumed in later polls, by enn_input_feed. */
static inline bool enn_input_take(struct enn_device *d, const ENN_CONST struct enn_tensor *tensor,
                                  uint32_t offset, const uint8_t *bytes, uint32_t count) {
  (void)tensor;
  if (offset == 0) {
    d->fed = d->fed_crc = 0;
    d->feed_ticks = 0;
  }
  if (offset != d->fed) return false;
  d->feed = bytes;
  d->feed_left = count;
  d->feeding = true;
  return true;
}

static inline bool enn_input_feeding(const struct enn_device *d) { return d->feeding; }

/* Consumes some bytes, or lets the model compute one row of a layer. True after the last byte. */
static inline bool enn_input_feed(struct enn_device *d) {
  if (d->feed_left == 0) {
    d->feeding = false;
    return true;
  }
  uint64_t start = enn_port_ticks();
  uint32_t taken =
      enn_model_feed(d->config.arena, d->config.state, d->fed, d->feed, d->feed_left);
  uint64_t ticks = enn_port_ticks() - start;
  if (ticks > d->reading_ticks) d->feed_ticks += ticks - d->reading_ticks;
  d->fed_crc = enn_crc32(d->fed_crc, d->feed, taken);
  d->fed += taken;
  d->feed += taken;
  d->feed_left -= taken;
  return false;
}

/* Whether the whole input has arrived with this CRC. */
static inline bool enn_input_is(const struct enn_device *d, uint32_t crc) {
  return d->fed == enn_model.inputs[0].bytes && d->fed_crc == crc;
}

/* What the model computed while the input arrived took; it is a part of step 0. */
static inline uint64_t enn_input_ticks(const struct enn_device *d) { return d->feed_ticks; }

#else

static inline void enn_input_drop(struct enn_device *d) { (void)d; }

static inline bool enn_input_begins(uint32_t offset) {
  (void)offset;
  return false;
}

static inline bool enn_input_take(struct enn_device *d, const ENN_CONST struct enn_tensor *tensor,
                                  uint32_t offset, const uint8_t *bytes, uint32_t count) {
  memcpy(d->config.arena + tensor->offset + offset, bytes, count);
  return true;
}

static inline bool enn_input_feeding(const struct enn_device *d) {
  (void)d;
  return false;
}

static inline bool enn_input_feed(struct enn_device *d) {
  (void)d;
  return true;
}

static inline bool enn_input_is(const struct enn_device *d, uint32_t crc) {
  uint32_t own = 0;
  for (uint32_t i = 0; i < enn_model.input_count; i++) {
    const ENN_CONST struct enn_tensor *t = &enn_model.inputs[i];
    own = enn_crc32(own, d->config.arena + t->offset, t->bytes);
  }
  return own == crc;
}

static inline uint64_t enn_input_ticks(const struct enn_device *d) {
  (void)d;
  return 0;
}

#endif
#endif
