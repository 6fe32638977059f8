/* Mean over axes, int8.
 *
 * y[a][b][c] = clamp(out_zero + round(factor (sum x[a][r][b][s][c] - zero_sum)))
 *
 * Layout: x[outer][reduce0][middle][reduce1][inner], y[outer][middle][inner]; any two groups of
 * neighbouring axes take this form. zero_sum = in_zero n with n = reduce0 reduce1, and mult, shift
 * are x_scale / y_scale with 1 / n folded in (host/quant/interpret-params.ts: meanMultiplier).
 *
 * Accumulator: |acc| <= 255 n.
 * Oracle: host/quant/interpret-pool.ts.
 */
#ifndef ENN_S8_REDUCE_H
#define ENN_S8_REDUCE_H

#include "enn_fixed.h"

struct enn_mean_s8 {
  int32_t outer, reduce0, middle, reduce1, inner;
  int32_t zero_sum, out_zero;
  int32_t mult, shift;
};

ENN_INLINE void enn_mean_s8__ref(const ENN_CONST struct enn_mean_s8 *p, const int8_t *x,
                                 int8_t *y) {
  for (int32_t a = 0; a < p->outer; a++) {
    for (int32_t b = 0; b < p->middle; b++) {
      for (int32_t c = 0; c < p->inner; c++) {
        int32_t acc = 0;
        for (int32_t r = 0; r < p->reduce0; r++) {
          const int32_t row = ((a * p->reduce0 + r) * p->middle + b) * p->reduce1;
          for (int32_t s = 0; s < p->reduce1; s++) acc += x[(row + s) * p->inner + c];
        }
        *y++ = enn_requantize(acc - p->zero_sum, p->mult, p->shift, p->out_zero, INT8_MIN, INT8_MAX);
      }
    }
  }
}

#endif
