/* conv2d, depthwise_conv2d and dense with int16 activations and int8 weights, for Armv7E-M.
 *
 * y as enn_s16w8_layers.h says, by mult[o] = multiplier 2^(17 + shift), shift in [-17, -1], or 0 for
 * sums that all round to 0: then round(acc mult / 2^32), halves upwards, is one SMMULR.
 *
 * Activations are pairs (enn_dsp.h) in memory already; only weights are widened. A word of weights has
 * the order 0, 2, 1, 3, so that its even bytes are the first pair.
 *
 * conv2d_cols4: four pixels at a time, as in enn_s8_conv_dsp.h. w[out_c][blocks][4], blocks =
 * ceil(kernel_h kernel_w in_c / 4), zeros behind the last tap. scratch: `blocks` of 32 bytes for the
 * columns, and of 8 bytes more where in_c is no multiple of 4. Order of reading: the windows of four
 * pixels, then their outputs.
 * depthwise_conv2d: out_c = in_c; w[ceil(in_c / 4)][kernel_h kernel_w][4]. Four channels of a tap are 4
 * MAC in 9 instructions and the loop's 5.
 * dense_rows4: out / 4 groups of w[blocks][4][4] (four inputs of four outputs), then the out % 4 outputs
 * that are left, w[blocks][4] each.
 *
 * All weights are 4-aligned. Accumulator: int32, proven by the compiler for every channel.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S16W8_DSP_H
#define ENN_S16W8_DSP_H

#include "enn_dot4_dsp.h"
#include "enn_s8_conv.h"
#include "enn_s8_dense.h"

/* An accumulator as an output within int16. */
#if ENN_HAS_DSP
ENN_INLINE int16_t enn_narrow_s16(int32_t acc, int32_t mult) {
  int32_t y;
  __asm__("smmulr %0, %1, %2\n ssat %0, #16, %0" : "=r"(y) : "r"(acc), "r"(mult));
  return (int16_t)y;
}
#else
ENN_INLINE int16_t enn_narrow_s16(int32_t acc, int32_t mult) {
  return (int16_t)enn_min(enn_max(enn_smmlar(acc, mult, 0), INT16_MIN), INT16_MAX);
}
#endif

/* x limited to int16. */
#if ENN_HAS_DSP
ENN_INLINE int16_t enn_limit_s16(int32_t x) {
  int32_t y;
  __asm__("ssat %0, #16, %1" : "=r"(y) : "r"(x));
  return (int16_t)y;
}
#else
ENN_INLINE int16_t enn_limit_s16(int32_t x) {
  return (int16_t)enn_min(enn_max(x, INT16_MIN), INT16_MAX);
}
#endif

/* The clamp of a layer, where it is narrower than int16: outputs that are already written. */
ENN_INLINE void enn_clamp_written_s16(enn_s16 *y, int32_t count, int32_t low, int32_t high) {
  if (low == INT16_MIN && high == INT16_MAX) return;
  for (int32_t i = 0; i < count; i++) y[i] = (int16_t)enn_min(enn_max(y[i], low), high);
}

/* A word at any element. */
ENN_INLINE uint32_t enn_pair_at(const enn_s16 *from) {
  uint32_t word;
  __builtin_memcpy(&word, from, sizeof word);
  return word;
}

/* Blocks of one pixel's column; zeros where `from` is null. */
ENN_INLINE int8_t *enn_spread(const enn_s16 *from, int32_t blocks, int8_t *to) {
  if (!from) {
    for (; blocks > 0; blocks--, to += ENN_DOT4_BYTES) {
      enn_store32(to, 0);
      enn_store32(to + 16, 0);
    }
    return to;
  }
  for (; blocks > 0; blocks--, from += 4, to += ENN_DOT4_BYTES) {
    enn_store32(to, enn_pair_at(from));
    enn_store32(to + 16, enn_pair_at(from + 2));
  }
  return to;
}

/* A run of a window: to the column where it has whole blocks, else one element after the other. */
ENN_INLINE int8_t *enn_window_run(const enn_s16 *from, int32_t count, int32_t whole, int8_t *to) {
  if (whole) return enn_spread(from, count / 4, to);
  enn_s16 *at = (enn_s16 *)(void *)to;
  for (; count > 0; count--) *at++ = from ? *from++ : (int16_t)0;
  return (int8_t *)at;
}

ENN_INLINE int8_t *enn_window_s16(const ENN_CONST struct enn_conv2d_s8 *p, const enn_s16 *x,
                                  int32_t top, int32_t left, int32_t whole, int8_t *to) {
  const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, p->dilation_w, p->in_w);
  const int32_t taps = cols.last - cols.first;
  const int32_t runs = p->dilation_w == 1 ? 1 : taps;
  const int32_t length = p->dilation_w == 1 ? taps * p->in_c : p->in_c;
  for (int32_t u = 0; u < p->kernel_h; u++) {
    const int32_t row = top + u * p->dilation_h;
    if (row < 0 || row >= p->in_h || taps == 0) {
      to = enn_window_run(0, p->kernel_w * p->in_c, whole, to);
      continue;
    }
    to = enn_window_run(0, cols.first * p->in_c, whole, to);
    for (int32_t r = 0; r < runs; r++) {
      const int32_t column = left + (cols.first + r) * p->dilation_w;
      to = enn_window_run(x + (row * p->in_w + column) * p->in_c, length, whole, to);
    }
    to = enn_window_run(0, (p->kernel_w - cols.last) * p->in_c, whole, to);
  }
  return to;
}

/* The columns of pixels [first, first + count), count in [1, 4]; the others are left as they are. */
ENN_INLINE void enn_columns_s16(const ENN_CONST struct enn_conv2d_s8 *p, const enn_s16 *x,
                                int32_t first, int32_t count, int32_t blocks, int8_t *scratch) {
  const int32_t whole = (p->in_c & 3) == 0;
  int8_t *const line = scratch + blocks * ENN_DOT4_BYTES;
  int32_t i = first / p->out_w, j = first - i * p->out_w;
  for (int32_t n = 0; n < count; n++) {
    const int32_t top = i * p->stride_h - p->pad_top, left = j * p->stride_w - p->pad_left;
    int8_t *const end = enn_window_s16(p, x, top, left, whole, whole ? scratch + 4 * n : line);
    if (!whole) {
      enn_window_run(0, -(p->kernel_h * p->kernel_w * p->in_c) & 3, 0, end);
      enn_spread((const enn_s16 *)(const void *)line, blocks, scratch + 4 * n);
    }
    if (++j == p->out_w) {
      i++;
      j = 0;
    }
  }
}

ENN_INLINE void enn_conv2d_s16w8_cols4__dsp(const ENN_CONST struct enn_conv2d_s8 *p,
                                            const enn_s16 *x, const ENN_CONST int8_t *w,
                                            const ENN_CONST int32_t *bias,
                                            const ENN_CONST int32_t *mult, int8_t *scratch,
                                            enn_s16 *y) {
  const int32_t blocks = (p->kernel_h * p->kernel_w * p->in_c + 3) / 4;
  const int32_t pixels = p->out_h * p->out_w, channels = p->out_c;
  /* Columns that the last pixels leave unused are computed and dropped: let them be numbers. */
  if (pixels < 4) {
    for (int32_t i = 0; i < blocks * ENN_DOT4_BYTES; i += 4) enn_store32(scratch + i, 0);
  }
  enn_s16 *at = y;
  for (int32_t first = 0; first < pixels; first += 4, at += 3 * channels) {
    const int32_t left = pixels - first;
    /* A pixel that is not there has the place of the first, which is written last. */
    const int32_t second = left > 1 ? channels : 0, third = left > 2 ? 2 * channels : 0,
                  fourth = left > 3 ? 3 * channels : 0;
    const ENN_CONST int8_t *weights = w;
    enn_columns_s16(p, x, first, enn_min(left, 4), blocks, scratch);
    for (int32_t o = 0; o < channels; o++, at++) {
      const struct enn_dot4 sum = enn_dot4(scratch, &weights, blocks, 0, bias[o]);
      const int32_t factor = mult[o];
      at[fourth] = enn_narrow_s16(sum.acc[3], factor);
      at[third] = enn_narrow_s16(sum.acc[2], factor);
      at[second] = enn_narrow_s16(sum.acc[1], factor);
      at[0] = enn_narrow_s16(sum.acc[0], factor);
    }
  }
  enn_clamp_written_s16(y, pixels * channels, p->clamp_min, p->clamp_max);
}

/* Pairs of the channels from x on, of which there are `count`, at most four. */
ENN_INLINE void enn_channel_pairs(const enn_s16 *x, int32_t count, uint32_t pair[2]) {
  if (count >= 4) {
    pair[0] = enn_pair_at(x);
    pair[1] = enn_pair_at(x + 2);
  } else {
    pair[0] = enn_pair(x[0], count > 1 ? x[1] : 0);
    pair[1] = enn_pair(count > 2 ? x[2] : 0, 0);
  }
}

/* One output pixel of `count` channels, at most four, from the first tap of x and w that is inside;
 * `row` and `next` lead from the end of a row of taps to the next one, in x and in w. */
struct enn_window_taps {
  int32_t rows, cols;
  int32_t step, row, next;
};

ENN_INLINE void enn_depthwise4_s16(const struct enn_window_taps *t, const enn_s16 *x,
                                   const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                   const ENN_CONST int32_t *mult, int32_t count, enn_s16 *y) {
  int32_t a = bias[0], b = count > 1 ? bias[1] : 0;
  int32_t c = count > 2 ? bias[2] : 0, d = count > 3 ? bias[3] : 0;
  for (int32_t u = t->rows; u > 0; u--, x += t->row, w += t->next) {
    for (int32_t v = t->cols; v > 0; v--, x += t->step, w += 4) {
      const uint32_t word = enn_load32(w);
      const uint32_t low = enn_even(word), high = enn_odd(word);
      uint32_t pair[2];
      enn_channel_pairs(x, count, pair);
      a = enn_smlabb(pair[0], low, a);
      b = enn_smlatt(pair[0], low, b);
      c = enn_smlabb(pair[1], high, c);
      d = enn_smlatt(pair[1], high, d);
    }
  }
  y[0] = enn_narrow_s16(a, mult[0]);
  if (count > 1) y[1] = enn_narrow_s16(b, mult[1]);
  if (count > 2) y[2] = enn_narrow_s16(c, mult[2]);
  if (count > 3) y[3] = enn_narrow_s16(d, mult[3]);
}

ENN_INLINE void enn_depthwise_conv2d_s16w8__dsp(const ENN_CONST struct enn_conv2d_s8 *p,
                                                const enn_s16 *x, const ENN_CONST int8_t *w,
                                                const ENN_CONST int32_t *bias,
                                                const ENN_CONST int32_t *mult, enn_s16 *y) {
  const int32_t channels = p->in_c, rest = channels & 3, taps = p->kernel_h * p->kernel_w;
  enn_s16 *at = y;
  for (int32_t i = 0; i < p->out_h; i++) {
    const int32_t top = i * p->stride_h - p->pad_top;
    const struct enn_taps rows = enn_clip_taps(top, p->kernel_h, p->dilation_h, p->in_h);
    for (int32_t j = 0; j < p->out_w; j++) {
      const int32_t left = j * p->stride_w - p->pad_left;
      const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, p->dilation_w, p->in_w);
      const int32_t inside = cols.last - cols.first, step = p->dilation_w * channels;
      const struct enn_window_taps t = {
          .rows = rows.last - rows.first,
          .cols = inside,
          .step = step,
          .row = p->dilation_h * p->in_w * channels - inside * step,
          .next = 4 * (p->kernel_w - inside),
      };
      const int32_t first = ((top + rows.first * p->dilation_h) * p->in_w + left) * channels;
      /* A window that lies outside has no first tap. */
      const enn_s16 *from = t.rows > 0 && inside > 0 ? x + first + cols.first * step : x;
      const ENN_CONST int8_t *weights = w + 4 * (rows.first * p->kernel_w + cols.first);
      int32_t c = 0;
      for (; c + 4 <= channels; c += 4, at += 4, weights += 4 * taps)
        enn_depthwise4_s16(&t, from + c, weights, bias + c, mult + c, 4, at);
      if (rest > 0) enn_depthwise4_s16(&t, from + c, weights, bias + c, mult + c, rest, at);
      at += rest;
    }
  }
  enn_clamp_written_s16(y, (int32_t)(at - y), p->clamp_min, p->clamp_max);
}

/* acc + four products. */
ENN_INLINE int32_t enn_dot_pairs(const uint32_t pair[2], const ENN_CONST int8_t *w, int32_t acc) {
  const uint32_t word = enn_load32(w);
  return enn_smlad(pair[1], enn_odd(word), enn_smlad(pair[0], enn_even(word), acc));
}

ENN_INLINE void enn_dense_s16w8_rows4__dsp(const ENN_CONST struct enn_dense_s8 *p,
                                           const enn_s16 *x, const ENN_CONST int8_t *w,
                                           const ENN_CONST int32_t *bias,
                                           const ENN_CONST int32_t *mult, enn_s16 *y) {
  const int32_t step = p->per_axis ? 1 : 0;
  uint32_t pair[2];
  enn_s16 *at = y;
  for (int32_t groups = p->out >> 2; groups > 0; groups--, at += 4, bias += 4, mult += 4 * step) {
    int32_t a = bias[0], b = bias[1], c = bias[2], d = bias[3];
    for (int32_t i = 0; i < p->in; i += 4, w += 16) {
      enn_channel_pairs(x + i, p->in - i, pair);
      a = enn_dot_pairs(pair, w, a);
      b = enn_dot_pairs(pair, w + 4, b);
      c = enn_dot_pairs(pair, w + 8, c);
      d = enn_dot_pairs(pair, w + 12, d);
    }
    at[0] = enn_narrow_s16(a, mult[0]);
    at[1] = enn_narrow_s16(b, mult[step]);
    at[2] = enn_narrow_s16(c, mult[2 * step]);
    at[3] = enn_narrow_s16(d, mult[3 * step]);
  }
  for (int32_t left = p->out & 3; left > 0; left--, mult += step) {
    int32_t acc = *bias++;
    for (int32_t i = 0; i < p->in; i += 4, w += 4) {
      enn_channel_pairs(x + i, p->in - i, pair);
      acc = enn_dot_pairs(pair, w, acc);
    }
    *at++ = enn_narrow_s16(acc, *mult);
  }
  enn_clamp_written_s16(y, p->out, p->clamp_min, p->clamp_max);
}

#endif
