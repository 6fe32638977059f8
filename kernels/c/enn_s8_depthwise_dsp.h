/* depthwise_conv2d, int8, multiplier 1, for Armv7E-M: four channels at a time, any window.
 *
 * y as enn_s8_conv.h says.
 *
 * Layout: w[ceil(channels / 4)][kernel_h][kernel_w][4], zeros behind the last channel; 4-aligned.
 *
 * Block: 4 channels x 1 tap = 4 MAC in 10 instructions: two loads, two SXTAB16 that widen x less its
 * zero point, two SXTB16 for the weights, four SMLABB/SMLATT. The products of one word belong to
 * different channels, so that SMLAD's sum is of no use here.
 *
 * Accumulator: |acc| < 2^30 and shift in [-22, -1], proven by the compiler; order of reading: a
 * pixel's window, channels ascending.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DEPTHWISE_DSP_H
#define ENN_S8_DEPTHWISE_DSP_H

#include "enn_dsp.h"
#include "enn_s8_conv.h"

/* Taps of a window inside the image: where they begin in x and w, and how far it is on. */
struct enn_depthwise_window {
  const int8_t *x;
  int32_t rows, cols;
  int32_t x_col, x_row; /* bytes to the next tap, and from the last of a row to the next row */
  int32_t w_first, w_row;
};

/* The last channels, fewer than four, as a word. */
ENN_INLINE uint32_t enn_some_bytes(const int8_t *x, int32_t count) {
  uint32_t word = 0;
  for (int32_t i = count - 1; i >= 0; i--) word = word << 8 | (uint8_t)x[i];
  return word;
}

/* One tap of four channels. */
ENN_INLINE void enn_depthwise_tap(uint32_t x, uint32_t w, uint32_t minus, int32_t acc[4]) {
  const uint32_t even = enn_add_even(minus, x), w_even = enn_even(w);
  acc[0] = enn_smlabb(even, w_even, acc[0]);
  acc[2] = enn_smlatt(even, w_even, acc[2]);
  const uint32_t odd = enn_add_odd(minus, x), w_odd = enn_odd(w);
  acc[1] = enn_smlabb(odd, w_odd, acc[1]);
  acc[3] = enn_smlatt(odd, w_odd, acc[3]);
}

/* Four channels of one pixel, or the last `count` of them. */
ENN_INLINE void enn_depthwise_four(const struct enn_depthwise_window *t, const int8_t *x,
                                   const ENN_CONST int8_t *w, uint32_t minus, int32_t acc[4]) {
  for (int32_t u = t->rows; u > 0; u--, x += t->x_row, w += t->w_row) {
    for (int32_t v = t->cols; v > 0; v--, x += t->x_col, w += 4)
      enn_depthwise_tap(enn_load32(x), enn_load32(w), minus, acc);
  }
}
ENN_INLINE void enn_depthwise_some(const struct enn_depthwise_window *t, const int8_t *x,
                                   const ENN_CONST int8_t *w, int32_t count, uint32_t minus,
                                   int32_t acc[4]) {
  for (int32_t u = t->rows; u > 0; u--, x += t->x_row, w += t->w_row) {
    for (int32_t v = t->cols; v > 0; v--, x += t->x_col, w += 4)
      enn_depthwise_tap(enn_some_bytes(x, count), enn_load32(w), minus, acc);
  }
}

ENN_INLINE int8_t enn_depthwise_out(int32_t zero, int32_t acc, int32_t mult, int32_t shift) {
  return (int8_t)enn_narrow(acc, mult, enn_narrow_base(shift, zero), -shift);
}

/* Where layers or rows that share tables of fewer than four channels share this function, gcc knows how
 * long the tables are, and not that the loop over fours is never entered. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Warray-bounds"
/* All channels of a pixel. */
ENN_INLINE void enn_depthwise_pixel(const ENN_CONST struct enn_conv2d_s8 *p,
                                    const struct enn_depthwise_window *t,
                                    const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                    const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
                                    int8_t *y) {
  const uint32_t minus = enn_pair_of(-p->in_zero);
  const int32_t group = 4 * p->kernel_h * p->kernel_w;
  const int32_t zero = p->out_zero;
  const int8_t *x = t->x;
  w += t->w_first;
  int32_t o = 0;
  for (; o + 4 <= p->out_c; o += 4, x += 4, w += group) {
    int32_t acc[4] = {bias[o], bias[o + 1], bias[o + 2], bias[o + 3]};
    enn_depthwise_four(t, x, w, minus, acc);
    y[o] = enn_depthwise_out(zero, acc[0], mult[o], shift[o]);
    y[o + 1] = enn_depthwise_out(zero, acc[1], mult[o + 1], shift[o + 1]);
    y[o + 2] = enn_depthwise_out(zero, acc[2], mult[o + 2], shift[o + 2]);
    y[o + 3] = enn_depthwise_out(zero, acc[3], mult[o + 3], shift[o + 3]);
  }
  if (o == p->out_c) return;
  int32_t acc[4] = {0, 0, 0, 0};
  enn_depthwise_some(t, x, w, p->out_c - o, minus, acc);
  for (int32_t i = 0; i < (p->out_c & 3); i++, o++)
    y[o] = enn_depthwise_out(zero, (int32_t)((uint32_t)acc[i] + (uint32_t)bias[o]), mult[o], shift[o]);
}

#pragma GCC diagnostic pop

ENN_INLINE void enn_depthwise_conv2d_s8__dsp(const ENN_CONST struct enn_conv2d_s8 *p,
                                             const int8_t *x, const ENN_CONST int8_t *w,
                                             const ENN_CONST int32_t *bias,
                                             const ENN_CONST int32_t *mult,
                                             const ENN_CONST int8_t *shift, int8_t *y) {
  const int32_t column_only = p->kernel_w == 1; /* its taps are one run: there is less to begin */
  for (int32_t i = 0; i < p->out_h; i++) {
    const int32_t top = i * p->stride_h - p->pad_top;
    const struct enn_taps rows = enn_clip_taps(top, p->kernel_h, p->dilation_h, p->in_h);
    for (int32_t j = 0; j < p->out_w; j++, y += p->out_c) {
      const int32_t left = j * p->stride_w - p->pad_left;
      const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, p->dilation_w, p->in_w);
      const int32_t row = top + rows.first * p->dilation_h;
      const int32_t column = left + cols.first * p->dilation_w;
      const int32_t taps = cols.last - cols.first;
      const int8_t none = taps == 0 || rows.last == rows.first;
      const struct enn_depthwise_window t = {
          .x = none ? x : x + (row * p->in_w + column) * p->in_c,
          .rows = column_only ? 1 : rows.last - rows.first,
          .cols = column_only ? (taps > 0 ? rows.last - rows.first : 0) : taps,
          .x_col = column_only ? p->dilation_h * p->in_w * p->in_c : p->dilation_w * p->in_c,
          .x_row = (p->dilation_h * p->in_w - taps * p->dilation_w) * p->in_c,
          .w_first = none ? 0 : 4 * (rows.first * p->kernel_w + cols.first),
          .w_row = 4 * (p->kernel_w - taps),
      };
      enn_depthwise_pixel(p, &t, w, bias, mult, shift, y);
    }
  }
  const int32_t count = p->out_h * p->out_w * p->out_c;
  enn_clamp_written(y - count, count, p->clamp_min, p->clamp_max);
}

#endif
