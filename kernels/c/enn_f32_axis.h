/*
 * enn_f32_axis.h: extremes over axes and along one axis, and discrete Fourier transforms along the
 * last axis. Formulas are those of host/ir/ops.ts; oracle: host/engine/reference.ts.
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

typedef struct {
  int32_t rows, n;
  float scale;       /* 1, or 1 / n for the inverse */
  float twiddles[];  /* n pairs: cos and sin of -2 pi k / n (2 pi k / n for the inverse) */
} enn_f32_fft;

/* The index with its bits turned round; n is a power of two. */
ENN_INLINE int32_t enn_f32_turned(int32_t i, int32_t n) {
  int32_t out = 0;
  for (int32_t bit = 1; bit < n; bit <<= 1, i >>= 1) out = (out << 1) | (i & 1);
  return out;
}

/* One row of a power of two: decimation in time, y by turned indices, then log2 n passes. */
ENN_INLINE void enn_f32_fft_row(const enn_f32_fft *p, const float *x, float *y) {
  for (int32_t i = 0; i < p->n; i++) {
    const int32_t from = enn_f32_turned(i, p->n);
    y[2 * i] = x[2 * from];
    y[2 * i + 1] = x[2 * from + 1];
  }
  for (int32_t half = 1; half < p->n; half *= 2) {
    for (int32_t first = 0; first < p->n; first += 2 * half) {
      for (int32_t k = 0; k < half; k++) {
        const float *w = p->twiddles + 2 * (p->n / (2 * half)) * k;
        float *a = y + 2 * (first + k), *b = a + 2 * half;
        const float re = w[0] * b[0] - w[1] * b[1], im = w[0] * b[1] + w[1] * b[0];
        b[0] = a[0] - re, b[1] = a[1] - im;
        a[0] += re, a[1] += im;
      }
    }
  }
}

/* One row of any length, by the definition. */
ENN_INLINE void enn_f32_dft_row(const enn_f32_fft *p, const float *x, float *y) {
  for (int32_t k = 0; k < p->n; k++) {
    float re = 0.0f, im = 0.0f;
    for (int32_t i = 0, at = 0; i < p->n; i++, at = (at + k) % p->n) {
      const float *w = p->twiddles + 2 * at;
      re += w[0] * x[2 * i] - w[1] * x[2 * i + 1];
      im += w[0] * x[2 * i + 1] + w[1] * x[2 * i];
    }
    y[2 * k] = re, y[2 * k + 1] = im;
  }
}

/* x[rows][n][2], real and imaginary parts, to y of the same shape; y is not x. */
ENN_INLINE void enn_fft_f32(const enn_f32_fft *p, const float *x, float *y) {
  const int fast = (p->n & (p->n - 1)) == 0;
  for (int32_t r = 0; r < p->rows; r++) {
    const intptr_t at = (intptr_t)r * p->n * 2;
    if (fast) {
      enn_f32_fft_row(p, x + at, y + at);
    } else {
      enn_f32_dft_row(p, x + at, y + at);
    }
    for (int32_t i = 0; i < 2 * p->n; i++) y[at + i] *= p->scale;
  }
}

#endif
