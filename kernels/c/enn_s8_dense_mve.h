/* Fully connected layer, int8, for Helium: four outputs at a time.
 *
 * y as enn_s8_dense.h says; the zero point is in the bias.
 *
 * Layout: w[out / 4][in / 16][4][16], zeros behind the last input and the last output; bias[out / 4][4]
 * with the zero point folded in, factor[out / 4][2][4]: the multipliers of four outputs, then their
 * shifts; one group of them where all outputs share a factor (per_axis = 0).
 *
 * Block: 4 outputs x 16 inputs = 64 MAC in 10 instructions: five loads, four VMLADAVA, LETP.
 *
 * Accumulator: |acc| < 2^30 and shift in [-22, -1], proven by the compiler; order of reading: all
 * inputs before each group of four outputs.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DENSE_MVE_H
#define ENN_S8_DENSE_MVE_H

#include "enn_mve.h"
#include "enn_s8_dense.h"

ENN_INLINE void enn_dense_s8_rows4__mve(const ENN_CONST struct enn_dense_s8 *p, const int8_t *x,
                                        const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                        const ENN_CONST int32_t *factor, int8_t *y) {
  const int32_t step = p->per_axis ? 32 : 0;
#if ENN_HAS_MVE
  /* Named registers: gcc 12 finds none for the operands of some callers. */
  const int32_t shared[3] = {p->in, step, p->out_zero};
  register const int32_t *t __asm__("r5") = shared;
  register const int8_t *from __asm__("r12") = x;
  register const ENN_CONST int8_t *weights __asm__("r8") = w;
  register const ENN_CONST int32_t *sums __asm__("r9") = bias;
  register const ENN_CONST int32_t *own __asm__("r10") = factor;
  register int8_t *at __asm__("r3") = y;
  register int32_t left __asm__("r11") = p->out;
  __asm__ volatile(
      "1: ldr r1, [r5]\n"
      " ldm r9!, {r0, r2, r4, r6}\n"
      " dlstp.8 lr, r1\n"
      " mov r1, r12\n"
      "2: vldrb.u8 q0, [r1], #16\n"
      " vldrb.u8 q1, [r8], #64\n"
      " vmladava.s8 r0, q0, q1\n"
      " vldrb.u8 q1, [r8, #-48]\n"
      " vmladava.s8 r2, q0, q1\n"
      " vldrb.u8 q1, [r8, #-32]\n"
      " vmladava.s8 r4, q0, q1\n"
      " vldrb.u8 q1, [r8, #-16]\n"
      " vmladava.s8 r6, q0, q1\n"
      " letp lr, 2b\n"
      " vmov q2[2], q2[0], r0, r4\n"
      " vmov q2[3], q2[1], r2, r6\n"
      " vldrw.u32 q3, [r10]\n"
      " vldrw.u32 q1, [r10, #16]\n"
      " ldr r0, [r5, #8]\n"
      " ldr r2, [r5, #4]\n"
      " add r10, r10, r2\n"
      " vshr.s32 q0, q2, #31\n"
      " vqrdmulh.s32 q2, q2, q3\n"
      " vadd.i32 q2, q2, q0\n"
      " vrshl.s32 q2, q2, q1\n"
      " vadd.i32 q2, q2, r0\n"
      " vqmovnb.s32 q2, q2\n"
      " vqmovnb.s16 q2, q2\n"
      " vctp.32 r11\n"
      " vpst\n"
      " vstrbt.32 q2, [r3], #4\n"
      " subs r11, #4\n"
      " bgt 1b\n"
      : "+&r"(weights), "+&r"(sums), "+&r"(own), "+&r"(at), "+&r"(left)
      : "r"(from), "r"(t)
      : "r0", "r1", "r2", "r4", "r6", "lr", "q0", "q1", "q2", "q3", "cc", "memory");
#else
  const int32_t blocks = (p->in + ENN_MVE_BYTES - 1) / ENN_MVE_BYTES;
  for (int32_t o = 0; o < p->out; o++) {
    const ENN_CONST int32_t *own = factor + o / 4 * (step / 4) + o % 4;
    int32_t acc = bias[o];
    for (int32_t i = 0; i < p->in; i++) {
      const int32_t block = o / 4 * blocks + i / ENN_MVE_BYTES;
      acc = enn_wrapping_add(acc, x[i] * w[(4 * block + o % 4) * ENN_MVE_BYTES + i % ENN_MVE_BYTES]);
    }
    y[o] = (int8_t)enn_narrow(acc, own[0], enn_narrow_base(own[4], p->out_zero), -own[4]);
  }
#endif
  enn_mve_clamp(y, p->out, p->clamp_min, p->clamp_max);
}

#endif
