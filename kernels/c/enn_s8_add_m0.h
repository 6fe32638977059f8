/* add of two tensors of one shape, int8, for Armv6-M.
 *
 * y as enn_s8_elementwise.h says. That is nearly a plane over (a, b), and there are 65,536 of these:
 * host/lower/pack/plane.ts finds one in 32 bits that gives every output exactly,
 *
 *     y = (a a_mult + b b_mult + offset) >> 22, limited to int8.
 *
 * Per element: two LDRSB, two MULS, two ADDS, ASRS, SXTB, CMP, BNE, STRB, ADDS, BNE: 13 instructions.
 *
 * Where no such plane is exact, `fine` has 16 bits more:
 *
 *     y = (a a_mult + b b_mult + offset + ((a a_low + b b_low + offset_low) >> 20)) >> 18
 *
 * in 23 instructions.
 *
 * Accumulator: |a a_mult + b b_mult + offset| < 2^31, proven by the compiler. Order of reading:
 * ascending; y may be a or b.
 * Oracle: host/quant/interpret/elementwise.ts.
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

#define ENN_FINE_BITS 18
#define ENN_FINE_LOW_BITS 20

struct enn_add_fine_s8 {
  int32_t count;
  int32_t a_mult, b_mult, offset;
  int32_t a_low, b_low, offset_low;
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

/* One element of a fine plane. */
ENN_INLINE int8_t enn_add_fine(const ENN_CONST struct enn_add_fine_s8 *p, int32_t a, int32_t b) {
  const int32_t low = a * p->a_low + b * p->b_low + p->offset_low;
  const int32_t sum = a * p->a_mult + b * p->b_mult + p->offset + (low >> ENN_FINE_LOW_BITS);
  return enn_clamp_s8(sum >> ENN_FINE_BITS, INT8_MIN, INT8_MAX);
}

ENN_INLINE void enn_add_s8_fine__m0(const ENN_CONST struct enn_add_fine_s8 *p, const int8_t *a,
                                    const int8_t *b, int8_t *y) {
  const int32_t count = p->count;
#if ENN_HAS_M0
  register const int8_t *end_a __asm__("r0") = a + count;
  register const int8_t *end_b __asm__("r1") = b + count;
  register int8_t *end_y __asm__("r2") = y + count;
  register int32_t i __asm__("r3") = -count;
  register int32_t a_low __asm__("r8") = p->a_low;
  register int32_t b_low __asm__("r9") = p->b_low;
  register int32_t offset_low __asm__("r10") = p->offset_low;
  register int32_t a_mult __asm__("r11") = p->a_mult;
  register int32_t b_mult __asm__("r12") = p->b_mult;
  register int32_t offset __asm__("lr") = p->offset;
  __asm__ volatile(ENN_M0_ASM("1:\n"
                              " ldrsb r4, [r0, r3]\n"
                              " ldrsb r5, [r1, r3]\n"
                              " mov r6, r8\n"
                              " muls r6, r4\n"
                              " mov r7, r9\n"
                              " muls r7, r5\n"
                              " adds r6, r6, r7\n"
                              " add r6, r10\n"
                              " asrs r6, r6, #20\n"
                              " mov r7, r11\n"
                              " muls r4, r7\n"
                              " mov r7, r12\n"
                              " muls r5, r7\n"
                              " adds r4, r4, r5\n"
                              " adds r4, r4, r6\n"
                              " add r4, lr\n"
                              " asrs r4, r4, #18\n"
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
                   : "r"(end_a), "r"(end_b), "r"(end_y), "r"(a_low), "r"(b_low), "r"(offset_low),
                     "r"(a_mult), "r"(b_mult), "r"(offset)
                   : "r4", "r5", "r6", "r7", "cc", "memory");
#else
  for (int32_t i = 0; i < count; i++) y[i] = enn_add_fine(p, a[i], b[i]);
#endif
  enn_m0_clamp(y, count, p->clamp_min, p->clamp_max);
}

#endif
