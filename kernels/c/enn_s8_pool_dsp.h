/* Pooling, int8, at least four channels, for Armv7E-M: four channels at a time.
 *
 * y as enn_s8_pool.h says. max: SSUB8 compares four bytes, SEL takes the larger ones. avg: two SXTAB16
 * add a word's even and odd bytes to sums of int16; windows have at most 255 taps, so that none can
 * leave int16. The last four channels overlap those before them where channels are no multiple of 4.
 *
 * Block: 4 channels x 1 tap: LDR and the two; 2 for the next tap's address and 2 for the loop. avg
 * then divides each sum: 12 an output.
 *
 * Order of reading: a pixel's window, channels ascending.
 * Oracle: host/quant/interpret/pool.ts.
 */
#ifndef ENN_S8_POOL_DSP_H
#define ENN_S8_POOL_DSP_H

#include "enn_dsp.h"
#include "enn_s8_pool.h"

/* The taps of a window inside the image; x is the first. */
struct enn_pool_window {
  const int8_t *x;
  int32_t rows, cols;
  int32_t step, row; /* bytes to the next tap, and from behind a row to the next */
};

ENN_INLINE uint32_t enn_pool_max4(const struct enn_pool_window *t, const int8_t *x) {
  uint32_t best = 0x80808080u;
  for (int32_t u = t->rows; u > 0; u--, x += t->row)
    for (int32_t v = t->cols; v > 0; v--, x += t->step) best = enn_max_bytes(best, enn_load32(x));
  return best;
}

/* A quotient rounded, halves away from zero. */
ENN_INLINE uint32_t enn_pool_mean(int32_t sum, int32_t count, int32_t half) {
  return (uint8_t)((sum > 0 ? sum + half : sum - half) / count);
}

ENN_INLINE uint32_t enn_pool_avg4(const struct enn_pool_window *t, const int8_t *x) {
  uint32_t even = 0, odd = 0;
  for (int32_t u = t->rows; u > 0; u--, x += t->row) {
    for (int32_t v = t->cols; v > 0; v--, x += t->step) {
      const uint32_t word = enn_load32(x);
      even = enn_add_even(even, word);
      odd = enn_add_odd(odd, word);
    }
  }
  const int32_t count = t->rows * t->cols, half = count / 2;
  return enn_pool_mean(enn_low16(even), count, half) |
         enn_pool_mean(enn_low16(odd), count, half) << 8 |
         enn_pool_mean((int32_t)even >> 16, count, half) << 16 |
         enn_pool_mean((int32_t)odd >> 16, count, half) << 24;
}

/* The window of one kind or the other, for all pixels. */
ENN_INLINE void enn_pool_dsp(const ENN_CONST struct enn_pool2d_s8 *p, const int8_t *x, int8_t *y,
                             const int32_t max) {
  const int32_t channels = p->channels;
  const uint32_t low = enn_four_of(p->clamp_min), high = enn_four_of(p->clamp_max);
  for (int32_t i = 0; i < p->out_h; i++) {
    const int32_t top = i * p->stride_h - p->pad_top;
    const struct enn_taps rows = enn_clip_taps(top, p->kernel_h, 1, p->in_h);
    for (int32_t j = 0; j < p->out_w; j++, y += channels) {
      const int32_t left = j * p->stride_w - p->pad_left;
      const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, 1, p->in_w);
      const int32_t taps = cols.last - cols.first;
      const struct enn_pool_window t = {
          .x = x + ((top + rows.first) * p->in_w + left + cols.first) * channels,
          .rows = rows.last - rows.first,
          .cols = taps,
          .step = channels,
          .row = (p->in_w - taps) * channels,
      };
      for (int32_t c = 0; c < channels; c += 4) {
        const int32_t at = enn_min(c, channels - 4);
        const uint32_t word = max ? enn_pool_max4(&t, t.x + at) : enn_pool_avg4(&t, t.x + at);
        enn_store32(y + at, enn_min_bytes(enn_max_bytes(word, low), high));
      }
    }
  }
}

ENN_INLINE void enn_max_pool2d_s8__dsp(const ENN_CONST struct enn_pool2d_s8 *p, const int8_t *x,
                                       int8_t *y) {
  enn_pool_dsp(p, x, y, 1);
}

ENN_INLINE void enn_avg_pool2d_s8__dsp(const ENN_CONST struct enn_pool2d_s8 *p, const int8_t *x,
                                       int8_t *y) {
  enn_pool_dsp(p, x, y, 0);
}

#endif
