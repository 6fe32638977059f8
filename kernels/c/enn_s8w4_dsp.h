/* conv2d, depthwise_conv2d and dense with int8 activations and weights of 4 bits, for Armv7E-M.
 *
 * y as enn_s8w4_layers.h says.
 *
 * conv2d_cols4: the columns of enn_s8_columns_dsp.h times nibbles (enn_dot4_dsp.h).
 * w[out_c][words][4]: byte k of a word has tap 8 n + k in its upper half and tap 8 n + 4 + k in its
 * lower one, in the order of enn_s8_conv_dsp.h, zeros behind the last tap; the bias is 16 times that of the graph, as the sums are.
 * scratch: as there, for twice `words` blocks.
 * dense_rows4: out / 4 groups of w[words][4][4] (a word of each of four outputs), then the out % 4
 * outputs that are left, w[words][4] each; words as above. The bias is 16 times that of the graph, less
 * the input's zero point times the weights.
 * depthwise_conv2d, depthwise_conv2d_3x3plane(positive), depthwise_conv2d_3x3quads,
 * depthwise_conv2d_quads: weights are few: they are unpacked into scratch, and the
 * kernel for int8 does the rest. w has its order, two to a byte, the first in the lower half; `w` bytes of
 * scratch, rounded up to words, come first.
 *
 * All weights are 4-aligned. Accumulator: |acc| < 2^27 and shift in [-22, -1], proven by the compiler;
 * order of reading: as the kernels for int8.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8W4_DSP_H
#define ENN_S8W4_DSP_H

#include "enn_dot4_dsp.h"
#include "enn_s8_columns_dsp.h"
#include "enn_s8_dense.h"
#include "enn_s8_depthwise_any_dsp.h"
#include "enn_s8_depthwise_dsp.h"
#include "enn_s8_depthwise_plane_dsp.h"

/* A sum of 16 times the products as an output. */
ENN_INLINE int8_t enn_narrow_w4(int32_t acc, int32_t mult, int32_t shift, int32_t zero) {
  return (int8_t)enn_narrow(acc >> 4, mult, enn_narrow_base(shift, zero), -shift);
}

ENN_INLINE void enn_conv2d_s8w4_cols4__dsp(const ENN_CONST struct enn_conv2d_s8 *p,
                                           const int8_t *x, const ENN_CONST int8_t *w,
                                           const ENN_CONST int32_t *bias,
                                           const ENN_CONST int32_t *mult,
                                           const ENN_CONST int8_t *shift, int8_t *scratch,
                                           int8_t *y) {
  const int32_t blocks = (p->kernel_h * p->kernel_w * p->in_c + 3) / 4, words = (blocks + 1) / 2;
  const int32_t pixels = p->out_h * p->out_w, channels = p->out_c;
  /* What is computed from here and dropped, or meets weights of 0: let it be numbers. */
  for (int32_t i = 0; i < 2 * words * ENN_DOT4_BYTES; i += 4) enn_store32(scratch + i, 0);
  const struct enn_widening c = {.minus = enn_pair_of(-p->in_zero), .zero = p->in_zero};
  struct enn_pixels pixel;
  enn_pixels_start(&pixel, p, 4);
  int8_t *at = y;
  for (int32_t first = 0; first < pixels; first += 4, at += 3 * channels) {
    const int32_t left = pixels - first;
    /* A pixel that is not there has the place of the first, which is written last. */
    const int32_t second = left > 1 ? channels : 0, third = left > 2 ? 2 * channels : 0,
                  fourth = left > 3 ? 3 * channels : 0;
    const ENN_CONST int8_t *weights = w;
    enn_columns_pairs4(p, x, &pixel, enn_min(left, 4), blocks, &c, scratch);
    for (int32_t o = 0; o < channels; o++, at++) {
      const struct enn_dot4 sum = enn_dot4(scratch, &weights, words, 1, bias[o]);
      const int32_t factor = mult[o], right = -shift[o];
      const int32_t base = enn_narrow_base(shift[o], p->out_zero);
      at[fourth] = (int8_t)enn_narrow(sum.acc[3] >> 4, factor, base, right);
      at[third] = (int8_t)enn_narrow(sum.acc[2] >> 4, factor, base, right);
      at[second] = (int8_t)enn_narrow(sum.acc[1] >> 4, factor, base, right);
      at[0] = (int8_t)enn_narrow(sum.acc[0] >> 4, factor, base, right);
    }
  }
  enn_clamp_written(y, pixels * channels, p->clamp_min, p->clamp_max);
}

/* The bytes from x on, of which there are `count`, as a word; zeros behind them. */
ENN_INLINE uint32_t enn_word_of(const int8_t *x, int32_t count) {
  if (count >= 4) return enn_load32(x);
  uint32_t word = 0;
  for (int32_t i = count - 1; i >= 0; i--) word = word << 8 | (uint8_t)x[i];
  return word;
}

/* Eight inputs as pairs. */
struct enn_eight {
  uint32_t pair[4];
};

ENN_INLINE struct enn_eight enn_eight_of(const int8_t *x, int32_t count) {
  const uint32_t first = enn_word_of(x, count), second = enn_word_of(x + 4, count - 4);
  return (struct enn_eight){
      {enn_even(first), enn_odd(first), enn_even(second), enn_odd(second)}};
}

/* acc + 16 times eight products. */
ENN_INLINE int32_t enn_dot_eight(const struct enn_eight *x, const ENN_CONST int8_t *w,
                                 int32_t acc) {
  const uint32_t word = enn_load32(w);
  const uint32_t high = word & 0xF0F0F0F0u, low = word << 4 & 0xF0F0F0F0u;
  acc = enn_smlad(x->pair[0], enn_even(high), acc);
  acc = enn_smlad(x->pair[1], enn_odd(high), acc);
  acc = enn_smlad(x->pair[2], enn_even(low), acc);
  return enn_smlad(x->pair[3], enn_odd(low), acc);
}

ENN_INLINE void enn_dense_s8w4_rows4__dsp(const ENN_CONST struct enn_dense_s8 *p, const int8_t *x,
                                          const ENN_CONST int8_t *w,
                                          const ENN_CONST int32_t *bias,
                                          const ENN_CONST int32_t *mult,
                                          const ENN_CONST int8_t *shift, int8_t *y) {
  const int32_t step = p->per_axis ? 1 : 0, zero = p->out_zero;
  int8_t *at = y;
  for (int32_t groups = p->out >> 2; groups > 0; groups--, at += 4, bias += 4) {
    int32_t a = bias[0], b = bias[1], c = bias[2], d = bias[3];
    for (int32_t i = 0; i < p->in; i += 8, w += 16) {
      const struct enn_eight eight = enn_eight_of(x + i, p->in - i);
      a = enn_dot_eight(&eight, w, a);
      b = enn_dot_eight(&eight, w + 4, b);
      c = enn_dot_eight(&eight, w + 8, c);
      d = enn_dot_eight(&eight, w + 12, d);
    }
    at[0] = enn_narrow_w4(a, mult[0], shift[0], zero);
    at[1] = enn_narrow_w4(b, mult[step], shift[step], zero);
    at[2] = enn_narrow_w4(c, mult[2 * step], shift[2 * step], zero);
    at[3] = enn_narrow_w4(d, mult[3 * step], shift[3 * step], zero);
    mult += 4 * step;
    shift += 4 * step;
  }
  for (int32_t left = p->out & 3; left > 0; left--, mult += step, shift += step) {
    int32_t acc = *bias++;
    for (int32_t i = 0; i < p->in; i += 8, w += 4) {
      const struct enn_eight eight = enn_eight_of(x + i, p->in - i);
      acc = enn_dot_eight(&eight, w, acc);
    }
    *at++ = enn_narrow_w4(acc, *mult, *shift, zero);
  }
  enn_clamp_written(y, p->out, p->clamp_min, p->clamp_max);
}

/* `count` elements of 4 bits, even, one to a byte. Returns what is behind them, 4-aligned. */
ENN_INLINE int8_t *enn_unpack(const ENN_CONST int8_t *from, int32_t count, int8_t *to) {
  for (int32_t i = 0; i < count; i += 2) {
    const int32_t byte = *from++;
    to[i] = (int8_t)((int32_t)((uint32_t)byte << 28) >> 28);
    to[i + 1] = (int8_t)(byte >> 4);
  }
  return to + ((count + 3) & ~3);
}

ENN_INLINE void enn_depthwise_conv2d_s8w4__dsp(const ENN_CONST struct enn_conv2d_s8 *p,
                                               const int8_t *x, const ENN_CONST int8_t *w,
                                               const ENN_CONST int32_t *bias,
                                               const ENN_CONST int32_t *mult,
                                               const ENN_CONST int8_t *shift, int8_t *scratch,
                                               int8_t *y) {
  enn_unpack(w, p->kernel_h * p->kernel_w * ((p->out_c + 3) & ~3), scratch);
  enn_depthwise_conv2d_s8__dsp(p, x, scratch, bias, mult, shift, y);
}

ENN_INLINE void enn_depthwise_conv2d_s8w4_3x3plane__dsp(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *scratch, int8_t *y) {
  int8_t *const rest = enn_unpack(w, (9 * p->out_c + 1) & ~1, scratch);
  enn_depthwise_conv2d_s8_3x3plane__dsp(p, x, scratch, bias, mult, shift, rest, y);
}

ENN_INLINE void enn_depthwise_conv2d_s8w4_3x3planepositive__dsp(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *scratch, int8_t *y) {
  int8_t *const rest = enn_unpack(w, (9 * p->out_c + 1) & ~1, scratch);
  enn_depthwise_conv2d_s8_3x3planepositive__dsp(p, x, scratch, bias, mult, shift, rest, y);
}

ENN_INLINE void enn_depthwise_conv2d_s8w4_3x3quads__dsp(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *scratch, int8_t *y) {
  enn_unpack(w, 9 * ((p->out_c + 3) & ~3), scratch);
  enn_depthwise_conv2d_s8_3x3quads__dsp(p, x, scratch, bias, mult, shift, y);
}

ENN_INLINE void enn_depthwise_conv2d_s8w4_quads__dsp(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *scratch, int8_t *y) {
  const int32_t taps = p->kernel_h * p->kernel_w;
  int8_t *const rest = enn_unpack(w, taps * ((p->out_c + 3) & ~3), scratch);
  enn_depthwise_conv2d_s8_quads__dsp(p, x, scratch, bias, mult, shift, rest, y);
}

#endif
