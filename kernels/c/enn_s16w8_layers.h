/* conv2d, depthwise_conv2d and dense with int16 activations and int8 weights.
 *
 * y[o] = clamp(round(mult[o] 2^(shift[o] - 15) (bias[o] + sum x[...] w[...])))
 *
 * rounded once, with multipliers of 15 bits: the reference adds in 64 bits. Zero points are 0. Layouts
 * and parameters are those of enn_s8_conv.h and enn_s8_dense.h; a bias fits 32 bits (quantizer).
 *
 * Accumulator: int32 where the compiler proves for every channel that its sums fit, else int64: the
 * kernels `wide`. Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S16W8_LAYERS_H
#define ENN_S16W8_LAYERS_H

#include "enn_s8_conv.h"
#include "enn_s8_dense.h"

#define ENN_T enn_s16
#define ENN_W(w, i) (w)[i]
#define ENN_OUT(acc, q) enn_requantize_wide(acc, mult[q], shift[q], p->clamp_min, p->clamp_max)

#define ENN_ACC int32_t
#define ENN_F(op) enn_##op##_s16w8__ref
#include "enn_body_layers.h"
#undef ENN_ACC
#undef ENN_F

#define ENN_ACC int64_t
#define ENN_F(op) enn_##op##_s16w8_wide__ref
#include "enn_body_layers.h"
#undef ENN_ACC
#undef ENN_F

#undef ENN_T
#undef ENN_W
#undef ENN_OUT

#endif
