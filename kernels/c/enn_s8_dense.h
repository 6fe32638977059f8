/* Fully connected layer, int8.
 *
 * y[o] = clamp(out_zero + round(factor (bias[o] + sum (x[i] - in_zero) w[o][i])))
 *
 * Layout: x[in], w[out][in], y[out]; bias has `out` entries, zeros for a layer without one. With
 * per_axis = 0, mult and shift have one entry, and the scale product is rounded to float32 before the
 * division: factor = float32(x_scale w_scale) / y_scale. With per_axis = 1 they have `out` entries,
 * and the product is taken in double, as for convolutions.
 *
 * Accumulator: |acc| <= |bias| + 32640 in; proven per channel by the compiler.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DENSE_H
#define ENN_S8_DENSE_H

#include "enn_fixed.h"

struct enn_dense_s8 {
  int32_t in, out;
  int32_t per_axis;
  int32_t in_zero, out_zero;
  int32_t clamp_min, clamp_max;
};

ENN_INLINE void enn_dense_s8__ref(const ENN_CONST struct enn_dense_s8 *p, const int8_t *x,
                                  const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                  const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
                                  int8_t *y) {
  for (int32_t o = 0; o < p->out; o++) {
    const int32_t q = p->per_axis ? o : 0;
    int32_t acc = bias[o];
    for (int32_t i = 0; i < p->in; i++) acc += (x[i] - p->in_zero) * w[o * p->in + i];
    y[o] = enn_requantize(acc, mult[q], shift[q], p->out_zero, p->clamp_min, p->clamp_max);
  }
}

#endif
