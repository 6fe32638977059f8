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
 * Oracle: host/quant/interpret-conv.ts.
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
  const int32_t in = p->in, zero = p->out_zero;
  int32_t left = p->out;
  int8_t *at = y;
  __asm__ volatile(
      "1: ldr r1, %[in]\n"
      " ldm %[bias]!, {r0, r2, r4, r6}\n"
      " dlstp.8 lr, r1\n"
      " mov r1, %[x]\n"
      "2: vldrb.u8 q0, [r1], #16\n"
      " vldrb.u8 q1, [%[w]], #64\n"
      " vmladava.s8 r0, q0, q1\n"
      " vldrb.u8 q1, [%[w], #-48]\n"
      " vmladava.s8 r2, q0, q1\n"
      " vldrb.u8 q1, [%[w], #-32]\n"
      " vmladava.s8 r4, q0, q1\n"
      " vldrb.u8 q1, [%[w], #-16]\n"
      " vmladava.s8 r6, q0, q1\n"
      " letp lr, 2b\n"
      " vmov q2[2], q2[0], r0, r4\n"
      " vmov q2[3], q2[1], r2, r6\n"
      " vldrw.u32 q3, [%[factor]]\n"
      " vldrw.u32 q1, [%[factor], #16]\n"
      " ldr r0, %[zero]\n"
      " ldr r2, %[step]\n"
      " add %[factor], %[factor], r2\n"
      " vshr.s32 q0, q2, #31\n"
      " vqrdmulh.s32 q2, q2, q3\n"
      " vadd.i32 q2, q2, q0\n"
      " vrshl.s32 q2, q2, q1\n"
      " vadd.i32 q2, q2, r0\n"
      " vqmovnb.s32 q2, q2\n"
      " vqmovnb.s16 q2, q2\n"
      " vctp.32 %[left]\n"
      " vpst\n"
      " vstrbt.32 q2, [%[y]], #4\n"
      " subs %[left], #4\n"
      " bgt 1b\n"
      : [w] "+&r"(w), [bias] "+&r"(bias), [factor] "+&r"(factor), [y] "+&l"(at), [left] "+&r"(left)
      : [x] "r"(x), [in] "m"(in), [step] "m"(step), [zero] "m"(zero)
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
