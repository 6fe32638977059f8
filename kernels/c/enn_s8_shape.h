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
 * Oracle: host/quant/interpret/shape.ts.
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

#define ENN_T int8_t
#define ENN_F(op) enn_##op##_s8__ref
#include "enn_body_shape.h"
#undef ENN_T
#undef ENN_F

#endif
