/* conv2d, int8, for Armv7E-M: four output pixels at a time over widened columns.
 *
 * y as enn_s8_conv.h says. The windows of four pixels are widened to int16 less the zero point, with
 * zeros where a tap falls into the padding, once for all output channels; then every output channel
 * reads its weights once for the four pixels.
 *
 * Layout: w[out_c][blocks][4] with blocks = ceil(kernel_h kernel_w in_c / 4), the taps of
 * w[kernel_h][kernel_w][in_c] in order, zeros behind the last; 4-aligned. A block of the columns is
 * eight words: the even pairs of the four pixels, then the odd pairs (enn_dsp.h). scratch holds
 * `blocks` of them, and 4 blocks bytes more where in_c is no multiple of 4: 36 blocks, 4-aligned.
 *
 * In cols4skip a channel with shift -128 is constant: its bias is the output, and it has no weights in
 * w. Networks that were trained with regularization have many such channels.
 *
 * Block: 1 channel x 4 pixels x 4 taps = 16 MAC in 13 instructions: LDR and two SXTB16 for the
 * weights, two LDM of four pairs, eight SMLAD. Registers: 4 accumulators, 4 pairs, weights, widened
 * weights, two pointers, the count.
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

/* Blocks of a pixel's run of bytes, less the zero point (`minus` is -zero twice). */
ENN_INLINE void enn_widen_block(const int8_t *from, uint32_t minus, int8_t *to) {
  const uint32_t word = enn_load32(from);
  enn_store32(to + 16, enn_add_odd(minus, word));
  enn_store32(to, enn_add_even(minus, word));
}
ENN_INLINE int8_t *enn_widen_run(const int8_t *from, int32_t blocks, uint32_t minus, int8_t *to) {
  for (; blocks >= 4; blocks -= 4, from += 16, to += 4 * ENN_COLUMN_BYTES) {
    enn_widen_block(from, minus, to);
    enn_widen_block(from + 4, minus, to + ENN_COLUMN_BYTES);
    enn_widen_block(from + 8, minus, to + 2 * ENN_COLUMN_BYTES);
    enn_widen_block(from + 12, minus, to + 3 * ENN_COLUMN_BYTES);
  }
  for (; blocks > 0; blocks--, from += 4, to += ENN_COLUMN_BYTES)
    enn_widen_block(from, minus, to);
  return to;
}

ENN_INLINE int8_t *enn_zero_run(int32_t blocks, int8_t *to) {
  for (; blocks > 0; blocks--, to += ENN_COLUMN_BYTES) {
    enn_store32(to, 0);
    enn_store32(to + 16, 0);
  }
  return to;
}

/* The window of one pixel, where in_c is a multiple of 4. */
ENN_INLINE void enn_window_column(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                                  int32_t top, int32_t left, uint32_t minus, int8_t *to) {
  const int32_t deep = p->in_c / 4;
  const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, p->dilation_w, p->in_w);
  const int32_t taps = cols.last - cols.first;
  const int32_t runs = p->dilation_w == 1 ? 1 : taps;
  const int32_t length = p->dilation_w == 1 ? taps * deep : deep;
  for (int32_t u = 0; u < p->kernel_h; u++) {
    const int32_t row = top + u * p->dilation_h;
    if (row < 0 || row >= p->in_h || taps == 0) {
      to = enn_zero_run(p->kernel_w * deep, to);
      continue;
    }
    to = enn_zero_run(cols.first * deep, to);
    for (int32_t r = 0; r < runs; r++) {
      const int32_t column = left + (cols.first + r) * p->dilation_w;
      to = enn_widen_run(x + (row * p->in_w + column) * p->in_c, length, minus, to);
    }
    to = enn_zero_run((p->kernel_w - cols.last) * deep, to);
  }
}

ENN_INLINE int8_t *enn_copy_run(const int8_t *from, int32_t count, int8_t *to) {
  for (; count >= 4; count -= 4, from += 4, to += 4) enn_store32(to, enn_load32(from));
  for (; count > 0; count--) *to++ = *from++;
  return to;
}

ENN_INLINE int8_t *enn_fill_run(int32_t zero, int32_t count, int8_t *to) {
  for (; count > 0; count--) *to++ = (int8_t)zero;
  return to;
}

/* The window of one pixel as bytes, the zero point where there is no tap. */
ENN_INLINE void enn_window_bytes(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                                 int32_t top, int32_t left, int8_t *to) {
  const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, p->dilation_w, p->in_w);
  const int32_t taps = cols.last - cols.first;
  const int32_t runs = p->dilation_w == 1 ? 1 : taps;
  const int32_t length = p->dilation_w == 1 ? taps * p->in_c : p->in_c;
  const int32_t total = p->kernel_h * p->kernel_w * p->in_c;
  for (int32_t u = 0; u < p->kernel_h; u++) {
    const int32_t row = top + u * p->dilation_h;
    if (row < 0 || row >= p->in_h || taps == 0) {
      to = enn_fill_run(p->in_zero, p->kernel_w * p->in_c, to);
      continue;
    }
    to = enn_fill_run(p->in_zero, cols.first * p->in_c, to);
    for (int32_t r = 0; r < runs; r++) {
      const int32_t column = left + (cols.first + r) * p->dilation_w;
      to = enn_copy_run(x + (row * p->in_w + column) * p->in_c, length, to);
    }
    to = enn_fill_run(p->in_zero, (p->kernel_w - cols.last) * p->in_c, to);
  }
  enn_fill_run(p->in_zero, -total & 3, to);
}

struct enn_four {
  int32_t acc[4];
};

#if ENN_HAS_DSP
#define ENN_DOT4_BLOCK            \
  " ldr r9, [%[w]], #4\n"         \
  " ldmia %[x]!, {r4-r6, r8}\n"   \
  " sxtb16 r10, r9\n"             \
  " smlad %[a], r4, r10, %[a]\n"  \
  " smlad %[b], r5, r10, %[b]\n"  \
  " smlad %[c], r6, r10, %[c]\n"  \
  " smlad %[d], r8, r10, %[d]\n"  \
  " ldmia %[x]!, {r4-r6, r8}\n"   \
  " sxtb16 r10, r9, ror #8\n"     \
  " smlad %[a], r4, r10, %[a]\n"  \
  " smlad %[b], r5, r10, %[b]\n"  \
  " smlad %[c], r6, r10, %[c]\n"  \
  " smlad %[d], r8, r10, %[d]\n"

#define ENN_DOT4_LOOP(blocks)                                                                  \
  __asm__ volatile("1:\n" blocks " subs %[n], #1\n bne 1b\n"                                   \
                   : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [x] "+r"(x),          \
                     [w] "+r"(w), [n] "+r"(n)                                                  \
                   :                                                                           \
                   : "r4", "r5", "r6", "r8", "r9", "r10", "cc", "memory")

/* One channel of four pixels: acc[i] + the column of pixel i times its weights, which are passed. */
ENN_INLINE struct enn_four enn_dot4(const int8_t *columns, const ENN_CONST int8_t **weights,
                                    int32_t blocks, int32_t bias) {
  /* Thirteen registers are in use: the compiler does not always find them by itself. */
  register int32_t a __asm__("r0") = bias;
  register int32_t b __asm__("r1") = bias;
  register int32_t c __asm__("r2") = bias;
  register int32_t d __asm__("r3") = bias;
  register const int8_t *x __asm__("r11") = columns;
  register const ENN_CONST int8_t *w __asm__("r12") = *weights;
  register int32_t n __asm__("lr") = blocks >> 2;
  if (n > 0) ENN_DOT4_LOOP(ENN_DOT4_BLOCK ENN_DOT4_BLOCK ENN_DOT4_BLOCK ENN_DOT4_BLOCK);
  n = blocks & 3;
  if (n > 0) ENN_DOT4_LOOP(ENN_DOT4_BLOCK);
  *weights = w;
  return (struct enn_four){{a, b, c, d}};
}
#else
ENN_INLINE struct enn_four enn_dot4(const int8_t *columns, const ENN_CONST int8_t **weights,
                                    int32_t blocks, int32_t bias) {
  const ENN_CONST int8_t *w = *weights;
  struct enn_four out = {{bias, bias, bias, bias}};
  for (; blocks > 0; blocks--, columns += ENN_COLUMN_BYTES, w += 4) {
    const uint32_t word = enn_load32(w);
    for (int32_t i = 0; i < 4; i++) {
      out.acc[i] = enn_smlad(enn_load32(columns + 4 * i), enn_even(word), out.acc[i]);
      out.acc[i] = enn_smlad(enn_load32(columns + 16 + 4 * i), enn_odd(word), out.acc[i]);
    }
  }
  *weights = w;
  return out;
}
#endif

/* The columns of pixels [first, first + count), count in [1, 4]; the others are left as they are.
 * One tap of whole words without padding has nothing to clip. */
ENN_INLINE void enn_columns(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                            int32_t first, int32_t count, int32_t blocks, int8_t *scratch) {
  const uint32_t minus = enn_pair_of(-p->in_zero);
  if (p->in_c == 4 * blocks && p->stride_h == 1 && p->stride_w == 1 && p->in_w == p->out_w &&
      p->in_h == p->out_h && p->pad_top == 0 && p->pad_left == 0) {
    for (int32_t n = 0; n < count; n++)
      enn_widen_run(x + (first + n) * p->in_c, blocks, minus, scratch + 4 * n);
    return;
  }
  int32_t i = first / p->out_w, j = first - i * p->out_w;
  for (int32_t n = 0; n < count; n++) {
    const int32_t top = i * p->stride_h - p->pad_top, left = j * p->stride_w - p->pad_left;
    if ((p->in_c & 3) == 0) {
      enn_window_column(p, x, top, left, minus, scratch + 4 * n);
    } else {
      int8_t *bytes = scratch + blocks * ENN_COLUMN_BYTES;
      enn_window_bytes(p, x, top, left, bytes);
      enn_widen_run(bytes, blocks, minus, scratch + 4 * n);
    }
    if (++j == p->out_w) {
      i++;
      j = 0;
    }
  }
}

/* All channels of up to four pixels, whose outputs are neighbours in memory. */
ENN_INLINE void enn_conv_pixels(const ENN_CONST struct enn_conv2d_s8 *p, int32_t skips,
                                int32_t count,
                                int32_t blocks, const int8_t *columns,
                                const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
                                int8_t *y) {
  const int32_t channels = p->out_c, zero = p->out_zero;
  int8_t *at = y;
  for (int8_t *const end = y + channels; at < end; at++) {
    const int32_t left = *shift++;
    if (skips && left == ENN_SKIPPED) {
      const int8_t constant = (int8_t)*bias++;
      for (int32_t i = 0; i < count; i++) at[i * channels] = constant;
      mult++;
      continue;
    }
    const struct enn_four sum = enn_dot4(columns, &w, blocks, *bias++);
    const int32_t factor = *mult++, right = -left;
    const int32_t base = enn_narrow_base(left, zero);
    at[0] = (int8_t)enn_narrow(sum.acc[0], factor, base, right);
    if (count > 1) at[channels] = (int8_t)enn_narrow(sum.acc[1], factor, base, right);
    if (count > 2) at[2 * channels] = (int8_t)enn_narrow(sum.acc[2], factor, base, right);
    if (count > 3) at[3 * channels] = (int8_t)enn_narrow(sum.acc[3], factor, base, right);
  }
  enn_clamp_written(y, count * p->out_c, p->clamp_min, p->clamp_max);
}

ENN_INLINE void enn_conv_cols4(const ENN_CONST struct enn_conv2d_s8 *p, int32_t skips,
                               const int8_t *x, const ENN_CONST int8_t *w,
                               const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult,
                               const ENN_CONST int8_t *shift, int8_t *scratch, int8_t *y) {
  const int32_t blocks = (p->kernel_h * p->kernel_w * p->in_c + 3) / 4;
  const int32_t pixels = p->out_h * p->out_w;
  /* Columns that the last pixels leave unused are computed and dropped: let them be numbers. */
  if (pixels < 4) {
    for (int32_t i = 0; i < blocks * ENN_COLUMN_BYTES; i += 4) enn_store32(scratch + i, 0);
  }
  int32_t first = 0;
  for (; first + 4 <= pixels; first += 4, y += 4 * p->out_c) {
    enn_columns(p, x, first, 4, blocks, scratch);
    enn_conv_pixels(p, skips, 4, blocks, scratch, w, bias, mult, shift, y);
  }
  if (first < pixels) {
    enn_columns(p, x, first, pixels - first, blocks, scratch);
    enn_conv_pixels(p, skips, pixels - first, blocks, scratch, w, bias, mult, shift, y);
  }
}

ENN_INLINE void enn_conv2d_s8_cols4__dsp(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                                         const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                         const ENN_CONST int32_t *mult,
                                         const ENN_CONST int8_t *shift, int8_t *scratch,
                                         int8_t *y) {
  enn_conv_cols4(p, 0, x, w, bias, mult, shift, scratch, y);
}

ENN_INLINE void enn_conv2d_s8_cols4skip__dsp(const ENN_CONST struct enn_conv2d_s8 *p,
                                             const int8_t *x, const ENN_CONST int8_t *w,
                                             const ENN_CONST int32_t *bias,
                                             const ENN_CONST int32_t *mult,
                                             const ENN_CONST int8_t *shift, int8_t *scratch,
                                             int8_t *y) {
  enn_conv_cols4(p, 1, x, w, bias, mult, shift, scratch, y);
}

#endif
