/* Pooling, int8: max_pool2d and avg_pool2d. Input and output have one scale and zero point.
 *
 * max: y = clamp(max of the window); avg: y = clamp(round(mean of the window)), halves away from
 * zero, over the taps inside the image only. A window always has one (the verifier sees to it).
 *
 * Layout: x[in_h][in_w][channels], y[out_h][out_w][channels].
 * Accumulator: |acc| <= 128 kernel_h kernel_w.
 * Oracle: host/quant/interpret-pool.ts.
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

ENN_INLINE void enn_max_pool2d_s8__ref(const ENN_CONST struct enn_pool2d_s8 *p, const int8_t *x,
                                       int8_t *y) {
  for (int32_t i = 0; i < p->out_h; i++) {
    const int32_t top = i * p->stride_h - p->pad_top;
    const struct enn_taps rows = enn_clip_taps(top, p->kernel_h, 1, p->in_h);
    for (int32_t j = 0; j < p->out_w; j++) {
      const int32_t left = j * p->stride_w - p->pad_left;
      const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, 1, p->in_w);
      for (int32_t c = 0; c < p->channels; c++) {
        int32_t best = INT8_MIN;
        for (int32_t u = rows.first; u < rows.last; u++) {
          const int32_t row = (top + u) * p->in_w + left;
          for (int32_t v = cols.first; v < cols.last; v++)
            best = enn_max(best, x[(row + v) * p->channels + c]);
        }
        *y++ = enn_clamp_s8(best, p->clamp_min, p->clamp_max);
      }
    }
  }
}

ENN_INLINE void enn_avg_pool2d_s8__ref(const ENN_CONST struct enn_pool2d_s8 *p, const int8_t *x,
                                       int8_t *y) {
  for (int32_t i = 0; i < p->out_h; i++) {
    const int32_t top = i * p->stride_h - p->pad_top;
    const struct enn_taps rows = enn_clip_taps(top, p->kernel_h, 1, p->in_h);
    for (int32_t j = 0; j < p->out_w; j++) {
      const int32_t left = j * p->stride_w - p->pad_left;
      const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, 1, p->in_w);
      const int32_t count = (rows.last - rows.first) * (cols.last - cols.first);
      for (int32_t c = 0; c < p->channels; c++) {
        int32_t acc = 0;
        for (int32_t u = rows.first; u < rows.last; u++) {
          const int32_t row = (top + u) * p->in_w + left;
          for (int32_t v = cols.first; v < cols.last; v++) acc += x[(row + v) * p->channels + c];
        }
        /* C divides towards zero, so half of the count goes the way of the sign. */
        acc = (acc > 0 ? acc + count / 2 : acc - count / 2) / count;
        *y++ = enn_clamp_s8(acc, p->clamp_min, p->clamp_max);
      }
    }
  }
}

#endif
