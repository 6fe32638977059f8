/* mul with broadcasting, int8, for Helium.
 *
 * y as enn_s8_elementwise.h says; shift in [-22, -1].
 *
 * Block: 8 elements in 24 instructions: 2 loads that widen to int16, 2 VSUB, 2 VMULL, two times four to
 * requantize (enn_mve.h), 2 that narrow, VQADD, one more that narrows, a store; five that count. 22 where
 * an operand stands still. Lanes that are off would leave half of a 32-bit product as it was, so only the
 * loads and the store have them off.
 *
 * Accumulator: |product| <= 255^2. Order of reading: ascending, eight elements before the first of their
 * outputs is written; y may be an operand that is not broadcast.
 * Oracle: host/quant/interpret/elementwise.ts.
 */
#ifndef ENN_S8_MUL_MVE_H
#define ENN_S8_MUL_MVE_H

#include "enn_mve.h"
#include "enn_rows_s8.h"

/* Products q2 (even) and q3 (odd) of q0 and q1, requantized and stored; q0 is lost. */
#define ENN_MVE_MUL_REST                \
  " vmullb.s16 q2, q0, q1\n"            \
  " vmullt.s16 q3, q0, q1\n"            \
  " vshr.s32 q0, q2, #31\n"             \
  " vqrdmulh.s32 q2, q2, %[mult]\n"     \
  " vadd.i32 q2, q2, q0\n"              \
  " vrshl.s32 q2, %[shift]\n"           \
  " vshr.s32 q0, q3, #31\n"             \
  " vqrdmulh.s32 q3, q3, %[mult]\n"     \
  " vadd.i32 q3, q3, q0\n"              \
  " vrshl.s32 q3, %[shift]\n"           \
  " vqmovnb.s32 q2, q2\n"               \
  " vqmovnt.s32 q2, q3\n"               \
  " vqadd.s16 q2, q2, %[zero]\n"        \
  " vqmovnb.s16 q2, q2\n"               \
  " vpst\n"                             \
  " vstrbt.16 q2, [%[y]], #8\n"         \
  " subs %[n], #8\n"                    \
  " bgt 1b\n"

/* One row; `still` where b has one element. */
ENN_INLINE void enn_mve_mul_row(const ENN_CONST struct enn_mul_s8 *p, const int8_t *a, int32_t a_zero,
                                const int8_t *b, int32_t b_zero, int32_t still, int32_t count,
                                int8_t *y) {
#if ENN_HAS_MVE
  if (still) {
    __asm__ volatile(
        " vdup.16 q1, %[b]\n"
        "1: vctp.16 %[n]\n"
        " vpst\n"
        " vldrbt.s16 q0, [%[a]], #8\n"
        " vsub.i16 q0, q0, %[a_zero]\n"
        ENN_MVE_MUL_REST
        : [a] "+&l"(a), [y] "+&l"(y), [n] "+&r"(count)
        : [b] "r"(b[0] - b_zero), [a_zero] "r"(a_zero), [mult] "r"(p->mult),
          [shift] "r"(p->shift), [zero] "r"(p->out_zero)
        : "q0", "q1", "q2", "q3", "cc", "memory");
    return;
  }
  __asm__ volatile(
      "1: vctp.16 %[n]\n"
      " vpstt\n"
      " vldrbt.s16 q0, [%[a]], #8\n"
      " vldrbt.s16 q1, [%[b]], #8\n"
      " vsub.i16 q0, q0, %[a_zero]\n"
      " vsub.i16 q1, q1, %[b_zero]\n"
      ENN_MVE_MUL_REST
      : [a] "+&l"(a), [b] "+&l"(b), [y] "+&l"(y), [n] "+&r"(count)
      : [a_zero] "r"(a_zero), [b_zero] "r"(b_zero), [mult] "r"(p->mult),
        [shift] "r"(p->shift), [zero] "r"(p->out_zero)
      : "q0", "q1", "q2", "q3", "cc", "memory");
#else
  for (int32_t i = 0; i < count; i++) {
    const int32_t product = (a[i] - a_zero) * (b[still ? 0 : i] - b_zero);
    y[i] = enn_requantize(product, p->mult, p->shift, p->out_zero, INT8_MIN, INT8_MAX);
  }
#endif
}

ENN_INLINE void enn_mul_s8__mve(const ENN_CONST struct enn_mul_s8 *p, const int8_t *a,
                                const int8_t *b, int8_t *y) {
  int8_t *const start = y;
  const int32_t still = p->a_stride[3] == 0 || p->b_stride[3] == 0;
  ENN_ROWS_S8(p, a, b, y,
              enn_mve_mul_row(p, row_a, swaps ? p->b_zero : p->a_zero, row_b,
                              swaps ? p->a_zero : p->b_zero, still, count, y))
  enn_mve_clamp(start, (int32_t)(y - start), p->clamp_min, p->clamp_max);
}

#endif
