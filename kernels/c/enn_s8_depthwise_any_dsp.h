/* depthwise_conv2d of any window, multiplier 1, at least four channels, int8, for Armv7E-M: four
 * channels of a pixel at a time.
 *
 * As enn_s8_depthwise_quads_dsp.h, with loops over the rows of a window and over its pairs of taps; the
 * last tap of an odd number stands alone. A window that reaches out of the image is copied.
 *
 * Layout: w[ceil(channels / 4)][kernel_h][kernel_w][4], the last group being the last four channels;
 * 4-aligned. The bias is less in_zero times the sum of the weights. scratch, 4-aligned: the pairs of
 * four channels, 8 kernel_h (2 (kernel_w / 2) + kernel_w % 2) bytes, and a window of
 * 4 kernel_h kernel_w bytes.
 *
 * Block: 4 channels x 2 taps = 8 MAC in 15 instructions, 4 channels x 1 tap in 9; 2 for the loop, 7 a
 * row, 35 for four outputs.
 *
 * y may be x where enn_s8_depthwise_quads_dsp.h says so.
 * Accumulator: |acc| < 2^30 and shift in [-22, -1], proven by the compiler.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DEPTHWISE_ANY_DSP_H
#define ENN_S8_DEPTHWISE_ANY_DSP_H

#include "enn_s8_depthwise_quads_dsp.h"

/* Four channels; the assembly knows where the first fields lie, and loads neighbours together. */
struct enn_taps4 {
  int32_t twice_bias[4];
  struct {
    int32_t mult, base, right; /* enn_dsp.h */
  } factor[4];
  const int8_t *weights;
  int32_t rows;
  int32_t left;     /* rows of the window that is being summed */
  int32_t row_skip; /* from behind a row of the window to the next */
  int8_t *y, *end;
  int32_t y_step;
  int32_t advance; /* from below a window to the first tap of the next */
  int32_t pairs, odd;
  int32_t saved;
};

ENN_OUTLINE void enn_taps4_start(struct enn_taps4 *t, const ENN_CONST struct enn_conv2d_s8 *p,
                                 const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                 const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
                                 int8_t *scratch) {
  int8_t *to = scratch;
  for (int32_t u = 0; u < p->kernel_h; u++) {
    for (int32_t v = p->kernel_w >> 1; v > 0; v--, w += 8) {
      for (int32_t i = 0; i < 4; i++, to += 4) enn_store32(to, enn_pair(2 * w[i], 2 * w[4 + i]));
    }
    if (p->kernel_w & 1) {
      enn_store32(to, enn_pair(2 * w[0], 2 * w[2]));
      enn_store32(to + 4, enn_pair(2 * w[1], 2 * w[3]));
      w += 4;
      to += 8;
    }
  }
  t->weights = scratch;
  t->rows = p->kernel_h;
  t->pairs = p->kernel_w >> 1;
  t->odd = p->kernel_w & 1;
  for (int32_t i = 0; i < 4; i++) {
    t->twice_bias[i] = enn_shift_left(bias[i], 1);
    t->factor[i].mult = mult[i];
    t->factor[i].base = enn_narrow_base(shift[i], p->out_zero);
    t->factor[i].right = -shift[i];
  }
}

#if ENN_HAS_DSP
#define ENN_AT_TAPS(field) [field] "i"(__builtin_offsetof(struct enn_taps4, field))

/* Outputs from t->y to t->end; x is the first tap of the first, taps are `step` apart. r7 may be the
 * compiler's frame pointer: it is kept by hand. */
ENN_OUTLINE void enn_taps4(struct enn_taps4 *t, const int8_t *x, int32_t step) {
  register struct enn_taps4 *at __asm__("lr") = t;
  register const int8_t *from __asm__("r4") = x;
  register int32_t columns __asm__("r5") = step;
  __asm__ volatile(
      " str r7, [lr, %[saved]]\n"
      "1: ldmia lr, {r0-r3}\n"
      " ldrd r8, r6, [lr, %[weights]]\n"
      " str r6, [lr, %[left]]\n"
      "2: ldr r6, [lr, %[pairs]]\n"
      " cbz r6, 4f\n"
      "3: ldr r7, [r4]\n"
      " ldr r10, [r4, r5]\n"
      " add r4, r4, r5, lsl #1\n"
      " pkhbt r9, r7, r10, lsl #16\n"
      " pkhtb r10, r10, r7, asr #16\n"
      " ldrd r11, r12, [r8], #8\n"
      " sxtb16 r7, r9\n"
      " smlad r0, r7, r11, r0\n"
      " sxtb16 r7, r9, ror #8\n"
      " smlad r1, r7, r12, r1\n"
      " ldrd r11, r12, [r8], #8\n"
      " sxtb16 r7, r10\n"
      " smlad r2, r7, r11, r2\n"
      " sxtb16 r7, r10, ror #8\n"
      " smlad r3, r7, r12, r3\n"
      " subs r6, r6, #1\n"
      " bne 3b\n"
      "4: ldr r6, [lr, %[odd]]\n"
      " cbz r6, 5f\n"
      " ldr r7, [r4]\n"
      " add r4, r4, r5\n"
      " ldrd r11, r12, [r8], #8\n"
      " sxtb16 r9, r7\n"
      " smlabb r0, r9, r11, r0\n"
      " smlatt r2, r9, r11, r2\n"
      " sxtb16 r9, r7, ror #8\n"
      " smlabb r1, r9, r12, r1\n"
      " smlatt r3, r9, r12, r3\n"
      "5: ldrd r6, r7, [lr, %[left]]\n"
      " add r4, r4, r7\n"
      " subs r6, r6, #1\n"
      " str r6, [lr, %[left]]\n"
      " bne 2b\n"
      " add r12, lr, %[factor]\n"
      ENN_QUAD_OUT("r0") ENN_QUAD_OUT("r1") ENN_QUAD_OUT("r2") ENN_QUAD_OUT("r3")
      " bfi r0, r1, #8, #8\n"
      " bfi r2, r3, #8, #8\n"
      " ldrd r7, r9, [lr, %[y]]\n"
      " pkhbt r0, r0, r2, lsl #16\n"
      " ldrd r6, r8, [lr, %[y_step]]\n"
      " str r0, [r7]\n"
      " add r7, r7, r6\n"
      " str r7, [lr, %[y]]\n"
      " add r4, r4, r8\n"
      " cmp r7, r9\n"
      " bne 1b\n"
      " ldr r7, [lr, %[saved]]\n"
      : "+r"(from)
      : "r"(at), "r"(columns), ENN_AT_TAPS(factor), ENN_AT_TAPS(weights), ENN_AT_TAPS(left),
        ENN_AT_TAPS(y), ENN_AT_TAPS(y_step), ENN_AT_TAPS(pairs), ENN_AT_TAPS(odd),
        ENN_AT_TAPS(saved)
      : "r0", "r1", "r2", "r3", "r6", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
}
#else
ENN_OUTLINE void enn_taps4(struct enn_taps4 *t, const int8_t *x, int32_t step) {
  for (; t->y != t->end; t->y += t->y_step, x += t->advance) {
    const int8_t *w = t->weights;
    int32_t acc[4];
    for (int32_t i = 0; i < 4; i++) acc[i] = t->twice_bias[i];
    for (t->left = t->rows; t->left > 0; t->left--, x += t->row_skip) {
      for (int32_t n = t->pairs; n > 0; n--, x += 2 * step, w += 16) {
        uint32_t pairs[4];
        for (int32_t i = 0; i < 4; i++) pairs[i] = enn_load32(w + 4 * i);
        enn_quad_taps(enn_load32(x), enn_load32(x + step), pairs, acc);
      }
      if (!t->odd) continue;
      const uint32_t even = enn_even(enn_load32(x)), odd = enn_odd(enn_load32(x));
      acc[0] = enn_smlabb(even, enn_load32(w), acc[0]);
      acc[1] = enn_smlabb(odd, enn_load32(w + 4), acc[1]);
      acc[2] = enn_smlatt(even, enn_load32(w), acc[2]);
      acc[3] = enn_smlatt(odd, enn_load32(w + 4), acc[3]);
      x += step;
      w += 8;
    }
    for (int32_t i = 0; i < 4; i++) {
      const int32_t base = t->factor[i].base + (acc[i] >> 31);
      t->y[i] = (int8_t)enn_ssat8(enn_smmlar(acc[i], t->factor[i].mult, base) >> t->factor[i].right);
    }
  }
}
#endif

/* One output by way of a copy of its window, which begins at (top, left). */
ENN_OUTLINE void enn_taps4_edge(struct enn_taps4 *t, const ENN_CONST struct enn_conv2d_s8 *p,
                                const int8_t *x, int32_t top, int32_t left, int8_t *patch,
                                int8_t *y) {
  const uint32_t zero = enn_four_of(p->in_zero);
  const int32_t step = p->dilation_w * p->in_c;
  int8_t *to = patch;
  for (int32_t u = 0; u < p->kernel_h; u++, top += p->dilation_h) {
    const int8_t *from = x + (top * p->in_w + left) * p->in_c;
    const int32_t inside = top >= 0 && top < p->in_h;
    int32_t column = left;
    for (int32_t v = p->kernel_w; v > 0; v--, column += p->dilation_w, from += step, to += 4)
      enn_store32(to, inside && column >= 0 && column < p->in_w ? enn_load32(from) : zero);
  }
  t->row_skip = 0;
  t->y = y;
  t->end = y + t->y_step;
  enn_taps4(t, patch, 4);
}

/* A line of outputs: those inside in one go, the others one by one. x and y are at the group's first
 * channel; `some` channels of a last group alone are written. */
ENN_INLINE void enn_taps4_line(struct enn_taps4 *t, const ENN_CONST struct enn_conv2d_s8 *p,
                               const int8_t *x, int32_t top, int32_t first, int32_t last,
                               int32_t some, int8_t *patch, int8_t *y) {
  const int32_t channels = p->in_c, step = p->dilation_w * channels;
  const int32_t row = p->dilation_h * p->in_w * channels;
  const int32_t inside =
      some == 0 && top >= 0 && top + (p->kernel_h - 1) * p->dilation_h < p->in_h;
  for (int32_t j = 0; j < p->out_w; j++, y += channels) {
    const int32_t left = j * p->stride_w - p->pad_left;
    if (inside && j >= first && j < last) {
      t->row_skip = row - p->kernel_w * step;
      t->advance = p->stride_w * channels - p->kernel_h * row;
      t->y = y;
      t->end = y + (last - j) * channels;
      enn_taps4(t, x + (top * p->in_w + left) * channels, step);
      y += (last - 1 - j) * channels;
      j = last - 1;
    } else if (some == 0) {
      enn_taps4_edge(t, p, x, top, left, patch, y);
    } else {
      int8_t four[4];
      enn_taps4_edge(t, p, x, top, left, patch, four);
      for (int32_t i = 4 - some; i < 4; i++) y[i] = four[i];
    }
  }
}

ENN_INLINE void enn_depthwise_conv2d_s8_quads__dsp(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *scratch, int8_t *y) {
  const int32_t channels = p->out_c, taps = p->kernel_h * p->kernel_w;
  const int32_t first = (p->pad_left + p->stride_w - 1) / p->stride_w;
  const int32_t room = p->in_w - 1 - (p->kernel_w - 1) * p->dilation_w + p->pad_left;
  const int32_t last = room < 0 ? 0 : enn_min(room / p->stride_w + 1, p->out_w);
  int8_t *const patch = scratch + 8 * p->kernel_h * (2 * (p->kernel_w >> 1) + (p->kernel_w & 1));
  struct enn_taps4 t;
  t.y_step = channels;
  /* The last group comes first: it reads channels of the one before it. */
  for (int32_t group = channels >> 2; group >= 0; group--) {
    const int32_t some = group == channels >> 2 ? channels & 3 : 0;
    if (group == channels >> 2 && some == 0) continue;
    const int32_t o = enn_min(4 * group, channels - 4);
    enn_taps4_start(&t, p, w + 4 * group * taps, bias + o, mult + o, shift + o, scratch);
    for (int32_t i = 0; i < p->out_h; i++)
      enn_taps4_line(&t, p, x + o, i * p->stride_h - p->pad_top, first, last, some, patch,
                     y + i * p->out_w * channels + o);
  }
  enn_clamp_written(y, p->out_h * p->out_w * channels, p->clamp_min, p->clamp_max);
}

#endif
