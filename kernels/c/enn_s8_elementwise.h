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
 * Oracle: host/quant/interpret/elementwise.ts.
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

#define ENN_T int8_t
#define ENN_F(op) enn_##op##_s8__ref
#define ENN_U int8_t
#define ENN_ADD_BITS 20
#include "enn_body_elementwise.h"
#include "enn_body_requantize.h"
#undef ENN_T
#undef ENN_F
#undef ENN_U
#undef ENN_ADD_BITS

#endif
