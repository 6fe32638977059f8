/* Mean over axes, int8, for Armv7E-M.
 *
 * y as enn_s8_reduce.h says; shift in [-22, -1]. Two SXTAB16 add four bytes to sums of int16: those of
 * four channels, or of one, whose elements are neighbours. At most 255 words are added at a time, and
 * then the sums go to int32. The last four channels overlap those before them where channels are no
 * multiple of 4; two or three channels are added one by one.
 *
 * Block: 4 channels x 1 element, or 4 elements of one channel, in 6 instructions; an output takes 10 to
 * requantize (enn_dsp.h).
 *
 * Accumulator: |acc| <= 255 n < 2^30, proven by the compiler. Order of reading: any.
 * Oracle: host/quant/interpret/pool.ts.
 */
#ifndef ENN_S8_MEAN_DSP_H
#define ENN_S8_MEAN_DSP_H

#include "enn_dsp.h"
#include "enn_s8_reduce.h"

#define ENN_MEAN_WORDS 255

/* The bytes of `count` words, `step` bytes apart, added to four sums. */
ENN_INLINE void enn_mean_words(const int8_t *x, int32_t count, int32_t step, int32_t *acc) {
  while (count > 0) {
    uint32_t even = 0, odd = 0;
    for (int32_t i = enn_min(count, ENN_MEAN_WORDS); i > 0; i--, x += step) {
      const uint32_t word = enn_load32(x);
      even = enn_add_even(even, word);
      odd = enn_add_odd(odd, word);
    }
    acc[0] += enn_low16(even);
    acc[1] += enn_low16(odd);
    acc[2] += (int32_t)even >> 16;
    acc[3] += (int32_t)odd >> 16;
    count -= ENN_MEAN_WORDS;
  }
}

/* The reduced elements of up to four channels. */
struct enn_mean_rows {
  int32_t rows, cols;
  int32_t step, line; /* bytes to the next element, and from the first of a row to that of the next */
};

ENN_INLINE void enn_mean_channels(const struct enn_mean_rows *t, const int8_t *x, int32_t channels,
                                  int32_t *acc) {
  for (int32_t i = t->rows; i > 0; i--, x += t->line) {
    if (channels == 4) {
      enn_mean_words(x, t->cols, t->step, acc);
      continue;
    }
    if (t->step == 1) {
      int32_t four[4] = {0};
      const int32_t words = t->cols / 4;
      enn_mean_words(x, words, 4, four);
      acc[0] += four[0] + four[1] + four[2] + four[3];
      for (int32_t k = 4 * words; k < t->cols; k++) acc[0] += x[k];
      continue;
    }
    for (int32_t c = 0; c < channels; c++) {
      const int8_t *at = x + c;
      for (int32_t k = t->cols; k > 0; k--, at += t->step) acc[c] += *at;
    }
  }
}

ENN_INLINE void enn_mean_s8__dsp(const ENN_CONST struct enn_mean_s8 *p, const int8_t *x,
                                 int8_t *y) {
  const int32_t inner = p->inner, middle = p->middle, together = enn_min(inner, 4);
  const int32_t row = p->reduce1 * inner; /* bytes */
  const int32_t mult = p->mult, right = -p->shift, base = enn_narrow_base(p->shift, p->out_zero);
  /* Rows without a gap are one. */
  const struct enn_mean_rows t = {
      .rows = middle == 1 ? 1 : p->reduce0,
      .cols = middle == 1 ? p->reduce0 * p->reduce1 : p->reduce1,
      .step = inner,
      .line = middle * row,
  };
  for (int32_t a = 0; a < p->outer; a++, x += p->reduce0 * middle * row) {
    const int8_t *from = x;
    for (int32_t b = 0; b < middle; b++, from += row, y += inner) {
      for (int32_t c = 0; c < inner; c += together) {
        const int32_t at = enn_min(c, inner - together);
        int32_t acc[4] = {0};
        enn_mean_channels(&t, from + at, together, acc);
        for (int32_t k = 0; k < together; k++)
          y[at + k] = (int8_t)enn_narrow(acc[k] - p->zero_sum, mult, base, right);
      }
    }
  }
}

#endif
