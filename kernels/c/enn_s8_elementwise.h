/* Element by element, int8: add, mul with broadcasting, and requantize, which is relu and relu6 too.
 *
 * add: y = clamp(out_zero + round(out_factor (round(a_factor (a - a_zero) 2^20)
 *                                            + round(b_factor (b - b_zero) 2^20))))
 *      a_factor = a_scale / (2 max(a_scale, b_scale)), b_factor likewise,
 *      out_factor = 2 max(a_scale, b_scale) / (2^20 y_scale)
 * mul: y = clamp(out_zero + round(factor (a - a_zero) (b - b_zero))), factor = a_scale b_scale / y_scale
 * requantize: y = clamp(out_zero + round(factor (x - in_zero))), factor = x_scale / y_scale
 *
 * Layout: y[dims[0]][dims[1]][dims[2]][dims[3]]; a and b are read at index . a_stride and
 * index . b_stride, in elements, 0 along a broadcast axis. Operands of one shape are dims
 * {1, 1, 1, n} with strides {0, 0, 0, 1}. y may be an operand that is not broadcast.
 *
 * Accumulator: add |sum| <= 255 2^20, mul |product| <= 255^2.
 * Oracle: host/quant/interpret-elementwise.ts.
 */
#ifndef ENN_S8_ELEMENTWISE_H
#define ENN_S8_ELEMENTWISE_H

#include "enn_fixed.h"

struct enn_add_s8 {
  int32_t dims[4], a_stride[4], b_stride[4];
  int32_t a_zero, b_zero, out_zero;
  int32_t a_mult, a_shift;
  int32_t b_mult, b_shift;
  int32_t out_mult, out_shift;
  int32_t clamp_min, clamp_max;
};

struct enn_mul_s8 {
  int32_t dims[4], a_stride[4], b_stride[4];
  int32_t a_zero, b_zero, out_zero;
  int32_t mult, shift;
  int32_t clamp_min, clamp_max;
};

struct enn_requantize_s8 {
  int32_t count;
  int32_t in_zero, out_zero;
  int32_t mult, shift;
  int32_t clamp_min, clamp_max;
};

/* Where row [i][j][k] of a broadcast operand begins. */
ENN_INLINE int32_t enn_row_at(const ENN_CONST int32_t *stride, int32_t i, int32_t j, int32_t k) {
  return i * stride[0] + j * stride[1] + k * stride[2];
}

ENN_INLINE void enn_add_s8__ref(const ENN_CONST struct enn_add_s8 *p, const int8_t *a,
                                const int8_t *b, int8_t *y) {
  for (int32_t i = 0; i < p->dims[0]; i++) {
    for (int32_t j = 0; j < p->dims[1]; j++) {
      for (int32_t k = 0; k < p->dims[2]; k++) {
        const int8_t *row_a = a + enn_row_at(p->a_stride, i, j, k);
        const int8_t *row_b = b + enn_row_at(p->b_stride, i, j, k);
        for (int32_t l = 0; l < p->dims[3]; l++) {
          const int32_t wide_a = (row_a[l * p->a_stride[3]] - p->a_zero) * ((int32_t)1 << 20);
          const int32_t wide_b = (row_b[l * p->b_stride[3]] - p->b_zero) * ((int32_t)1 << 20);
          const int32_t sum = enn_multiply(wide_a, p->a_mult, p->a_shift) +
                              enn_multiply(wide_b, p->b_mult, p->b_shift);
          *y++ = enn_requantize(sum, p->out_mult, p->out_shift, p->out_zero, p->clamp_min,
                                p->clamp_max);
        }
      }
    }
  }
}

ENN_INLINE void enn_mul_s8__ref(const ENN_CONST struct enn_mul_s8 *p, const int8_t *a,
                                const int8_t *b, int8_t *y) {
  for (int32_t i = 0; i < p->dims[0]; i++) {
    for (int32_t j = 0; j < p->dims[1]; j++) {
      for (int32_t k = 0; k < p->dims[2]; k++) {
        const int8_t *row_a = a + enn_row_at(p->a_stride, i, j, k);
        const int8_t *row_b = b + enn_row_at(p->b_stride, i, j, k);
        for (int32_t l = 0; l < p->dims[3]; l++) {
          const int32_t product = (row_a[l * p->a_stride[3]] - p->a_zero) *
                                  (row_b[l * p->b_stride[3]] - p->b_zero);
          *y++ = enn_requantize(product, p->mult, p->shift, p->out_zero, p->clamp_min, p->clamp_max);
        }
      }
    }
  }
}

/* y may be x. */
ENN_INLINE void enn_requantize_s8__ref(const ENN_CONST struct enn_requantize_s8 *p, const int8_t *x,
                                       int8_t *y) {
  for (int32_t i = 0; i < p->count; i++) {
    y[i] = enn_requantize(x[i] - p->in_zero, p->mult, p->shift, p->out_zero, p->clamp_min,
                          p->clamp_max);
  }
}

#endif
