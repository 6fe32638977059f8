/* depthwise_conv2d K x 1 and 1 x K, stride 1, multiplier 1, int8, for Armv7E-M: a line at a time.
 *
 * y as enn_s8_conv.h says, for a window of one row or one column without dilation. A line, the pixels
 * of one channel along the window, is gathered into scratch as int16 less the zero point, with zeros
 * where its padding is. A word holds two neighbours: an output at an even place takes words with the
 * taps (w0 w1) (w2 w3) ..., its neighbour the same words with (0 w0) (w1 w2) ...: so SMLAD has two
 * taps to add in both. Four outputs read each word and each pair of taps once. Weights and bias are
 * doubled, as the requantization wants.
 *
 * Layout: w[channels][K], bytes. scratch: with n = ceil((K + 1) / 2) words of taps, 2 n words; then the
 * line, in_l + pads int16 and those that the last four outputs read behind it: 4-aligned,
 * 8 n + 2 (4 ceil(out_l / 4) + 2 n + 2) bytes.
 *
 * Block: 4 outputs x 2 taps = 8 MAC in 7 instructions: LDR of the next word, LDRD of both pairs, four
 * SMLAD; and the loop's two.
 *
 * y may be x: a line is written after all of it was read; where lines are shorter than those of x, they
 * lie where lines were that have been read. Accumulator: |acc| < 2^30 and shift in [-22, -1], proven by
 * the compiler. Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DEPTHWISE_LINE_DSP_H
#define ENN_S8_DEPTHWISE_LINE_DSP_H

#include "enn_dsp.h"
#include "enn_s8_conv.h"

/* Twice the taps, pair by pair for outputs at even and at odd places. */
ENN_INLINE void enn_line_taps(const ENN_CONST int8_t *w, int32_t count, int8_t *to) {
  int32_t before = 0;
  for (; count > 0; count -= 2, w += 2, to += 8) {
    const int32_t first = 2 * w[0], second = count > 1 ? 2 * w[1] : 0;
    enn_store32(to, enn_pair(first, second));
    enn_store32(to + 4, enn_pair(before, first));
    before = second;
  }
  if (count < 0) return;
  enn_store32(to, 0);
  enn_store32(to + 4, enn_pair(before, 0));
}

struct enn_line_sums {
  int32_t a, b, c, d;
};

/* Four neighbouring outputs, from `line` on: sums. */
ENN_INLINE struct enn_line_sums enn_line_sums_at(const int8_t *line, const int8_t *taps, int32_t words,
                                         int32_t twice_bias) {
  struct enn_line_sums s = {twice_bias, twice_bias, twice_bias, twice_bias};
  uint32_t x = enn_load32(line);
  do {
    const uint32_t even = enn_load32(taps), odd = enn_load32(taps + 4);
    s.a = enn_smlad(x, even, s.a);
    s.b = enn_smlad(x, odd, s.b);
    line += 4;
    x = enn_load32(line);
    s.c = enn_smlad(x, even, s.c);
    s.d = enn_smlad(x, odd, s.d);
    taps += 8;
  } while (--words > 0);
  return s;
}

ENN_INLINE int8_t enn_line_out(int32_t twice, int32_t mult, int32_t base, int32_t right) {
  return (int8_t)enn_ssat8(enn_smmlar(twice, mult, base + (twice >> 31)) >> right);
}

ENN_INLINE void enn_depthwise_conv2d_s8_line__dsp(const ENN_CONST struct enn_conv2d_s8 *p,
                                                  const int8_t *x, const ENN_CONST int8_t *w,
                                                  const ENN_CONST int32_t *bias,
                                                  const ENN_CONST int32_t *mult,
                                                  const ENN_CONST int8_t *shift, int8_t *scratch,
                                                  int8_t *y) {
  const int32_t channels = p->out_c, tall = p->kernel_w == 1;
  const int32_t taps = p->kernel_h * p->kernel_w, words = (taps + 2) / 2;
  const int32_t lines = tall ? p->out_w : p->out_h, length = tall ? p->out_h : p->out_w;
  const int32_t in_length = tall ? p->in_h : p->in_w;
  const int32_t along = tall ? p->in_w * channels : channels;
  const int32_t across_x = tall ? channels : p->in_w * channels;
  const int32_t across_y = tall ? channels : p->out_w * channels;
  const int32_t line_bytes = 2 * (((length + 3) & ~3) + 2 * words + 2);
  const uint32_t minus = enn_pair_of(-p->in_zero);
  int8_t *const line = scratch + 8 * words, *const inside = line + 2 * (tall ? p->pad_top : p->pad_left);
  for (int32_t i = 0; i < line_bytes; i += 4) enn_store32(line + i, 0);
  for (int32_t o = 0; o < channels; o++, w += taps) {
    const int32_t factor = mult[o], base = enn_narrow_base(shift[o], p->out_zero), right = -shift[o];
    enn_line_taps(w, taps, scratch);
    for (int32_t i = 0; i < lines; i++) {
      enn_gather_line(x + i * across_x + o, in_length, along, minus, inside);
      int8_t *to = y + i * across_y + o;
      const int8_t *from = line;
      for (int32_t left = length; left > 0; left -= 4, from += 8, to += 4 * along) {
        const struct enn_line_sums s = enn_line_sums_at(from, scratch, words, 2 * bias[o]);
        to[0] = enn_line_out(s.a, factor, base, right);
        if (left > 1) to[along] = enn_line_out(s.b, factor, base, right);
        if (left > 2) to[2 * along] = enn_line_out(s.c, factor, base, right);
        if (left > 3) to[3 * along] = enn_line_out(s.d, factor, base, right);
      }
    }
  }
  enn_clamp_written(y, p->out_h * p->out_w * channels, p->clamp_min, p->clamp_max);
}

#endif
