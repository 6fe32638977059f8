/* Mean over axes, int8.
 *
 * y[a][b][c] = clamp(out_zero + round(factor (sum x[a][r][b][s][c] - zero_sum)))
 *
 * Layout: x[outer][reduce0][middle][reduce1][inner], y[outer][middle][inner]; any two groups of
 * neighbouring axes take this form. zero_sum = in_zero n with n = reduce0 reduce1, and mult, shift
 * are x_scale / y_scale with 1 / n folded in (host/quant/interpret/params.ts: meanMultiplier).
 *
 * Accumulator: |acc| <= 255 n.
 * Oracle: host/quant/interpret/pool.ts.
 */
#ifndef ENN_S8_REDUCE_H
#define ENN_S8_REDUCE_H

#include "enn_fixed.h"

struct enn_mean_s8 {
  int32_t outer, reduce0, middle, reduce1, inner;
  int32_t zero_sum, out_zero;
  int32_t mult, shift;
};

#define ENN_T int8_t
#define ENN_F(op) enn_##op##_s8__ref
#define ENN_LEAST INT8_MIN
#define ENN_MOST INT8_MAX
#include "enn_body_reduce.h"
#undef ENN_T
#undef ENN_F
#undef ENN_LEAST
#undef ENN_MOST

#endif
