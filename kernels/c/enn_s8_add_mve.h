/* add of two tensors of one shape, int8, for Helium.
 *
 * The plane of enn_s8_add_m0.h, four elements at a time:
 *
 *     y = (a a_mult + b b_mult + offset) >> 22, limited to int8.
 *
 * Block: 4 elements in 8 instructions: two widening loads, VMLAS, VMLA, two narrowing shifts (by 16,
 * which loses nothing, and by 6, which limits to int8), a store, LETP. The shifts round, and the
 * offset takes off what that adds: GNU as 2.40 writes VQRSHRN for VQSHRN.
 *
 * `fine` is the plane with more bits: 13 instructions.
 *
 * Accumulator: |a a_mult + b b_mult + offset| < 2^31 - 2^22, proven by the compiler. Order of reading:
 * ascending; y may be a or b.
 * Oracle: host/quant/interpret/elementwise.ts.
 */
#ifndef ENN_S8_ADD_MVE_H
#define ENN_S8_ADD_MVE_H

#include "enn_mve.h"
#include "enn_s8_add_m0.h"

ENN_INLINE void enn_add_s8_plane__mve(const ENN_CONST struct enn_add_plane_s8 *p, const int8_t *a,
                                      const int8_t *b, int8_t *y) {
  const int32_t count = p->count;
#if ENN_HAS_MVE
  const int32_t offset = p->offset - ((int32_t)1 << 15) - ((int32_t)1 << (16 + 5));
  int8_t *at = y;
  __asm__ volatile(
      " vdup.32 q2, %[a_mult]\n"
      " wlstp.32 lr, %[count], 2f\n"
      "1: vldrb.s32 q0, [%[a]], #4\n"
      " vldrb.s32 q1, [%[b]], #4\n"
      " vmlas.s32 q0, q2, %[offset]\n"
      " vmla.s32 q0, q1, %[b_mult]\n"
      " vqrshrnb.s32 q0, q0, #16\n"
      " vqrshrnb.s16 q0, q0, #6\n"
      " vstrb.32 q0, [%[at]], #4\n"
      " letp lr, 1b\n"
      "2:\n"
      : [a] "+&l"(a), [b] "+&l"(b), [at] "+&l"(at)
      : [count] "r"(count), [a_mult] "r"(p->a_mult), [b_mult] "r"(p->b_mult), [offset] "r"(offset)
      : "lr", "q0", "q1", "q2", "memory");
#else
  for (int32_t i = 0; i < count; i++) {
    const int32_t sum = a[i] * p->a_mult + b[i] * p->b_mult + p->offset;
    y[i] = enn_clamp_s8(sum >> ENN_PLANE_BITS, INT8_MIN, INT8_MAX);
  }
#endif
  enn_mve_clamp(y, count, p->clamp_min, p->clamp_max);
}

ENN_INLINE void enn_add_s8_fine__mve(const ENN_CONST struct enn_add_fine_s8 *p, const int8_t *a,
                                     const int8_t *b, int8_t *y) {
  const int32_t count = p->count;
#if ENN_HAS_MVE
  const int32_t offset = p->offset - ((int32_t)1 << 15) - ((int32_t)1 << (16 + 1));
  /* Named registers: gcc 12 finds none for the operands of some callers. */
  register const int8_t *from_a __asm__("r0") = a;
  register const int8_t *from_b __asm__("r1") = b;
  register int8_t *at __asm__("r2") = y;
  register int32_t left __asm__("r3") = count;
  register int32_t a_mult __asm__("r4") = p->a_mult;
  register int32_t b_mult __asm__("r5") = p->b_mult;
  register int32_t own __asm__("r6") = offset;
  register int32_t a_low __asm__("r8") = p->a_low;
  register int32_t b_low __asm__("r9") = p->b_low;
  register int32_t offset_low __asm__("r10") = p->offset_low;
  __asm__ volatile(
      " vdup.32 q2, r4\n"
      " wlstp.32 lr, r3, 2f\n"
      "1: vldrb.s32 q0, [r0], #4\n"
      " vldrb.s32 q1, [r1], #4\n"
      " vmul.i32 q3, q0, r8\n"
      " vmla.s32 q3, q1, r9\n"
      " vadd.i32 q3, q3, r10\n"
      " vshr.s32 q3, q3, #20\n"
      " vmlas.s32 q0, q2, r6\n"
      " vmla.s32 q0, q1, r5\n"
      " vadd.i32 q0, q0, q3\n"
      " vqrshrnb.s32 q0, q0, #16\n"
      " vqrshrnb.s16 q0, q0, #2\n"
      " vstrb.32 q0, [r2], #4\n"
      " letp lr, 1b\n"
      "2:\n"
      : "+&r"(from_a), "+&r"(from_b), "+&r"(at)
      : "r"(left), "r"(a_mult), "r"(b_mult), "r"(own), "r"(a_low), "r"(b_low), "r"(offset_low)
      : "lr", "q0", "q1", "q2", "q3", "memory");
#else
  for (int32_t i = 0; i < count; i++) y[i] = enn_add_fine(p, a[i], b[i]);
#endif
  enn_mve_clamp(y, count, p->clamp_min, p->clamp_max);
}

#endif
