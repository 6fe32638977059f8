/* Mean over axes, int8, for Helium.
 *
 * y as enn_s8_reduce.h says; shift in [-22, -1]. Eight channels of the reduced elements are added as
 * int16, at most 255 of them at a time, then as int32; of one channel 16 neighbours are added by one
 * VADDVA.
 *
 * Block: 8 channels x 1 element in 5 instructions, or 16 elements of one channel in 3; four outputs are
 * requantized in 9 (enn_mve.h).
 *
 * Accumulator: |acc| <= 255 n < 2^31. Order of reading: any.
 * Oracle: host/quant/interpret/pool.ts.
 */
#ifndef ENN_S8_MEAN_MVE_H
#define ENN_S8_MEAN_MVE_H

#include "enn_s8_pool_mve.h"
#include "enn_s8_reduce.h"

#define ENN_MEAN_LANES 8
#define ENN_MEAN_MOST 255

/* The sum of neighbours. */
ENN_INLINE int32_t enn_mve_total(const int8_t *x, int32_t count, int32_t acc) {
#if ENN_HAS_MVE
  register int32_t sum __asm__("r2") = acc; /* an even register */
  __asm__ volatile(
      "wlstp.8 lr, %[n], 2f\n"
      "1: vldrb.u8 q0, [%[x]], #16\n"
      " vaddva.s8 %[sum], q0\n"
      " letp lr, 1b\n"
      "2:\n"
      : [x] "+&r"(x), [sum] "+&r"(sum)
      : [n] "r"(count)
      : "lr", "q0", "memory");
  return sum;
#else
  for (int32_t i = 0; i < count; i++) acc += x[i];
  return acc;
#endif
}

/* Sums as outputs. */
ENN_INLINE void enn_mve_mean_out(const ENN_CONST struct enn_mean_s8 *p, const int32_t *acc,
                                 int32_t count, int8_t *y) {
#if ENN_HAS_MVE
  __asm__ volatile(
      "wlstp.32 lr, %[n], 2f\n"
      "1: vldrw.u32 q0, [%[acc]], #16\n"
      " vqrdmulh.s32 q1, q0, %[mult]\n"
      " vshr.s32 q0, q0, #31\n"
      " vadd.i32 q1, q1, q0\n"
      " vrshl.s32 q1, %[shift]\n"
      " vadd.i32 q1, q1, %[zero]\n"
      " vqmovnb.s32 q1, q1\n"
      " vqmovnb.s16 q1, q1\n"
      " vstrb.32 q1, [%[y]], #4\n"
      " letp lr, 1b\n"
      "2:\n"
      : [acc] "+&l"(acc), [y] "+&l"(y)
      : [n] "r"(count), [mult] "r"(p->mult), [shift] "r"(p->shift), [zero] "r"(p->out_zero)
      : "lr", "q0", "q1", "memory");
#else
  for (int32_t i = 0; i < count; i++)
    y[i] = enn_requantize(acc[i], p->mult, p->shift, p->out_zero, INT8_MIN, INT8_MAX);
#endif
}

/* Sums of up to 8 channels over rows of elements. */
ENN_INLINE void enn_mve_mean_sums(struct enn_mve_window t, const int8_t *x, int32_t channels,
                                  int32_t *acc) {
  const int32_t cols = t.cols;
  for (int32_t row = t.rows; row > 0; row--, x += t.line) {
    const int8_t *from = x;
    for (int32_t left = cols; left > 0; left -= ENN_MEAN_MOST, from += ENN_MEAN_MOST * t.step) {
      int16_t sums[ENN_MEAN_LANES];
      t.rows = 1;
      t.cols = enn_min(left, ENN_MEAN_MOST);
      enn_mve_sums(&t, from, channels, sums);
      for (int32_t k = 0; k < channels; k++) acc[k] += sums[k];
    }
  }
}

ENN_INLINE void enn_mean_s8__mve(const ENN_CONST struct enn_mean_s8 *p, const int8_t *x,
                                 int8_t *y) {
  const int32_t inner = p->inner, middle = p->middle;
  const int32_t row = p->reduce1 * inner; /* bytes */
  /* Rows without a gap are one. */
  const struct enn_mve_window t = {
      .rows = middle == 1 ? 1 : p->reduce0,
      .cols = middle == 1 ? p->reduce0 * p->reduce1 : p->reduce1,
      .step = inner,
      .line = middle * row,
  };
  for (int32_t a = 0; a < p->outer; a++, x += p->reduce0 * middle * row) {
    const int8_t *from = x;
    for (int32_t b = 0; b < middle; b++, from += row) {
      for (int32_t c = 0; c < inner; c += ENN_MEAN_LANES) {
        const int32_t channels = enn_min(inner - c, ENN_MEAN_LANES);
        int32_t acc[ENN_MEAN_LANES];
        for (int32_t k = 0; k < channels; k++) acc[k] = -p->zero_sum;
        if (inner == 1) {
          const int8_t *at = from;
          for (int32_t r = t.rows; r > 0; r--, at += t.line)
            acc[0] = enn_mve_total(at, t.cols, acc[0]);
        } else {
          enn_mve_mean_sums(t, from + c, channels, acc);
        }
        enn_mve_mean_out(p, acc, channels, y);
        y += channels;
      }
    }
  }
}

#endif
