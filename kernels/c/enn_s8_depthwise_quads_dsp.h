/* depthwise_conv2d 3x3, multiplier 1, any stride, at least four channels, int8, for Armv7E-M: four
 * channels of a pixel at a time.
 *
 * y as enn_s8_conv.h says. A word of x is four channels of a tap. Two taps' words give their lower
 * halves to one word and their upper halves to another; widened, these are the pairs of taps of each
 * channel, for SMLAD. The weights of four channels are such pairs too, made once for all pixels, twice
 * their value, as the requantization wants. A window that reaches out of the image is copied, with
 * the zero point where nothing lies.
 *
 * Layout: w[ceil(channels / 4)][3][3][4], the last group being the last four channels; 4-aligned. The
 * bias is less in_zero times the sum of the weights.
 *
 * Block: 4 outputs of 9 taps = 36 MAC in 66 instructions: 14 for two taps (two LDR, PKHBT, PKHTB, two
 * LDRD of weights, four SXTB16, four SMLAD), 8 for the last one; 99 with requantization, store and
 * loop: 24.75 an output.
 *
 * y may be x where no output lies behind the first pixel of a window that comes after it: four channels
 * of all pixels are done before the next four, and touch no others; those of the last group that are
 * in another too are read before they are written.
 * Accumulator: |acc| < 2^30 and shift in [-22, -1], proven by the compiler.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DEPTHWISE_QUADS_DSP_H
#define ENN_S8_DEPTHWISE_QUADS_DSP_H

#include "enn_dsp.h"
#include "enn_s8_conv.h"

/* Four channels; the assembly knows where the weights lie. */
struct enn_quad {
  int32_t twice_bias[4];
  uint32_t pairs[4][4]; /* of each channel: taps 0 and 1, 3 and 4, 2 and 5, 6 and 7 of the window */
  uint32_t last[2];     /* tap 8 of channels 0 and 2, of 1 and 3 */
  struct {
    int32_t mult, base, right; /* enn_dsp.h */
  } factor[4];
  int8_t *y, *end;
  int32_t advance; /* from the third line of a window to the first of the next */
  int32_t saved;
};

/* Twice the weights of two taps of each channel. */
ENN_INLINE void enn_quad_pair(const ENN_CONST int8_t *w, int32_t first, int32_t second,
                              uint32_t *to) {
  for (int32_t i = 0; i < 4; i++)
    to[i] = enn_pair(2 * w[4 * first + i], 2 * w[4 * second + i]);
}

ENN_OUTLINE void enn_quad_start(struct enn_quad *t, const ENN_CONST int8_t *w,
                                const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult,
                                const ENN_CONST int8_t *shift, int32_t zero) {
  static const ENN_CONST int8_t taps[4][2] = {{0, 1}, {3, 4}, {2, 5}, {6, 7}};
  for (int32_t i = 0; i < 4; i++) enn_quad_pair(w, taps[i][0], taps[i][1], t->pairs[i]);
  t->last[0] = enn_pair(2 * w[32], 2 * w[34]);
  t->last[1] = enn_pair(2 * w[33], 2 * w[35]);
  for (int32_t i = 0; i < 4; i++) {
    t->twice_bias[i] = enn_shift_left(bias[i], 1);
    t->factor[i].mult = mult[i];
    t->factor[i].base = enn_narrow_base(shift[i], zero);
    t->factor[i].right = -shift[i];
  }
}

#if ENN_HAS_DSP
/* Two taps, in `a` and r10. */
#define ENN_QUAD_PAIR(a, at)                \
  " pkhbt r9, " a ", r10, lsl #16\n"        \
  " pkhtb r10, r10, " a ", asr #16\n"       \
  " ldrd r11, r12, [lr, #" at "]\n"         \
  " sxtb16 r7, r9\n"                        \
  " smlad r0, r7, r11, r0\n"                \
  " sxtb16 r7, r9, ror #8\n"                \
  " smlad r1, r7, r12, r1\n"                \
  " ldrd r11, r12, [lr, #" at "+8]\n"       \
  " sxtb16 r7, r10\n"                       \
  " smlad r2, r7, r11, r2\n"                \
  " sxtb16 r7, r10, ror #8\n"               \
  " smlad r3, r7, r12, r3\n"

#define ENN_QUAD_NEAR " ldr r7, [r4]\n ldr r10, [r4, r5]\n"

#define ENN_QUAD_OUT(acc)                 \
  " ldmia r12!, {r7-r9}\n"                \
  " add r8, r8, " acc ", asr #31\n"       \
  " smmlar " acc ", " acc ", r7, r8\n"    \
  " asr " acc ", " acc ", r9\n"           \
  " ssat " acc ", #8, " acc "\n"

#define ENN_AT_QUAD(field) [field] "i"(__builtin_offsetof(struct enn_quad, field))

_Static_assert(__builtin_offsetof(struct enn_quad, last) == 80, "the assembly has these offsets");

/* Outputs from t->y to t->end, `step` apart; x is the first tap of the first, columns are `step`
 * apart and rows `row`. r7 may be the compiler's frame pointer: it is kept by hand. */
ENN_OUTLINE void enn_quads(struct enn_quad *t, const int8_t *x, int32_t step, int32_t row) {
  register struct enn_quad *at __asm__("lr") = t;
  register const int8_t *from __asm__("r4") = x;
  register int32_t columns __asm__("r5") = step;
  register int32_t rows __asm__("r6") = row;
  __asm__ volatile(
      " str r7, [lr, %[saved]]\n"
      "1: ldmia lr, {r0-r3}\n"
      ENN_QUAD_NEAR ENN_QUAD_PAIR("r7", "16")
      " ldr r8, [r4, r5, lsl #1]\n"
      " add r4, r4, r6\n"
      ENN_QUAD_NEAR ENN_QUAD_PAIR("r7", "32")
      " ldr r10, [r4, r5, lsl #1]\n"
      ENN_QUAD_PAIR("r8", "48")
      " add r4, r4, r6\n"
      ENN_QUAD_NEAR ENN_QUAD_PAIR("r7", "64")
      " ldr r7, [r4, r5, lsl #1]\n"
      " ldrd r11, r12, [lr, #80]\n"
      " sxtb16 r9, r7\n"
      " smlabb r0, r9, r11, r0\n"
      " smlatt r2, r9, r11, r2\n"
      " sxtb16 r9, r7, ror #8\n"
      " smlabb r1, r9, r12, r1\n"
      " smlatt r3, r9, r12, r3\n"
      " add r12, lr, %[factor]\n"
      ENN_QUAD_OUT("r0") ENN_QUAD_OUT("r1") ENN_QUAD_OUT("r2") ENN_QUAD_OUT("r3")
      " bfi r0, r1, #8, #8\n"
      " bfi r2, r3, #8, #8\n"
      " ldrd r7, r9, [lr, %[y]]\n"
      " pkhbt r0, r0, r2, lsl #16\n"
      " ldr r8, [lr, %[advance]]\n"
      " str r0, [r7]\n"
      " add r7, r7, r5\n"
      " str r7, [lr, %[y]]\n"
      " add r4, r4, r8\n"
      " cmp r7, r9\n"
      " bne 1b\n"
      " ldr r7, [lr, %[saved]]\n"
      : "+r"(from)
      : "r"(at), "r"(columns), "r"(rows), ENN_AT_QUAD(factor), ENN_AT_QUAD(y),
        ENN_AT_QUAD(advance), ENN_AT_QUAD(saved)
      : "r0", "r1", "r2", "r3", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
}
#else
/* Two taps of four channels. */
ENN_INLINE void enn_quad_taps(uint32_t a, uint32_t b, const uint32_t pairs[4], int32_t acc[4]) {
  const uint32_t low = (a & 0xFFFFu) | b << 16, high = a >> 16 | (b & 0xFFFF0000u);
  acc[0] = enn_smlad(enn_even(low), pairs[0], acc[0]);
  acc[1] = enn_smlad(enn_odd(low), pairs[1], acc[1]);
  acc[2] = enn_smlad(enn_even(high), pairs[2], acc[2]);
  acc[3] = enn_smlad(enn_odd(high), pairs[3], acc[3]);
}
ENN_OUTLINE void enn_quads(struct enn_quad *t, const int8_t *x, int32_t step, int32_t row) {
  for (; t->y != t->end; t->y += step, x += t->advance + 2 * row) {
    uint32_t taps[9];
    for (int32_t i = 0; i < 9; i++) taps[i] = enn_load32(x + i / 3 * row + i % 3 * step);
    int32_t acc[4];
    for (int32_t i = 0; i < 4; i++) acc[i] = t->twice_bias[i];
    enn_quad_taps(taps[0], taps[1], t->pairs[0], acc);
    enn_quad_taps(taps[3], taps[4], t->pairs[1], acc);
    enn_quad_taps(taps[2], taps[5], t->pairs[2], acc);
    enn_quad_taps(taps[6], taps[7], t->pairs[3], acc);
    const uint32_t even = enn_even(taps[8]), odd = enn_odd(taps[8]);
    acc[0] = enn_smlabb(even, t->last[0], acc[0]);
    acc[1] = enn_smlabb(odd, t->last[1], acc[1]);
    acc[2] = enn_smlatt(even, t->last[0], acc[2]);
    acc[3] = enn_smlatt(odd, t->last[1], acc[3]);
    for (int32_t i = 0; i < 4; i++) {
      const int32_t base = t->factor[i].base + (acc[i] >> 31);
      t->y[i] = (int8_t)enn_ssat8(enn_smmlar(acc[i], t->factor[i].mult, base) >> t->factor[i].right);
    }
  }
}
#endif

/* One output, whose window begins at (top, left) and reaches out of the image. */
ENN_OUTLINE void enn_quad_edge(struct enn_quad *t, const ENN_CONST struct enn_conv2d_s8 *p,
                               const int8_t *x, int32_t top, int32_t left, int8_t *y) {
  uint32_t patch[9];
  const uint32_t zero = (uint32_t)(uint8_t)p->in_zero * 0x01010101u;
  uint32_t *to = patch;
  for (int32_t u = top; u < top + 3; u++) {
    const int8_t *from = x + (u * p->in_w + left) * p->in_c;
    for (int32_t v = left; v < left + 3; v++, from += p->in_c) {
      const int32_t outside = u < 0 || u >= p->in_h || v < 0 || v >= p->in_w;
      *to++ = outside ? zero : enn_load32(from);
    }
  }
  t->y = y;
  t->end = y + 4;
  enn_quads(t, (const int8_t *)patch, 4, 12);
}

/* A line of outputs: those inside in one go, the others one by one. x and y are at the group's first
 * channel. */
ENN_INLINE void enn_quad_line(struct enn_quad *t, const ENN_CONST struct enn_conv2d_s8 *p,
                              const int8_t *x, int32_t top, int32_t first, int32_t last,
                              int8_t *y) {
  const int32_t channels = p->in_c, row = p->in_w * channels;
  const int32_t inside = top >= 0 && top + 3 <= p->in_h;
  for (int32_t j = 0; j < p->out_w; j++, y += channels) {
    const int32_t left = j * p->stride_w - p->pad_left;
    if (inside && j >= first && j < last) {
      t->y = y;
      t->end = y + (last - j) * channels;
      enn_quads(t, x + top * row + left * channels, channels, row);
      y += (last - 1 - j) * channels;
      j = last - 1;
    } else {
      enn_quad_edge(t, p, x, top, left, y);
    }
  }
}

/* The same where the last `some` channels of the group alone are written. */
ENN_INLINE void enn_quad_line_some(struct enn_quad *t, const ENN_CONST struct enn_conv2d_s8 *p,
                                   const int8_t *x, int32_t top, int32_t some, int8_t *y) {
  for (int32_t j = 0; j < p->out_w; j++, y += p->in_c) {
    int8_t four[4];
    enn_quad_edge(t, p, x, top, j * p->stride_w - p->pad_left, four);
    for (int32_t i = 4 - some; i < 4; i++) y[i] = four[i];
  }
}

ENN_INLINE void enn_depthwise_conv2d_s8_3x3quads__dsp(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *y) {
  const int32_t channels = p->out_c, some = channels & 3;
  const int32_t first = (p->pad_left + p->stride_w - 1) / p->stride_w;
  const int32_t room = p->in_w - 3 + p->pad_left;
  const int32_t last = room < 0 ? 0 : enn_min(room / p->stride_w + 1, p->out_w);
  struct enn_quad t;
  t.advance = p->stride_w * channels - 2 * p->in_w * channels;
  if (some > 0) {
    const int32_t o = channels - 4;
    enn_quad_start(&t, w + channels / 4 * 36, bias + o, mult + o, shift + o, p->out_zero);
    for (int32_t i = 0; i < p->out_h; i++)
      enn_quad_line_some(&t, p, x + o, i * p->stride_h - p->pad_top, some,
                         y + i * p->out_w * channels + o);
  }
  for (int32_t o = 0; o + 4 <= channels; o += 4, w += 36) {
    enn_quad_start(&t, w, bias + o, mult + o, shift + o, p->out_zero);
    for (int32_t i = 0; i < p->out_h; i++)
      enn_quad_line(&t, p, x + o, i * p->stride_h - p->pad_top, first, last,
                    y + i * p->out_w * channels + o);
  }
  enn_clamp_written(y, p->out_h * p->out_w * channels, p->clamp_min, p->clamp_max);
}

#endif
