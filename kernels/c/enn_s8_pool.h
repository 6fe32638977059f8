/* Pooling, int8: max_pool2d and avg_pool2d. Input and output have one scale and zero point.
 *
 * max: y = clamp(max of the window); avg: y = clamp(round(mean of the window)), halves away from
 * zero, over the taps inside the image only. A window always has one (the verifier sees to it).
 *
 * Layout: x[in_h][in_w][channels], y[out_h][out_w][channels].
 * Accumulator: |acc| <= 128 kernel_h kernel_w.
 * Oracle: host/quant/interpret/pool.ts.
 */
#ifndef ENN_S8_POOL_H
#define ENN_S8_POOL_H

#include "enn_window.h"

struct enn_pool2d_s8 {
  int32_t in_h, in_w;
  int32_t out_h, out_w;
  int32_t channels;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t pad_top, pad_left;
  int32_t clamp_min, clamp_max;
};

#define ENN_T int8_t
#define ENN_F(op) enn_##op##_s8__ref
#include "enn_body_pool.h"
#undef ENN_T
#undef ENN_F

#endif
