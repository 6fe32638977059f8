/* add of two tensors of one shape, int8, for Armv6-M.
 *
 * y as enn_s8_elementwise.h says. That is nearly a plane over (a, b), and there are 65,536 of these:
 * host/lower/plane.ts finds one in 32 bits that gives every output exactly,
 *
 *     y = (a a_mult + b b_mult + offset) >> 22, limited to int8.
 *
 * Per element: two LDRSB, two MULS, two ADDS, ASRS, SXTB, CMP, BNE, STRB, ADDS, BNE: 13 instructions.
 *
 * Accumulator: |a a_mult + b b_mult + offset| < 2^31, proven by the compiler. Order of reading:
 * ascending; y may be a or b.
 * Oracle: host/quant/interpret-elementwise.ts.
 */
#ifndef ENN_S8_ADD_M0_H
#define ENN_S8_ADD_M0_H

#include "enn_m0.h"

#define ENN_PLANE_BITS 22

struct enn_add_plane_s8 {
  int32_t count;
  int32_t a_mult, b_mult, offset;
  int32_t clamp_min, clamp_max;
};

ENN_INLINE void enn_add_s8_plane__m0(const ENN_CONST struct enn_add_plane_s8 *p, const int8_t *a,
                                     const int8_t *b, int8_t *y) {
  const int32_t count = p->count;
#if ENN_HAS_M0
  register const int8_t *end_a __asm__("r0") = a + count;
  register const int8_t *end_b __asm__("r1") = b + count;
  register int8_t *end_y __asm__("r2") = y + count;
  register int32_t i __asm__("r3") = -count;
  register int32_t a_mult __asm__("r6") = p->a_mult;
  register int32_t b_mult __asm__("r7") = p->b_mult;
  register int32_t offset __asm__("r8") = p->offset;
  __asm__ volatile(ENN_M0_ASM("1:\n"
                              " ldrsb r4, [r0, r3]\n"
                              " ldrsb r5, [r1, r3]\n"
                              " muls r4, r6\n"
                              " muls r5, r7\n"
                              " adds r4, r4, r5\n"
                              " add r4, r8\n"
                              " asrs r4, r4, #22\n"
                              " sxtb r5, r4\n"
                              " cmp r5, r4\n"
                              " bne 3f\n"
                              "2:\n"
                              " strb r4, [r2, r3]\n"
                              " adds r3, #1\n"
                              " bne 1b\n"
                              " b 4f\n"
                              "3:\n" /* beyond int8 */
                              " asrs r4, r4, #31\n"
                              " movs r5, #127\n"
                              " eors r4, r5\n"
                              " b 2b\n"
                              "4:\n")
                   : "+r"(i)
                   : "r"(end_a), "r"(end_b), "r"(end_y), "r"(a_mult), "r"(b_mult), "r"(offset)
                   : "r4", "r5", "cc", "memory");
#else
  for (int32_t i = 0; i < count; i++) {
    const int32_t sum = a[i] * p->a_mult + b[i] * p->b_mult + p->offset;
    y[i] = enn_clamp_s8(sum >> ENN_PLANE_BITS, INT8_MIN, INT8_MAX);
  }
#endif
  enn_m0_clamp(y, count, p->clamp_min, p->clamp_max);
}

#endif
