/* Convolutions, int8: conv2d and depthwise_conv2d.
 *
 * y[i][j][o] = clamp(out_zero + round(factor[o] (bias[o] + sum (x[...] - in_zero) w[...])))
 *
 * with factor[o] = mult[o] 2^(shift[o] - 31). Taps outside the image add nothing: padding is the
 * zero point. The scale product is taken in double: factor = x_scale w_scale[o] / y_scale.
 *
 * Layout: x[in_h][in_w][in_c], y[out_h][out_w][out_c]; w[out_c][kernel_h][kernel_w][in_c] for
 * conv2d, w[kernel_h][kernel_w][out_c] for depthwise_conv2d, where out channel c M + m reads in
 * channel c and M = out_c / in_c. bias, mult and shift have out_c entries; the bias of a layer
 * without one is zeros.
 *
 * enn_conv2d_s8_border: outputs near the edges have a bias of their own. border[4] = {top, bottom,
 * left, right} says how many rows and columns at each edge have one each; all the others share one.
 * bias is [top + 1 + bottom][left + 1 + right][out_c]. The compiler makes such a layer where it drops
 * input channels that are constant and not the same everywhere, as behind padded layers.
 *
 * Accumulator: |x - in_zero| <= 255 and |w| <= 128, so |acc| <= |bias| + 32640 taps in_c; the
 * compiler proves a tighter bound per channel from the weights themselves.
 *
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_CONV_H
#define ENN_S8_CONV_H

#include "enn_window.h"

struct enn_conv2d_s8 {
  int32_t in_h, in_w, in_c;
  int32_t out_h, out_w, out_c;
  int32_t kernel_h, kernel_w;
  int32_t stride_h, stride_w;
  int32_t dilation_h, dilation_w;
  int32_t pad_top, pad_left;
  int32_t in_zero, out_zero;
  int32_t clamp_min, clamp_max;
};

/* acc + sum (x[i] - zero) w[i] */
ENN_INLINE int32_t enn_dot_s8(const int8_t *x, const ENN_CONST int8_t *w, int32_t n, int32_t zero,
                              int32_t acc) {
  for (int32_t i = 0; i < n; i++) acc += (x[i] - zero) * w[i];
  return acc;
}

/* The class of output row (or column) `at` of `size`, of which `first` and `last` have their own. */
ENN_INLINE int32_t enn_border_class(int32_t at, int32_t size, int32_t first, int32_t last) {
  return at < first ? at : first + enn_max(at - (size - last) + 1, 0);
}

/* The biases of output (i, j). */
ENN_INLINE const ENN_CONST int32_t *enn_border_bias(const ENN_CONST struct enn_conv2d_s8 *p,
                                                    const ENN_CONST int32_t *bias,
                                                    const ENN_CONST int32_t *border, int32_t i,
                                                    int32_t j) {
  const int32_t row = enn_border_class(i, p->out_h, border[0], border[1]);
  const int32_t column = enn_border_class(j, p->out_w, border[2], border[3]);
  return bias + (row * (border[2] + 1 + border[3]) + column) * p->out_c;
}

/* border is 0 where all outputs have the same bias. */
ENN_INLINE void enn_conv2d_s8_any(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                                  const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                  const ENN_CONST int32_t *border, const ENN_CONST int32_t *mult,
                                  const ENN_CONST int8_t *shift, int8_t *y) {
  const int32_t tap_row = p->kernel_w * p->in_c;
  for (int32_t i = 0; i < p->out_h; i++) {
    const int32_t top = i * p->stride_h - p->pad_top;
    const struct enn_taps rows = enn_clip_taps(top, p->kernel_h, p->dilation_h, p->in_h);
    for (int32_t j = 0; j < p->out_w; j++) {
      const int32_t left = j * p->stride_w - p->pad_left;
      const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, p->dilation_w, p->in_w);
      /* Without dilation, the taps of one row are neighbours in memory: one long run. */
      const int32_t taps = cols.last - cols.first;
      const int32_t runs = p->dilation_w == 1 ? (taps > 0) : taps;
      const int32_t length = p->dilation_w == 1 ? taps * p->in_c : p->in_c;
      const ENN_CONST int32_t *own = border ? enn_border_bias(p, bias, border, i, j) : bias;
      for (int32_t o = 0; o < p->out_c; o++) {
        int32_t acc = own[o];
        for (int32_t u = rows.first; u < rows.last; u++) {
          const int32_t x_row = (top + u * p->dilation_h) * p->in_w + left;
          const int32_t w_row = (o * p->kernel_h + u) * tap_row;
          for (int32_t r = 0; r < runs; r++) {
            const int32_t v = cols.first + r;
            acc = enn_dot_s8(x + (x_row + v * p->dilation_w) * p->in_c, w + w_row + v * p->in_c,
                             length, p->in_zero, acc);
          }
        }
        *y++ = enn_requantize(acc, mult[o], shift[o], p->out_zero, p->clamp_min, p->clamp_max);
      }
    }
  }
}

ENN_INLINE void enn_conv2d_s8__ref(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                                   const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                   const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
                                   int8_t *y) {
  enn_conv2d_s8_any(p, x, w, bias, 0, mult, shift, y);
}

ENN_INLINE void enn_conv2d_s8_border__ref(const ENN_CONST struct enn_conv2d_s8 *p,
                                          const int8_t *x, const ENN_CONST int8_t *w,
                                          const ENN_CONST int32_t *bias,
                                          const ENN_CONST int32_t *border,
                                          const ENN_CONST int32_t *mult,
                                          const ENN_CONST int8_t *shift, int8_t *y) {
  enn_conv2d_s8_any(p, x, w, bias, border, mult, shift, y);
}

ENN_INLINE void enn_depthwise_conv2d_s8__ref(const ENN_CONST struct enn_conv2d_s8 *p,
                                             const int8_t *x, const ENN_CONST int8_t *w,
                                             const ENN_CONST int32_t *bias,
                                             const ENN_CONST int32_t *mult,
                                             const ENN_CONST int8_t *shift, int8_t *y) {
  const int32_t multiplier = p->out_c / p->in_c;
  for (int32_t i = 0; i < p->out_h; i++) {
    const int32_t top = i * p->stride_h - p->pad_top;
    const struct enn_taps rows = enn_clip_taps(top, p->kernel_h, p->dilation_h, p->in_h);
    for (int32_t j = 0; j < p->out_w; j++) {
      const int32_t left = j * p->stride_w - p->pad_left;
      const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, p->dilation_w, p->in_w);
      for (int32_t c = 0; c < p->in_c; c++) {
        for (int32_t o = c * multiplier; o < (c + 1) * multiplier; o++) {
          int32_t acc = bias[o];
          for (int32_t u = rows.first; u < rows.last; u++) {
            const int32_t x_row = (top + u * p->dilation_h) * p->in_w + left;
            for (int32_t v = cols.first; v < cols.last; v++) {
              acc += (x[(x_row + v * p->dilation_w) * p->in_c + c] - p->in_zero) *
                     w[(u * p->kernel_w + v) * p->out_c + o];
            }
          }
          *y++ = enn_requantize(acc, mult[o], shift[o], p->out_zero, p->clamp_min, p->clamp_max);
        }
      }
    }
  }
}

#endif
