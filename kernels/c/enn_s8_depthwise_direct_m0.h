/* depthwise_conv2d, int8, one output per channel, for Armv6-M: pixel by pixel, for planes too small to be
 * gathered channel by channel.
 *
 * y as enn_s8_conv.h says, without dilation along rows. Only taps inside the image are read, so the zero
 * point is taken off each x; the bias is less the origin of the levels (enn_m0.h).
 *
 * Layout: w[kernel_h][kernel_w][channels]: one register counts the taps of a row in x and in w.
 *
 * Block: 1 channel x 1 tap in 8 instructions: two LDRSB, SUBS, MULS, ADDS, ADDS, CMP, BNE.
 *
 * Accumulator: |acc| < 2^30, proven by the compiler. Order of reading: a pixel's window, channels
 * ascending.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DEPTHWISE_DIRECT_M0_H
#define ENN_S8_DEPTHWISE_DIRECT_M0_H

#include "enn_m0.h"
#include "enn_s8_conv.h"

/* acc + (x - zero) w for bytes `step` apart, up to `end`, behind the last. */
ENN_INLINE int32_t enn_m0_row(const int8_t *x, const ENN_CONST int8_t *w, int32_t step, int32_t end,
                              int32_t zero, int32_t acc) {
#if ENN_HAS_M0
  register const int8_t *from __asm__("r0") = x;
  register const ENN_CONST int8_t *weights __asm__("r1") = w;
  register int32_t i __asm__("r2") = 0;
  register int32_t sum __asm__("r3") = acc;
  register int32_t less __asm__("r6") = zero;
  register int32_t apart __asm__("r8") = step;
  register int32_t behind __asm__("r9") = end;
  __asm__ volatile(ENN_M0_ASM("1:\n"
                              " ldrsb r4, [r0, r2]\n"
                              " ldrsb r5, [r1, r2]\n"
                              " subs r4, r6\n"
                              " muls r4, r5\n"
                              " adds r3, r4\n"
                              " add r2, r8\n"
                              " cmp r2, r9\n"
                              " bne 1b\n")
                   : "+r"(i), "+r"(sum)
                   : "r"(from), "r"(weights), "r"(less), "r"(apart), "r"(behind)
                   : "r4", "r5", "cc", "memory");
  acc = sum;
#else
  for (int32_t i = 0; i < end; i += step) acc = enn_m0_add(acc, (x[i] - zero) * w[i]);
#endif
  return acc;
}

ENN_INLINE void enn_depthwise_conv2d_s8_direct__m0(const ENN_CONST struct enn_conv2d_s8 *p,
                                                   const int8_t *x, const ENN_CONST int8_t *w,
                                                   const ENN_CONST int32_t *bias,
                                                   const ENN_CONST int32_t *levels, int8_t *y) {
  const int32_t channels = p->out_c, zero = p->in_zero;
  const int32_t x_row = p->dilation_h * p->in_w * channels, w_row = p->kernel_w * channels;
  const int32_t words = enn_level_words(levels);
  int8_t *const start = y;
  for (int32_t i = 0; i < p->out_h; i++) {
    const int32_t top = i * p->stride_h - p->pad_top;
    const struct enn_taps rows = enn_clip_taps(top, p->kernel_h, p->dilation_h, p->in_h);
    for (int32_t j = 0; j < p->out_w; j++) {
      const int32_t left = j * p->stride_w - p->pad_left;
      const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, 1, p->in_w);
      const int32_t end = (cols.last - cols.first) * channels;
      const int32_t high = end > 0 ? rows.last - rows.first : 0;
      const int8_t *from =
          x + ((top + rows.first * p->dilation_h) * p->in_w + left + cols.first) * channels;
      const ENN_CONST int8_t *weights = w + (rows.first * p->kernel_w + cols.first) * channels;
      const ENN_CONST int32_t *entry = levels + ENN_LEVEL_HEAD;
      for (int32_t c = 0; c < channels; c++, from++, weights++, entry += words) {
        const int8_t *at = from;
        const ENN_CONST int8_t *own = weights;
        int32_t acc = bias[c];
        for (int32_t u = high; u > 0; u--, at += x_row, own += w_row)
          acc = enn_m0_row(at, own, channels, end, zero, acc);
        const struct enn_level level = enn_level_at(levels, entry);
        *y++ = enn_level_out(acc, &level);
      }
    }
  }
  enn_m0_clamp(start, (int32_t)(y - start), p->clamp_min, p->clamp_max);
}

#endif
