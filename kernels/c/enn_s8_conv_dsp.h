/* conv2d, int8, for Armv7E-M: four output pixels at a time over widened columns.
 *
 * y as enn_s8_conv.h says. The windows of four pixels are widened to int16 less the zero point, with
 * zeros where a tap falls into the padding, once for all output channels; then every output channel
 * reads its weights once for the four pixels.
 *
 * Layout: w[out_c][blocks][4] with blocks = ceil(kernel_h kernel_w in_c / 4), the taps of
 * w[kernel_h][kernel_w][in_c] in order, zeros behind the last; 4-aligned. A block of the columns is
 * eight words: the even pairs of the four pixels, then the odd pairs (enn_dsp.h). scratch holds
 * `blocks` of them, and 4 blocks bytes more where in_c is no multiple of 4: 36 blocks, 4-aligned, as
 * x is.
 *
 * A channel with shift -128 is constant: its bias is the output, and it has no weights in w. Networks
 * that were trained with regularization have many such channels.
 *
 * cols4border: outputs near the edges have a bias of their own, as in enn_s8_conv.h. Each of the four
 * pixels then takes that of its class.
 *
 * Block: 1 channel x 4 pixels x 4 taps = 16 MAC in 13 instructions: LDR and two SXTB16 for the
 * weights, two LDM of four pairs, eight SMLAD. Registers: 4 accumulators, 4 pairs, weights, widened
 * weights, two pointers, the count. What a channel needs besides lies in memory: 50 instructions for
 * its four outputs.
 *
 * Accumulator: |acc| < 2^30 and shift in [-22, -1], proven by the compiler; order of reading:
 * the windows of four pixels, then their outputs.
 * Oracle: host/quant/interpret-conv.ts.
 */
#ifndef ENN_S8_CONV_DSP_H
#define ENN_S8_CONV_DSP_H

#include "enn_dsp.h"
#include "enn_s8_conv.h"

#define ENN_COLUMN_BYTES 32
#define ENN_SKIPPED (-128)

/* A column being filled: taps as pairs where they come by words (in_c a multiple of 4), else as bytes
 * that are widened together once they are all there. */
struct enn_column {
  int8_t *to;
  uint32_t minus; /* -in_zero, twice */
  int8_t zero;
  int8_t words;
};

/* A word of taps as two pairs less the zero point. */
ENN_INLINE void enn_widen_word(const int8_t *from, uint32_t minus, int8_t *to) {
  const uint32_t word = enn_load32(from);
  enn_store32(to + 16, enn_add_odd(minus, word));
  enn_store32(to, enn_add_even(minus, word));
}

#if ENN_HAS_DSP
#define ENN_WIDEN(word, at)                           \
  " sxtab16 r9, %[minus], " word "\n"                 \
  " sxtab16 " word ", %[minus], " word ", ror #8\n"   \
  " str r9, [%[to], #" at "]\n"                       \
  " str " word ", [%[to], #16+" at "]\n"

/* Four words: 18 instructions. */
ENN_INLINE void enn_widen_four(const int8_t **from, uint32_t minus, int8_t *to) {
  __asm__ volatile(" ldmia %[from]!, {r4-r6, r8}\n" ENN_WIDEN("r4", "0") ENN_WIDEN("r5", "32")
                       ENN_WIDEN("r6", "64") ENN_WIDEN("r8", "96")
                   : [from] "+r"(*from)
                   : [to] "r"(to), [minus] "r"(minus)
                   : "r4", "r5", "r6", "r8", "r9", "memory");
}
#else
ENN_INLINE void enn_widen_four(const int8_t **from, uint32_t minus, int8_t *to) {
  for (int32_t i = 0; i < 4; i++, *from += 4, to += ENN_COLUMN_BYTES)
    enn_widen_word(*from, minus, to);
}
#endif

/* Words of a 4-aligned run of taps; one copy of the loop serves all that fill columns. */
ENN_OUTLINE int8_t *enn_widen_run(const int8_t *from, int32_t words, uint32_t minus, int8_t *to) {
  for (; words >= 4; words -= 4, to += 4 * ENN_COLUMN_BYTES) enn_widen_four(&from, minus, to);
  for (; words > 0; words--, from += 4, to += ENN_COLUMN_BYTES) enn_widen_word(from, minus, to);
  return to;
}

ENN_OUTLINE int8_t *enn_copy_run(const int8_t *from, int32_t count, int8_t *to) {
  for (; count >= 4; count -= 4, from += 4, to += 4) enn_store32(to, enn_load32(from));
  for (; count > 0; count--) *to++ = *from++;
  return to;
}

/* `count` taps of the padding. */
ENN_OUTLINE void enn_column_padding(struct enn_column *c, int32_t count) {
  int8_t *to = c->to;
  if (c->words) {
    for (; count > 0; count -= 4, to += ENN_COLUMN_BYTES) {
      enn_store32(to, 0);
      enn_store32(to + 16, 0);
    }
  } else {
    for (; count > 0; count--) *to++ = c->zero;
  }
  c->to = to;
}

/* `count` taps of the image. */
ENN_INLINE void enn_column_run(struct enn_column *c, const int8_t *from, int32_t count) {
  c->to = c->words ? enn_widen_run(from, count >> 2, c->minus, c->to)
                   : enn_copy_run(from, count, c->to);
}

/* The window of one pixel. */
ENN_INLINE void enn_column_window(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                                  int32_t top, int32_t left, struct enn_column *c) {
  const int32_t row_bytes = p->in_w * p->in_c, line = p->kernel_w * p->in_c;
  const int32_t whole = p->dilation_w == 1 && left >= 0 && left + p->kernel_w <= p->in_w;
  /* A window that lies inside is one run a row, else its taps are looked at one by one. */
  const int32_t taps = whole ? 1 : p->kernel_w, run = whole ? line : p->in_c;
  for (int32_t u = 0; u < p->kernel_h; u++, top += p->dilation_h) {
    if (top < 0 || top >= p->in_h) {
      enn_column_padding(c, line);
      continue;
    }
    int32_t column = left;
    for (int32_t v = 0; v < taps; v++, column += p->dilation_w) {
      if (column < 0 || column >= p->in_w) enn_column_padding(c, run);
      else enn_column_run(c, x + top * row_bytes + column * p->in_c, run);
    }
  }
}

/* What the channels of a block of pixels need; the assembly loads neighbours together. */
struct enn_cols4 {
  const ENN_CONST int32_t *bias; /* of the first pixel */
  const int8_t *columns;
  const ENN_CONST int32_t *mult;
  const ENN_CONST int8_t *shift;
  int8_t *y, *end;
  int32_t second, third; /* from the output of the first pixel to that of the others */
  int32_t fourth;
  int32_t fours, rest; /* blocks, by four and the others */
  int32_t half;        /* 2 out_zero + 1 */
  int32_t special;     /* whether channels may be constant, or the biases of pixels differ */
  int32_t others[3];   /* bytes from the bias behind the first pixel's to those of the others */
  const ENN_CONST int8_t *w;
  int32_t saved;
};

#if ENN_HAS_DSP
#define ENN_DOT4_BLOCK           \
  " ldr r9, [r12], #4\n"         \
  " ldmia r11!, {r4-r6, r8}\n"   \
  " sxtb16 r10, r9\n"            \
  " smlad r0, r4, r10, r0\n"     \
  " smlad r1, r5, r10, r1\n"     \
  " smlad r2, r6, r10, r2\n"     \
  " smlad r3, r8, r10, r3\n"     \
  " ldmia r11!, {r4-r6, r8}\n"   \
  " sxtb16 r10, r9, ror #8\n"    \
  " smlad r0, r4, r10, r0\n"     \
  " smlad r1, r5, r10, r1\n"     \
  " smlad r2, r6, r10, r2\n"     \
  " smlad r3, r8, r10, r3\n"

/* enn_narrow of acc: r9 is its base, r6 its factor, r8 its right. */
#define ENN_NARROW4(acc)                  \
  " add r4, r9, " acc ", asr #31\n"       \
  " lsl " acc ", " acc ", #1\n"           \
  " smmlar " acc ", " acc ", r6, r4\n"    \
  " asr " acc ", " acc ", r8\n"           \
  " ssat " acc ", #8, " acc "\n"

#define ENN_AT(field) [field] "i"(__builtin_offsetof(struct enn_cols4, field))

/* The channels of four pixels. r7 may be the compiler's frame pointer: it is kept by hand. */
ENN_INLINE void enn_channels4(struct enn_cols4 *block) {
  register struct enn_cols4 *at __asm__("lr") = block;
  __asm__ volatile(
      " str r7, [lr, %[saved]]\n"
      " ldr r12, [lr, %[w]]\n"
      "1: ldrd r4, r11, [lr, %[bias]]\n"
      " ldr r7, [lr, %[special]]\n"
      " ldr r0, [r4], #4\n"
      " str r4, [lr, %[bias]]\n"
      " mov r1, r0\n mov r2, r0\n mov r3, r0\n"
      " cbz r7, 2f\n"
      " add r8, lr, %[others]\n"
      " ldmia r8, {r1-r3}\n"
      " ldr r1, [r4, r1]\n"
      " ldr r2, [r4, r2]\n"
      " ldr r3, [r4, r3]\n"
      " ldrd r4, r5, [lr, %[mult]]\n"
      " ldrsb r6, [r5], #1\n"
      " cmn r6, #128\n"
      " bne 2f\n"
      " adds r4, #4\n"
      " strd r4, r5, [lr, %[mult]]\n"
      " b 8f\n"
      "2: ldr r7, [lr, %[fours]]\n"
      " cmp r7, #0\n"
      " beq 4f\n"
      "3:\n" ENN_DOT4_BLOCK ENN_DOT4_BLOCK ENN_DOT4_BLOCK ENN_DOT4_BLOCK
      " subs r7, #1\n bne 3b\n"
      "4: ldr r7, [lr, %[rest]]\n"
      " cbz r7, 5f\n"
      "7:\n" ENN_DOT4_BLOCK " subs r7, #1\n bne 7b\n"
      "5: ldrd r4, r5, [lr, %[mult]]\n"
      " ldr r9, [lr, %[half]]\n"
      " ldr r6, [r4], #4\n"
      " ldrsb r8, [r5], #1\n"
      " strd r4, r5, [lr, %[mult]]\n"
      " mvn r10, r8\n"
      " neg r8, r8\n"
      " lsl r9, r9, r10\n"
      ENN_NARROW4("r0") ENN_NARROW4("r1") ENN_NARROW4("r2") ENN_NARROW4("r3")
      "8: ldrd r4, r5, [lr, %[y]]\n"
      " ldrd r6, r8, [lr, %[second]]\n"
      " ldr r9, [lr, %[fourth]]\n"
      /* A pixel that is not there has the place of the first, which is written last. */
      " strb r3, [r4, r9]\n"
      " strb r2, [r4, r8]\n"
      " strb r1, [r4, r6]\n"
      " strb r0, [r4], #1\n"
      " str r4, [lr, %[y]]\n"
      " cmp r4, r5\n"
      " bne 1b\n"
      " ldr r7, [lr, %[saved]]\n"
      :
      : "r"(at), ENN_AT(bias), ENN_AT(mult), ENN_AT(y), ENN_AT(second), ENN_AT(fourth),
        ENN_AT(fours), ENN_AT(rest), ENN_AT(half), ENN_AT(special), ENN_AT(others), ENN_AT(w), ENN_AT(saved)
      : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
}
#else
ENN_INLINE void enn_channels4(struct enn_cols4 *block) {
  const ENN_CONST int8_t *w = block->w;
  for (; block->y != block->end; block->y++) {
    const int32_t mult = *block->mult++, shift = *block->shift++;
    const ENN_CONST int32_t *const own = block->bias++;
    int32_t out[4] = {*own, *own, *own, *own};
    if (block->special)
      for (int32_t i = 0; i < 3; i++) out[i + 1] = own[block->others[i] / 4 + 1];
    if (!block->special || shift != ENN_SKIPPED) {
      const int8_t *columns = block->columns;
      for (int32_t n = 4 * block->fours + block->rest; n > 0; n--) {
        const uint32_t word = enn_load32(w);
        for (int32_t i = 0; i < 4; i++) {
          out[i] = enn_smlad(enn_load32(columns + 4 * i), enn_even(word), out[i]);
          out[i] = enn_smlad(enn_load32(columns + 16 + 4 * i), enn_odd(word), out[i]);
        }
        columns += ENN_COLUMN_BYTES;
        w += 4;
      }
      const int32_t base = enn_shift_left(block->half, -shift - 1);
      for (int32_t i = 0; i < 4; i++) out[i] = enn_narrow(out[i], mult, base, -shift);
    }
    block->y[block->fourth] = (int8_t)out[3];
    block->y[block->third] = (int8_t)out[2];
    block->y[block->second] = (int8_t)out[1];
    block->y[0] = (int8_t)out[0];
  }
}
#endif

/* A window inside the image as bytes; the last word of a line overlaps the one before it. What
 * follows the bytes up to a whole word has no weight. */
ENN_INLINE void enn_gather_window(const int8_t *from, int32_t lines, int32_t line, int32_t row,
                                  int8_t *to) {
  const int32_t last = line - 4;
  for (; lines > 0; lines--, from += row, to += line) {
    if (last >= 0) {
      for (int32_t n = 0; n < last; n += 4) enn_store32(to + n, enn_load32(from + n));
      enn_store32(to + last, enn_load32(from + last));
    } else {
      for (int32_t n = 0; n < line; n++) to[n] = from[n];
    }
  }
}

/* The columns of pixels [first, first + count), count in [1, 4]; the others are left as they are.
 * One tap of whole words without padding has nothing to clip. */
ENN_INLINE void enn_columns(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                            int32_t first, int32_t count, int32_t blocks, int8_t *scratch) {
  const uint32_t minus = enn_pair_of(-p->in_zero);
  int8_t *const bytes = scratch + blocks * ENN_COLUMN_BYTES;
  if (p->in_c == 4 * blocks && p->stride_h == 1 && p->stride_w == 1 && p->in_w == p->out_w &&
      p->in_h == p->out_h && p->pad_top == 0 && p->pad_left == 0) {
    x += first * p->in_c;
    for (int32_t n = 0; n < count; n++, x += p->in_c)
      enn_widen_run(x, blocks, minus, scratch + 4 * n);
    return;
  }
  const int32_t words = (p->in_c & 3) == 0, runs = !words && p->dilation_h == 1 && p->dilation_w == 1;
  const int32_t line = p->kernel_w * p->in_c, row = p->in_w * p->in_c;
  /* Windows that begin in [0, down] x [0, right] are runs of bytes. */
  const int32_t down = runs ? p->in_h - p->kernel_h : -1, right = p->in_w - p->kernel_w;
  int32_t i = first / p->out_w, j = first - i * p->out_w;
  for (int32_t n = 0; n < count; n++) {
    int8_t *const column = scratch + 4 * n;
    const int32_t top = i * p->stride_h - p->pad_top, left = j * p->stride_w - p->pad_left;
    if (top >= 0 && top <= down && left >= 0 && left <= right) {
      enn_gather_window(x + top * row + left * p->in_c, p->kernel_h, line, row, bytes);
    } else {
      struct enn_column c = {.to = words ? column : bytes,
                             .minus = minus,
                             .zero = (int8_t)p->in_zero,
                             .words = (int8_t)words};
      enn_column_window(p, x, top, left, &c);
    }
    if (!words) enn_widen_run(bytes, blocks, minus, column);
    if (++j == p->out_w) {
      i++;
      j = 0;
    }
  }
}

/* The biases of pixels [first, first + count); those of a pixel that is not there are the first's. */
ENN_INLINE void enn_border4(const ENN_CONST struct enn_conv2d_s8 *p,
                            const ENN_CONST int32_t *bias, const ENN_CONST int32_t *border,
                            int32_t first, int32_t count, struct enn_cols4 *block) {
  int32_t i = first / p->out_w, j = first - i * p->out_w;
  block->bias = enn_border_bias(p, bias, border, i, j);
  for (int32_t n = 1; n < count; n++) {
    if (++j == p->out_w) {
      i++;
      j = 0;
    }
    const int32_t on = (int32_t)(enn_border_bias(p, bias, border, i, j) - block->bias);
    block->others[n - 1] += 4 * on;
    block->special |= on != 0;
  }
}

/* border is 0 where all outputs have the same bias. */
ENN_OUTLINE void enn_conv_cols4(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                                const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                const ENN_CONST int32_t *border, const ENN_CONST int32_t *mult,
                                const ENN_CONST int8_t *shift, int8_t *scratch, int8_t *y) {
  const int32_t blocks = (p->kernel_h * p->kernel_w * p->in_c + 3) / 4;
  const int32_t pixels = p->out_h * p->out_w, channels = p->out_c;
  int8_t *const start = y;
  int32_t skips = 0;
  for (int32_t o = 0; o < channels; o++) skips |= shift[o] == ENN_SKIPPED;
  /* Columns that the last pixels leave unused are computed and dropped: let them be numbers. */
  if (pixels < 4) {
    for (int32_t i = 0; i < blocks * ENN_COLUMN_BYTES; i += 4) enn_store32(scratch + i, 0);
  }
  for (int32_t first = 0; first < pixels; first += 4, y += 4 * channels) {
    const int32_t left = pixels - first;
    enn_columns(p, x, first, enn_min(left, 4), blocks, scratch);
    struct enn_cols4 block = {
        .bias = bias,
        .columns = scratch,
        .mult = mult,
        .shift = shift,
        .y = y,
        .end = y + channels,
        .second = left > 1 ? channels : 0,
        .third = left > 2 ? 2 * channels : 0,
        .fourth = left > 3 ? 3 * channels : 0,
        .fours = blocks >> 2,
        .rest = blocks & 3,
        .half = 2 * p->out_zero + 1,
        .special = skips,
        .others = {-4, -4, -4},
        .w = w,
    };
    if (border) enn_border4(p, bias, border, first, enn_min(left, 4), &block);
    enn_channels4(&block);
  }
  enn_clamp_written(start, pixels * channels, p->clamp_min, p->clamp_max);
}

ENN_INLINE void enn_conv2d_s8_cols4__dsp(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                                         const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                         const ENN_CONST int32_t *mult,
                                         const ENN_CONST int8_t *shift, int8_t *scratch,
                                         int8_t *y) {
  enn_conv_cols4(p, x, w, bias, 0, mult, shift, scratch, y);
}

ENN_INLINE void enn_conv2d_s8_cols4border__dsp(const ENN_CONST struct enn_conv2d_s8 *p,
                                               const int8_t *x, const ENN_CONST int8_t *w,
                                               const ENN_CONST int32_t *bias,
                                               const ENN_CONST int32_t *border,
                                               const ENN_CONST int32_t *mult,
                                               const ENN_CONST int8_t *shift, int8_t *scratch,
                                               int8_t *y) {
  enn_conv_cols4(p, x, w, bias, border, mult, shift, scratch, y);
}

#endif
