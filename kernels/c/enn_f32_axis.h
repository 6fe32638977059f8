/*
 * enn_f32_axis.h: extremes over axes and along one axis. Formulas are those of host/ir/ops.ts;
 * oracle: test/reference/reference.ts.
 */
#ifndef ENN_F32_AXIS_H
#define ENN_F32_AXIS_H

#include "enn_f32_strided.h"

/* y = the largest (sign 1) or smallest (sign -1) x over axes; struct as for sums. */
ENN_INLINE void enn_extreme_f32(const enn_f32_reduce *p, float sign, const float *x, float *y) {
  const int32_t n = p->over.dims[ENN_LAST];
  const intptr_t sx = p->over.a[ENN_LAST], sy = p->over.b[ENN_LAST];
  enn_f32_set(y, p->outputs, -sign * __builtin_inff());
  ENN_FOR_ROWS(&p->over, at_x, at_y, {
    for (int32_t i = 0; i < n; i++) {
      const float v = x[at_x + i * sx];
      float *best = y + at_y + i * sy;
      if (sign * v > sign * *best) *best = v;
    }
  })
}

typedef struct {
  int32_t outer, n, inner; /* x[outer][n][inner], y[outer][inner] */
} enn_f32_axis;

/* y = the first index of the largest (sign 1) or smallest (sign -1) element, as a float. */
ENN_INLINE void enn_arg_extreme_f32(const enn_f32_axis *p, float sign, const float *x, float *y) {
  for (int32_t o = 0; o < p->outer; o++) {
    for (int32_t i = 0; i < p->inner; i++) {
      const float *column = x + (intptr_t)o * p->n * p->inner + i;
      int32_t best = 0;
      for (int32_t k = 1; k < p->n; k++) {
        const float v = column[(intptr_t)k * p->inner];
        if (sign * v > sign * column[(intptr_t)best * p->inner]) best = k;
      }
      y[(intptr_t)o * p->inner + i] = (float)best;
    }
  }
}

#endif
