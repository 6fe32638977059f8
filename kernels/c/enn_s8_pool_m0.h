/* Pooling, int8, for Armv6-M: the largest or the sum of a window, 16 channels at a time.
 *
 * y as enn_s8_pool.h says. The taps of a window come one after the other, each for 16 channels, whose
 * results so far lie on the stack: there one register counts channels and all addresses. A mean has no
 * division: |acc| + taps / 2 is at most 128.5 taps, so with r = ceil(2^24 / taps)
 *
 *     (|acc| + taps / 2) / taps = ((|acc| + taps / 2) r) >> 24
 *
 * exactly where 128.5 taps (taps - 1) < 2^24, which is so up to 361 taps, and the product fits 32 bits.
 *
 * Block: a channel x 1 tap in 7 instructions; a mean takes 13 more.
 *
 * Accumulator: |acc| <= 128 255 < 2^15. Order of reading: pixel by pixel, channels ascending.
 * Oracle: host/quant/interpret/pool.ts.
 */
#ifndef ENN_S8_POOL_M0_H
#define ENN_S8_POOL_M0_H

#include "enn_m0.h"
#include "enn_s8_pool.h"

#define ENN_M0_CHANNELS 16

/* The taps of a window inside the image. */
struct enn_m0_window {
  int32_t rows, cols;
  int32_t step, line; /* bytes to the next tap, and from the first of a row to that of the next */
};

/* One tap of `count` channels. */
ENN_INLINE void enn_m0_largest_tap(const int8_t *x, int32_t count, int8_t *best) {
#if ENN_HAS_M0
  int32_t i = -count;
  __asm__ volatile(ENN_M0_ASM("1:\n"
                              " ldrsb r4, [%[x], %[i]]\n"
                              " ldrsb r5, [%[best], %[i]]\n"
                              " cmp r4, r5\n"
                              " ble 2f\n"
                              " strb r4, [%[best], %[i]]\n"
                              "2:\n"
                              " adds %[i], #1\n"
                              " bne 1b\n")
                   : [i] "+l"(i)
                   : [x] "l"(x + count), [best] "l"(best + count)
                   : "r4", "r5", "cc", "memory");
#else
  for (int32_t c = 0; c < count; c++) {
    if (x[c] > best[c]) best[c] = x[c];
  }
#endif
}

ENN_INLINE void enn_m0_sum_tap(const int8_t *x, int32_t count, int16_t *sums) {
#if ENN_HAS_M0
  int32_t i = -count, at = -2 * count;
  __asm__ volatile(ENN_M0_ASM("1:\n"
                              " ldrsb r4, [%[x], %[i]]\n"
                              " ldrsh r5, [%[sums], %[at]]\n"
                              " adds r5, r5, r4\n"
                              " strh r5, [%[sums], %[at]]\n"
                              " adds %[at], #2\n"
                              " adds %[i], #1\n"
                              " bne 1b\n")
                   : [i] "+l"(i), [at] "+l"(at)
                   : [x] "l"(x + count), [sums] "l"(sums + count)
                   : "r4", "r5", "cc", "memory");
#else
  for (int32_t c = 0; c < count; c++) sums[c] = (int16_t)(sums[c] + x[c]);
#endif
}

/* The largest of up to 16 channels. */
ENN_OUTLINE void enn_m0_largest(const struct enn_m0_window *t, const int8_t *x, int32_t count,
                                int8_t *y) {
  int8_t best[ENN_M0_CHANNELS];
  for (int32_t c = 0; c < count; c++) best[c] = INT8_MIN;
  for (int32_t u = t->rows; u > 0; u--, x += t->line) {
    const int8_t *at = x;
    for (int32_t v = t->cols; v > 0; v--, at += t->step) enn_m0_largest_tap(at, count, best);
  }
  for (int32_t c = 0; c < count; c++) y[c] = best[c];
}

/* The mean of up to 16 channels; `reciprocal` of the taps. */
ENN_OUTLINE void enn_m0_means(const struct enn_m0_window *t, uint32_t reciprocal, const int8_t *x,
                              int32_t count, int8_t *y) {
  const int32_t half = t->rows * t->cols / 2;
  int16_t sums[ENN_M0_CHANNELS] = {0};
  for (int32_t u = t->rows; u > 0; u--, x += t->line) {
    const int8_t *at = x;
    for (int32_t v = t->cols; v > 0; v--, at += t->step) enn_m0_sum_tap(at, count, sums);
  }
  for (int32_t c = 0; c < count; c++) {
    const int32_t sign = sums[c] >> 31; /* -1 or 0 */
    const uint32_t size = (uint32_t)((sums[c] ^ sign) - sign + half);
    y[c] = (int8_t)(((int32_t)((size * reciprocal) >> 24) ^ sign) - sign);
  }
}

/* `reduce` by so many channels of every window; it may use `t` and `taps`. */
#define ENN_M0_POOL(reduce)                                                                      \
  for (int32_t i = 0; i < p->out_h; i++) {                                                       \
    const int32_t top = i * p->stride_h - p->pad_top;                                            \
    const struct enn_taps rows = enn_clip_taps(top, p->kernel_h, 1, p->in_h);                    \
    for (int32_t j = 0; j < p->out_w; j++) {                                                     \
      const int32_t left = j * p->stride_w - p->pad_left;                                        \
      const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, 1, p->in_w);                 \
      const struct enn_m0_window t = {rows.last - rows.first, cols.last - cols.first,            \
                                      p->channels, p->in_w * p->channels};                       \
      const int8_t *from = x + ((top + rows.first) * p->in_w + left + cols.first) * p->channels; \
      for (int32_t left_c = p->channels; left_c > 0; left_c -= ENN_M0_CHANNELS) {                \
        const int32_t count = enn_min(left_c, ENN_M0_CHANNELS);                                  \
        reduce;                                                                                  \
        from += count;                                                                           \
        y += count;                                                                              \
      }                                                                                          \
    }                                                                                            \
  }

ENN_INLINE void enn_max_pool2d_s8__m0(const ENN_CONST struct enn_pool2d_s8 *p, const int8_t *x,
                                      int8_t *y) {
  int8_t *const start = y;
  ENN_M0_POOL(enn_m0_largest(&t, from, count, y))
  enn_m0_clamp(start, p->out_h * p->out_w * p->channels, p->clamp_min, p->clamp_max);
}

ENN_INLINE void enn_avg_pool2d_s8__m0(const ENN_CONST struct enn_pool2d_s8 *p, const int8_t *x,
                                      int8_t *y) {
  int8_t *const start = y;
  int32_t taps = 0;
  uint32_t reciprocal = 0;
  ENN_M0_POOL(if (t.rows * t.cols != taps) {
    taps = t.rows * t.cols;
    reciprocal = (uint32_t)((0x1000000 + taps - 1) / taps);
  } enn_m0_means(&t, reciprocal, from, count, y))
  enn_m0_clamp(start, p->out_h * p->out_w * p->channels, p->clamp_min, p->clamp_max);
}

#endif
