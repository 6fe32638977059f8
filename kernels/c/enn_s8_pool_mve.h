/* Pooling, int8, for Helium: the largest or the sum of a window, 16 or 8 channels at a time.
 *
 * y as enn_s8_pool.h says. Sums are int16: a window has at most 255 taps.
 *
 * Block: 16 channels of max_pool2d, or 8 of avg_pool2d, x 1 tap in 5 instructions: VPST and a load (the
 * lanes behind the last channel are off), VMAX or VADD, ADD, LE. Eight means take 13 more, by the reciprocal of
 * the taps.
 *
 * Accumulator: |acc| <= 128 255 < 2^15. Order of reading: pixel by pixel, channels ascending.
 * Oracle: host/quant/interpret/pool.ts.
 */
#ifndef ENN_S8_POOL_MVE_H
#define ENN_S8_POOL_MVE_H

#include "enn_mve.h"
#include "enn_s8_pool.h"

/* The taps of a window inside the image. */
struct enn_mve_window {
  int32_t rows, cols;
  int32_t step, line; /* bytes to the next tap, and from the first of a row to that of the next */
};

/* The largest of up to 16 channels. */
ENN_INLINE void enn_mve_largest(const struct enn_mve_window *t, const int8_t *x, int32_t count,
                                int8_t *y) {
#if ENN_HAS_MVE
  const int8_t *at;
  int32_t rows = t->rows;
  __asm__ volatile(
      " vctp.8 %[count]\n"
      " vmov.i8 q0, #0x80\n"
      "2: mov %[at], %[x]\n"
      " dls lr, %[cols]\n"
      "1: vpst\n"
      " vldrbt.u8 q1, [%[at]]\n"
      " vmax.s8 q0, q0, q1\n"
      " add %[at], %[at], %[step]\n"
      " le lr, 1b\n"
      " add %[x], %[x], %[line]\n"
      " subs %[rows], #1\n"
      " bne 2b\n"
      " vpst\n"
      " vstrbt.8 q0, [%[y]]\n"
      : [x] "+&r"(x), [at] "=&r"(at), [rows] "+&r"(rows)
      : [count] "r"(count), [cols] "r"(t->cols), [step] "r"(t->step), [line] "r"(t->line),
        [y] "r"(y)
      : "lr", "q0", "q1", "cc", "memory");
#else
  for (int32_t c = 0; c < count; c++) {
    int32_t best = INT8_MIN;
    for (int32_t u = 0; u < t->rows; u++) {
      for (int32_t v = 0; v < t->cols; v++) best = enn_max(best, x[u * t->line + v * t->step + c]);
    }
    y[c] = (int8_t)best;
  }
#endif
}

/* The sums of up to 8 channels; of the others, nothing. */
ENN_INLINE void enn_mve_sums(const struct enn_mve_window *t, const int8_t *x, int32_t count,
                             int16_t sums[8]) {
#if ENN_HAS_MVE
  const int8_t *at;
  int32_t rows = t->rows;
  __asm__ volatile(
      " vctp.16 %[count]\n"
      " vmov.i16 q0, #0\n"
      "2: mov %[at], %[x]\n"
      " dls lr, %[cols]\n"
      "1: vpst\n"
      " vldrbt.s16 q1, [%[at]]\n"
      " vadd.i16 q0, q0, q1\n"
      " add %[at], %[at], %[step]\n"
      " le lr, 1b\n"
      " add %[x], %[x], %[line]\n"
      " subs %[rows], #1\n"
      " bne 2b\n"
      " vstrh.16 q0, [%[sums]]\n"
      : [x] "+&r"(x), [at] "=&l"(at), [rows] "+&r"(rows)
      : [count] "r"(count), [cols] "r"(t->cols), [step] "r"(t->step), [line] "r"(t->line),
        [sums] "r"(sums)
      : "lr", "q0", "q1", "cc", "memory");
#else
  for (int32_t c = 0; c < count; c++) {
    int32_t acc = 0;
    for (int32_t u = 0; u < t->rows; u++) {
      for (int32_t v = 0; v < t->cols; v++) acc += x[u * t->line + v * t->step + c];
    }
    sums[c] = (int16_t)acc;
  }
#endif
}

/* How sums of a window become means: with n = |acc| + half < 2^15, n / taps = (2 n mult >> 16) >> right. */
struct enn_mve_division {
  int32_t taps, half, mult, right;
};

/* right = ceil(log2 taps), mult = ceil(2^(15 + right) / taps): exact for every n < 2^15. */
ENN_INLINE struct enn_mve_division enn_mve_division_by(int32_t taps) {
  const int32_t right = taps > 1 ? 32 - enn_leading_zeros((uint32_t)taps - 1u) : 0;
  return (struct enn_mve_division){
      taps, taps / 2, (((int32_t)1 << (15 + right)) + taps - 1) / taps, right};
}

/* The means of up to 8 channels from their sums; halves go away from zero. */
ENN_INLINE void enn_mve_divide(const struct enn_mve_division *d, const int16_t sums[8],
                               int32_t count, int8_t *y) {
#if ENN_HAS_MVE
  __asm__ volatile(
      " vctp.16 %[count]\n"
      " vldrh.u16 q0, [%[sums]]\n"
      " vdup.16 q2, %[mult]\n"
      " vabs.s16 q1, q0\n"
      " vadd.i16 q1, q1, %[half]\n"
      " vshl.i16 q1, q1, #1\n"
      " vmulh.u16 q1, q1, q2\n"
      " vshl.u16 q1, %[left]\n"
      " vshr.s16 q0, q0, #15\n"
      " veor q1, q1, q0\n"
      " vsub.i16 q1, q1, q0\n"
      " vpst\n"
      " vstrbt.16 q1, [%[y]]\n"
      :
      : [count] "r"(count), [sums] "l"(sums), [mult] "r"(d->mult), [half] "r"(d->half),
        [left] "r"(-d->right), [y] "l"(y)
      : "q0", "q1", "q2", "memory");
#else
  for (int32_t c = 0; c < count; c++) {
    const uint32_t n = (uint32_t)((sums[c] < 0 ? -sums[c] : sums[c]) + d->half);
    const int32_t mean = (int32_t)(2u * n * (uint32_t)d->mult >> 16 >> d->right);
    y[c] = (int8_t)(sums[c] < 0 ? -mean : mean);
  }
#endif
}

/* The mean of up to 8 channels. */
ENN_INLINE void enn_mve_means(const struct enn_mve_window *t, struct enn_mve_division *d,
                              const int8_t *x, int32_t count, int8_t *y) {
  int16_t sums[8];
  enn_mve_sums(t, x, count, sums);
  if (t->rows * t->cols != d->taps) *d = enn_mve_division_by(t->rows * t->cols);
  enn_mve_divide(d, sums, count, y);
}

/* `reduce` by so many channels; it may use `t`, `from`, `c` and `count`. */
#define ENN_MVE_POOL(lanes, reduce)                                                             \
  for (int32_t i = 0; i < p->out_h; i++) {                                                      \
    const int32_t top = i * p->stride_h - p->pad_top;                                           \
    const struct enn_taps rows = enn_clip_taps(top, p->kernel_h, 1, p->in_h);                   \
    for (int32_t j = 0; j < p->out_w; j++, y += p->channels) {                                  \
      const int32_t left = j * p->stride_w - p->pad_left;                                       \
      const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, 1, p->in_w);                \
      const struct enn_mve_window t = {rows.last - rows.first, cols.last - cols.first,          \
                                       p->channels, p->in_w * p->channels};                     \
      const int8_t *from = x + ((top + rows.first) * p->in_w + left + cols.first) * p->channels; \
      for (int32_t c = 0; c < p->channels; c += lanes) {                                        \
        const int32_t count = enn_min(p->channels - c, lanes);                                  \
        reduce;                                                                                 \
      }                           \
    }                                                                                           \
  }

ENN_INLINE void enn_max_pool2d_s8__mve(const ENN_CONST struct enn_pool2d_s8 *p, const int8_t *x,
                                       int8_t *y) {
  int8_t *const start = y;
  ENN_MVE_POOL(16, enn_mve_largest(&t, from + c, count, y + c))
  enn_mve_clamp(start, p->out_h * p->out_w * p->channels, p->clamp_min, p->clamp_max);
}

ENN_INLINE void enn_avg_pool2d_s8__mve(const ENN_CONST struct enn_pool2d_s8 *p, const int8_t *x,
                                       int8_t *y) {
  int8_t *const start = y;
  struct enn_mve_division d = {0, 0, 0, 0};
  ENN_MVE_POOL(8, enn_mve_means(&t, &d, from + c, count, y + c))
  enn_mve_clamp(start, p->out_h * p->out_w * p->channels, p->clamp_min, p->clamp_max);
}

#endif
