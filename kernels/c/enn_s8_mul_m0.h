/* mul with broadcasting, int8, for Armv6-M.
 *
 * y as enn_s8_elementwise.h says. A product is an accumulator like another: less `origin` it has a line
 * that gives every output (enn_m0.h), one for all elements.
 *
 * Block: 1 element in 20 instructions: two LDRSB and two ADD, MULS, ADD of the origin, nine of the line,
 * MOV and STRB, ADDS, BNE. 18 where an operand stands still.
 *
 * Accumulator: |product| <= 255^2. Order of reading: ascending; y may be an operand that is not broadcast.
 * Oracle: host/quant/interpret/elementwise.ts.
 */
#ifndef ENN_S8_MUL_M0_H
#define ENN_S8_MUL_M0_H

#include "enn_m0.h"
#include "enn_rows_s8.h"

struct enn_mul_line_s8 {
  int32_t dims[4], a_stride[4], b_stride[4];
  int32_t a_zero, b_zero, origin;
  int32_t clamp_min, clamp_max;
};

#define ENN_M0_MUL(second)                                          \
  "1:\n"                                                            \
  " ldrsb r3, [r5, r0]\n"                                           \
  " add r3, r9\n" second " muls r3, r4\n"                           \
  " add r3, r11\n" ENN_M0_LEVEL(4)                                  \
  " mov r4, r8\n"                                                   \
  " strb r3, [r4, r0]\n"                                            \
  " adds r0, #1\n"                                                  \
  " bne 1b\n"                                                       \
  " b 6f\n" ENN_M0_BEYOND(4, " mov r4, lr\n ldr r4, [r4, #16]\n",   \
                          " mov r4, lr\n ldr r4, [r4, #20]\n")    \
  "6:\n"

/* One row; `still` where b has one element. */
ENN_INLINE void enn_m0_mul_row(const struct enn_level *level, const int8_t *a, int32_t a_zero,
                               const int8_t *b, int32_t b_zero, const int32_t still, int32_t origin,
                               int32_t count, int8_t *y) {
#if ENN_HAS_M0
  register int32_t i __asm__("r0") = -count;
  register uint32_t low __asm__("r1") = level->low;
  register uint32_t high __asm__("r2") = level->high;
  register const int8_t *end_a __asm__("r5") = a + count;
  register const int8_t *end_b __asm__("r6") = b + count;
  register uint32_t offset __asm__("r7") = level->offset;
  register int8_t *end_y __asm__("r8") = y + count;
  register int32_t minus_a __asm__("r9") = -a_zero;
  register int32_t minus_b __asm__("r10") = still ? b[0] - b_zero : -b_zero;
  register int32_t minus_origin __asm__("r11") = -origin;
  register uint32_t range __asm__("r12") = level->range;
  register const struct enn_level *line __asm__("lr") = level;
  if (still)
    __asm__ volatile(ENN_M0_ASM(ENN_M0_MUL(" mov r4, r10\n"))
                     : "+r"(i)
                     : "r"(low), "r"(high), "r"(end_a), "r"(offset), "r"(end_y), "r"(minus_a),
                       "r"(minus_b), "r"(minus_origin), "r"(range), "r"(line)
                     : "r3", "r4", "cc", "memory");
  else
    __asm__ volatile(ENN_M0_ASM(ENN_M0_MUL(" ldrsb r4, [r6, r0]\n add r4, r10\n"))
                     : "+r"(i)
                     : "r"(low), "r"(high), "r"(end_a), "r"(end_b), "r"(offset), "r"(end_y),
                       "r"(minus_a), "r"(minus_b), "r"(minus_origin), "r"(range), "r"(line)
                     : "r3", "r4", "cc", "memory");
#else
  for (int32_t i = 0; i < count; i++) {
    const int32_t product = (a[i] - a_zero) * (b[still ? 0 : i] - b_zero);
    y[i] = enn_level_out(product - origin, level);
  }
#endif
}

ENN_INLINE void enn_mul_s8__m0(const ENN_CONST struct enn_mul_line_s8 *p, const int8_t *a,
                               const int8_t *b, const ENN_CONST int32_t *levels, int8_t *y) {
  int8_t *const start = y;
  const struct enn_level level = enn_level_at(levels, levels + ENN_LEVEL_HEAD);
  if (p->a_stride[3] == 0 || p->b_stride[3] == 0) {
    ENN_ROWS_S8(p, a, b, y,
                enn_m0_mul_row(&level, row_a, swaps ? p->b_zero : p->a_zero, row_b,
                               swaps ? p->a_zero : p->b_zero, 1, p->origin, count, y))
  } else {
    ENN_ROWS_S8(p, a, b, y,
                enn_m0_mul_row(&level, row_a, p->a_zero, row_b, p->b_zero, 0, p->origin, count, y))
  }
  enn_m0_clamp(start, (int32_t)(y - start), p->clamp_min, p->clamp_max);
}

#endif
