/* depthwise_conv2d, int8, one output per channel, for Helium: eight channels at a time, for planes too small
 * to be gathered channel by channel.
 *
 * y as enn_s8_conv.h says. Only taps inside the image are read, so the zero point is taken off each x.
 *
 * Layout: w[kernel_h][kernel_w][channels]; bias[ceil(channels / 8)][8] and factor[ceil(channels / 8)][2][8],
 * multipliers, then shifts. Each eight are channels 0, 2, 4, 6, 1, 3, 5, 7: VMULLB and VMULLT make
 * products of the even and of the odd ones.
 *
 * Block: 8 channels x 1 tap in 11 instructions; 23 that requantize and store eight outputs.
 *
 * Accumulator: |acc| < 2^30 and shift in [-22, -1], proven by the compiler. Order of reading: a pixel's
 * window, channels ascending.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DEPTHWISE_CHANNELS_MVE_H
#define ENN_S8_DEPTHWISE_CHANNELS_MVE_H

#include "enn_mve.h"
#include "enn_s8_conv.h"

#define ENN_MVE_CHANNELS 8

/* The taps of a window inside the image. The assembly knows the order of these words. */
struct enn_mve_taps {
  int32_t rows, cols;         /* 0, 4; both 0 where there are none */
  int32_t x_row, w_row;       /* 8, 12: from behind a row's last tap to the next row */
  int32_t x_step, w_step;     /* 16, 20: to the next tap */
  int32_t in_zero, out_zero;  /* 24, 28 */
};

/* Up to eight channels of a pixel. */
ENN_INLINE void enn_mve_eight(const struct enn_mve_taps *t, const int8_t *x, const ENN_CONST int8_t *w,
                              const ENN_CONST int32_t *bias, const ENN_CONST int32_t *factor,
                              int32_t count, int8_t *y) {
#if ENN_HAS_MVE
  register const int8_t *from __asm__("r0") = x;
  register const ENN_CONST int8_t *weights __asm__("r1") = w;
  register const struct enn_mve_taps *taps __asm__("r2") = t;
  register const ENN_CONST int32_t *own __asm__("r3") = bias;
  register const ENN_CONST int32_t *factors __asm__("r4") = factor;
  register int8_t *to __asm__("r5") = y;
  register int32_t lanes __asm__("r6") = count;
  __asm__ volatile(
      " vctp.16 r6\n"
      " vldrw.u32 q0, [r3]\n"
      " vldrw.u32 q1, [r3, #16]\n"
      " ldr r3, [r2, #24]\n"
      " vdup.16 q7, r3\n"
      " ldrd r8, r9, [r2, #16]\n"
      " ldr r6, [r2]\n"
      " cbz r6, 3f\n"
      "2: ldr r3, [r2, #4]\n"
      " dls lr, r3\n"
      "1: vpstt\n"
      " vldrbt.s16 q2, [r0]\n"
      " vldrbt.s16 q3, [r1]\n"
      " vsub.i16 q2, q2, q7\n"
      " vmullb.s16 q4, q2, q3\n"
      " vmullt.s16 q5, q2, q3\n"
      " vadd.i32 q0, q0, q4\n"
      " vadd.i32 q1, q1, q5\n"
      " add r0, r0, r8\n"
      " add r1, r1, r9\n"
      " le lr, 1b\n"
      " ldr r3, [r2, #8]\n"
      " add r0, r0, r3\n"
      " ldr r3, [r2, #12]\n"
      " add r1, r1, r3\n"
      " subs r6, #1\n"
      " bne 2b\n"
      "3: vldrw.u32 q2, [r4]\n"
      " vldrw.u32 q3, [r4, #16]\n"
      " vldrw.u32 q4, [r4, #32]\n"
      " vldrw.u32 q5, [r4, #48]\n"
      " vshr.s32 q6, q0, #31\n"
      " vqrdmulh.s32 q0, q0, q2\n"
      " vadd.i32 q0, q0, q6\n"
      " vrshl.s32 q0, q0, q4\n"
      " vshr.s32 q6, q1, #31\n"
      " vqrdmulh.s32 q1, q1, q3\n"
      " vadd.i32 q1, q1, q6\n"
      " vrshl.s32 q1, q1, q5\n"
      " vqmovnb.s32 q0, q0\n"
      " vqmovnt.s32 q0, q1\n"
      " ldr r3, [r2, #28]\n"
      " vqadd.s16 q0, q0, r3\n"
      " vqmovnb.s16 q0, q0\n"
      " vpst\n"
      " vstrbt.16 q0, [r5]\n"
      : "+&r"(from), "+&r"(weights), "+&r"(own), "+&r"(lanes)
      : "r"(taps), "r"(factors), "r"(to)
      : "r8", "r9", "lr", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "cc", "memory");
#else
  for (int32_t c = 0; c < count; c++) {
    const int32_t lane = c / 2 + c % 2 * 4;
    const int8_t *from = x + c;
    const ENN_CONST int8_t *weights = w + c;
    int32_t acc = bias[lane];
    for (int32_t u = t->rows; u > 0; u--, from += t->x_row, weights += t->w_row) {
      for (int32_t v = t->cols; v > 0; v--, from += t->x_step, weights += t->w_step)
        acc = enn_wrapping_add(acc, (*from - t->in_zero) * *weights);
    }
    const int32_t shift = factor[8 + lane];
    y[c] = (int8_t)enn_narrow(acc, factor[lane], enn_narrow_base(shift, t->out_zero), -shift);
  }
#endif
}

ENN_INLINE void enn_depthwise_conv2d_s8_channels__mve(const ENN_CONST struct enn_conv2d_s8 *p,
                                                      const int8_t *x, const ENN_CONST int8_t *w,
                                                      const ENN_CONST int32_t *bias,
                                                      const ENN_CONST int32_t *factor, int8_t *y) {
  const int32_t channels = p->out_c, line = p->in_w * channels;
  int8_t *const start = y;
  struct enn_mve_taps t = {.x_step = p->dilation_w * channels,
                           .w_step = channels,
                           .in_zero = p->in_zero,
                           .out_zero = p->out_zero};
  for (int32_t i = 0; i < p->out_h; i++) {
    const int32_t top = i * p->stride_h - p->pad_top;
    const struct enn_taps rows = enn_clip_taps(top, p->kernel_h, p->dilation_h, p->in_h);
    for (int32_t j = 0; j < p->out_w; j++, y += channels) {
      const int32_t left = j * p->stride_w - p->pad_left;
      const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, p->dilation_w, p->in_w);
      const int32_t wide = cols.last - cols.first, high = rows.last - rows.first;
      t.rows = wide > 0 && high > 0 ? high : 0;
      t.cols = wide;
      t.x_row = p->dilation_h * line - wide * t.x_step;
      t.w_row = (p->kernel_w - wide) * channels;
      const int8_t *from = x + (top + rows.first * p->dilation_h) * line +
                           (left + cols.first * p->dilation_w) * channels;
      const ENN_CONST int8_t *weights = w + (rows.first * p->kernel_w + cols.first) * channels;
      for (int32_t c = 0; c < channels; c += ENN_MVE_CHANNELS)
        enn_mve_eight(&t, from + c, weights + c, bias + c, factor + 2 * c,
                      enn_min(channels - c, ENN_MVE_CHANNELS), y + c);
    }
  }
  enn_mve_clamp(start, (int32_t)(y - start), p->clamp_min, p->clamp_max);
}

#endif
