/* Moving elements, int8: reshape, concat, pad.
 *
 * reshape copies `count` elements; x and y have one scale and zero point, and y may be x.
 *
 * concat is one call per input: x[outer][inner] goes to y[outer][stride], at `offset` within each
 * row of y, requantized as in enn_s8_elementwise.h. An input that has the output's scale and zero
 * point gets mult = 2^30 and shift = 1, which is exactly 1.
 *
 * pad: y[out[0]][out[1]][out[2]][out[3]] is `value` (the zero point) but for x[in[0]]...[in[3]] at
 * `before`.
 *
 * Oracle: host/quant/interpret-shape.ts.
 */
#ifndef ENN_S8_SHAPE_H
#define ENN_S8_SHAPE_H

#include "enn_fixed.h"

struct enn_reshape_s8 {
  int32_t count;
};

struct enn_concat_s8 {
  int32_t outer, inner;
  int32_t stride, offset;
  int32_t in_zero, out_zero;
  int32_t mult, shift;
  int32_t clamp_min, clamp_max;
};

struct enn_pad_s8 {
  int32_t in[4], before[4], out[4];
  int32_t value;
};

ENN_INLINE void enn_reshape_s8__ref(const ENN_CONST struct enn_reshape_s8 *p, const int8_t *x,
                                    int8_t *y) {
  if (x == y) return;
  for (int32_t i = 0; i < p->count; i++) y[i] = x[i];
}

ENN_INLINE void enn_concat_s8__ref(const ENN_CONST struct enn_concat_s8 *p, const int8_t *x,
                                   int8_t *y) {
  for (int32_t i = 0; i < p->outer; i++) {
    const int8_t *from = x + i * p->inner;
    int8_t *to = y + i * p->stride + p->offset;
    for (int32_t j = 0; j < p->inner; j++) {
      to[j] = enn_requantize(from[j] - p->in_zero, p->mult, p->shift, p->out_zero, p->clamp_min,
                             p->clamp_max);
    }
  }
}

ENN_INLINE void enn_pad_s8__ref(const ENN_CONST struct enn_pad_s8 *p, const int8_t *x, int8_t *y) {
  const int8_t value = (int8_t)p->value;
  for (int32_t i = 0; i < p->out[0]; i++) {
    const int32_t xi = i - p->before[0];
    for (int32_t j = 0; j < p->out[1]; j++) {
      const int32_t xj = j - p->before[1];
      for (int32_t k = 0; k < p->out[2]; k++) {
        const int32_t xk = k - p->before[2];
        const int inside = xi >= 0 && xi < p->in[0] && xj >= 0 && xj < p->in[1] && xk >= 0 &&
                           xk < p->in[2];
        const int32_t first = inside ? p->before[3] : p->out[3];
        const int32_t last = inside ? p->before[3] + p->in[3] : p->out[3];
        for (int32_t l = 0; l < first; l++) *y++ = value;
        for (int32_t l = first; l < last; l++)
          *y++ = x[((xi * p->in[1] + xj) * p->in[2] + xk) * p->in[3] + l - first];
        for (int32_t l = last; l < p->out[3]; l++) *y++ = value;
      }
    }
  }
}

#endif
