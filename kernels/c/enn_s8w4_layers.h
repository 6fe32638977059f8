/* conv2d, depthwise_conv2d and dense with int8 activations and weights of 4 bits.
 *
 * As enn_s8_conv.h and enn_s8_dense.h, with their parameters; weights have the same order, two to a
 * byte, the first in the low half, also from one row to the next.
 *
 * Accumulator: |acc| <= |bias| + 2040 taps in_c; proven per channel by the compiler.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8W4_LAYERS_H
#define ENN_S8W4_LAYERS_H

#include "enn_s8_conv.h"
#include "enn_s8_dense.h"

/* Element i of 4 bits. */
ENN_INLINE int32_t enn_nibble(const ENN_CONST int8_t *from, int32_t i) {
  const int32_t byte = from[i >> 1];
  return (i & 1) != 0 ? byte >> 4 : (int32_t)((uint32_t)byte << 28) >> 28;
}

#define ENN_T int8_t
#define ENN_W(w, i) enn_nibble(w, i)
#define ENN_ACC int32_t
#define ENN_OUT(acc, q) \
  enn_requantize(acc, mult[q], shift[q], p->out_zero, p->clamp_min, p->clamp_max)
#define ENN_F(op) enn_##op##_s8w4__ref
#include "enn_body_layers.h"
#undef ENN_T
#undef ENN_W
#undef ENN_ACC
#undef ENN_OUT
#undef ENN_F

#endif
