/* depthwise_conv2d 3x3, stride 1, multiplier 1, int8, for Armv7E-M: a channel at a time.
 *
 * y as enn_s8_conv.h says, with y of x's shape (pads add up to 2 on both axes). A channel's plane is gathered into scratch as int16
 * less the zero point, with zeros around it; a word then holds two neighbours, and SMLAD has two
 * taps of one channel to add. Lines of the plane are the rows of x, or its columns where those are
 * longer: there is less to begin and end. Weights and bias are doubled, as the requantization wants.
 *
 * Layout: w[channels][3][3], bytes. scratch: for the shorter side s and the longer side l of the
 * plane s + 2 lines of 2 ceil(l / 2) + 2 int16; 4-aligned.
 *
 * Block: 2 outputs x 9 taps = 18 MAC in 15 instructions: per line of the window LDRD of four
 * neighbours, and for each output SMLAD and a single product. Registers: the weights as six pairs,
 * three lines, two pairs, two accumulators.
 *
 * y may be x: a channel is written after all of it was read, and no other is touched.
 * Accumulator: |acc| < 2^30 and shift in [-22, -1], proven by the compiler.
 * Oracle: host/quant/interpret-conv.ts.
 */
#ifndef ENN_S8_DEPTHWISE_PLANE_DSP_H
#define ENN_S8_DEPTHWISE_PLANE_DSP_H

#include "enn_dsp.h"
#include "enn_s8_conv.h"

/* One line of a channel, `step` bytes from pixel to pixel. */
ENN_INLINE void enn_gather_line(const int8_t *x, int32_t count, int32_t step, uint32_t minus,
                               int8_t *to) {
  for (; count >= 4; count -= 4, x += 4 * step, to += 8) {
    const int8_t *half = x + 2 * step;
    enn_store32(to, enn_add_pairs(minus, enn_pair(x[0], x[step])));
    enn_store32(to + 4, enn_add_pairs(minus, enn_pair(half[0], half[step])));
  }
  for (; count > 0; count--, x += step, to += 2) {
    const uint32_t sum = enn_add_pairs(minus, enn_pair(x[0], 0));
    to[0] = (int8_t)(sum & 0xFFu);
    to[1] = (int8_t)(sum >> 8 & 0xFFu);
  }
}

/* Twice the nine taps of a channel: in each line the first two, and the last two. */
struct enn_taps3x3 {
  uint32_t first[3], last[3];
};

/* `along` and `across` are the steps in w from tap to tap of a line, and from line to line. */
ENN_INLINE struct enn_taps3x3 enn_pair_taps(const ENN_CONST int8_t *w, int32_t along,
                                            int32_t across) {
  struct enn_taps3x3 t;
  for (int32_t u = 0; u < 3; u++, w += across) {
    t.first[u] = enn_pair(2 * w[0], 2 * w[along]);
    t.last[u] = enn_pair(2 * w[along], 2 * w[2 * along]);
  }
  return t;
}

struct enn_channel {
  int32_t twice_bias, mult, base, right;
};

ENN_INLINE int8_t enn_plane_out(const struct enn_channel *c, int32_t twice) {
  return (int8_t)enn_ssat8(enn_smmlar(twice, c->mult, c->base + (twice >> 31)) >> c->right);
}

/* One line of outputs, `step` bytes from pixel to pixel; `line` is the first of three. */
ENN_INLINE void enn_plane_line(const int8_t *line, int32_t line_bytes, int32_t count, int32_t step,
                               const struct enn_taps3x3 *t, const struct enn_channel *c,
                               int8_t *y) {
  const int8_t *a = line, *b = a + line_bytes, *d = b + line_bytes;
  const uint32_t a01 = t->first[0], a12 = t->last[0], b01 = t->first[1], b12 = t->last[1];
  const uint32_t d01 = t->first[2], d12 = t->last[2];
  for (;; count -= 2) {
    uint32_t near, far;
    int32_t even = c->twice_bias, odd = even;
    enn_slide(&a, &near, &far);
    even = enn_smlabt(far, a12, enn_smlad(near, a01, even));
    odd = enn_smlad(far, a12, enn_smlatb(near, a01, odd));
    enn_slide(&b, &near, &far);
    even = enn_smlabt(far, b12, enn_smlad(near, b01, even));
    odd = enn_smlad(far, b12, enn_smlatb(near, b01, odd));
    enn_slide(&d, &near, &far);
    even = enn_smlabt(far, d12, enn_smlad(near, d01, even));
    odd = enn_smlad(far, d12, enn_smlatb(near, d01, odd));
    y[0] = enn_plane_out(c, even);
    if (count == 1) return;
    y[step] = enn_plane_out(c, odd);
    if (count == 2) return;
    y += 2 * step;
  }
}

ENN_INLINE void enn_depthwise_conv2d_s8_3x3plane__dsp(const ENN_CONST struct enn_conv2d_s8 *p,
                                                      const int8_t *x, const ENN_CONST int8_t *w,
                                                      const ENN_CONST int32_t *bias,
                                                      const ENN_CONST int32_t *mult,
                                                      const ENN_CONST int8_t *shift,
                                                      int8_t *scratch, int8_t *y) {
  const int32_t channels = p->out_c, row = p->out_w * channels;
  const int32_t tall = p->out_h > p->out_w;
  const int32_t lines = tall ? p->out_w : p->out_h, length = tall ? p->out_h : p->out_w;
  const int32_t along = tall ? row : channels, across = tall ? channels : row;
  const int32_t line_bytes = 4 * ((length + 1) / 2) + 4;
  const uint32_t minus = enn_pair_of(-p->in_zero);
  int8_t *const inside = scratch + (tall ? p->pad_left : p->pad_top) * line_bytes +
                         2 * (tall ? p->pad_top : p->pad_left);
  for (int32_t i = 0; i < (lines + 2) * line_bytes; i += 4) enn_store32(scratch + i, 0);
  for (int32_t o = 0; o < channels; o++, w += 9) {
    for (int32_t i = 0; i < lines; i++)
      enn_gather_line(x + i * across + o, length, along, minus, inside + i * line_bytes);
    const struct enn_taps3x3 taps = enn_pair_taps(w, tall ? 3 : 1, tall ? 1 : 3);
    const struct enn_channel c = {.twice_bias = 2 * bias[o],
                                  .mult = mult[o],
                                  .base = enn_narrow_base(shift[o], p->out_zero),
                                  .right = -shift[o]};
    for (int32_t i = 0; i < lines; i++)
      enn_plane_line(scratch + i * line_bytes, line_bytes, length, along, &taps, &c,
                     y + i * across + o);
  }
  enn_clamp_written(y, p->out_h * row, p->clamp_min, p->clamp_max);
}

#endif
