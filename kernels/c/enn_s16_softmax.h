/* Softmax over the last axis, int16, by two tables.
 *
 * y = round(32768 exp(x - max) / sum exp(x - max)): a difference becomes 65535 steps of `exps` for 10 by
 * mult and shift, its exponential is Q0.15, their sum Q16.15. The sum, less its leading bit, is the
 * argument of `inverse`, which is 1 / (1 + a). The output's scale is 1 / 32768.
 *
 * Layout: x[rows][classes], y[rows][classes], y may be x; exps and inverse have 513 points, 128 steps
 * apart, interpolated in between (host/quant/interpret/softmax-tables.ts).
 * Accumulator: the sum is below classes 2^15.
 * Oracle: host/quant/interpret/softmax.ts.
 */
#ifndef ENN_S16_SOFTMAX_H
#define ENN_S16_SOFTMAX_H

#include "enn_fixed.h"

struct enn_softmax_s16 {
  int32_t rows, classes;
  int32_t mult, shift;
};

/* The table's value at x, which is limited to int16. */
ENN_INLINE int32_t enn_lookup(const ENN_CONST int16_t *table, int32_t x) {
  const int32_t at = enn_min(enn_max(x, INT16_MIN), INT16_MAX);
  const int32_t index = 256 + (at >> 7);
  const int32_t base = table[index];
  return base + (((table[index + 1] - base) * (at & 0x7F) + 64) >> 7);
}

ENN_INLINE void enn_softmax_s16__ref(const ENN_CONST struct enn_softmax_s16 *p, const enn_s16 *x,
                                     const ENN_CONST int16_t *exps,
                                     const ENN_CONST int16_t *inverse, enn_s16 *y) {
  for (int32_t row = 0; row < p->rows; row++) {
    int32_t max = INT16_MIN;
    for (int32_t c = 0; c < p->classes; c++) max = enn_max(max, x[c]);
    int32_t sum = 0;
    for (int32_t c = 0; c < p->classes; c++) {
      const int32_t steps = enn_multiply(x[c] - max, p->mult, p->shift);
      const int32_t e = enn_lookup(exps, enn_max(steps, -65535) + INT16_MAX);
      y[c] = (int16_t)e;
      sum += e;
    }
    const int32_t zeros = enn_leading_zeros((uint32_t)sum);
    const int64_t wide = ((int64_t)sum << (zeros - 1)) + ((int64_t)1 << 13);
    const int32_t scale = enn_lookup(inverse, (int32_t)(wide >> 14) - (1 << 15) - (1 << 16));
    const int32_t right = 31 - zeros;
    for (int32_t c = 0; c < p->classes; c++) {
      const int32_t result = (y[c] * scale + ((int32_t)1 << (right - 1))) >> right;
      y[c] = (int16_t)enn_min(enn_max(result, 0), INT16_MAX);
    }
    x += p->classes;
    y += p->classes;
  }
}

#endif
