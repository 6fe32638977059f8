/* mul with broadcasting, int8, for Armv7E-M.
 *
 * y as enn_s8_elementwise.h says; shift in [-22, -1]. Twice the product is what the requantization takes
 * (enn_dsp.h), so one operand is doubled.
 *
 * Block: 1 element in 11 instructions: two LDRSB, RSB that doubles, SUB, MUL, ADD of the sign, SMMLAR,
 * ASR, SSAT, STRB, and half of the loop.
 *
 * Accumulator: |product| <= 255^2. Order of reading: ascending; y may be an operand that is not broadcast.
 * Oracle: host/quant/interpret/elementwise.ts.
 */
#ifndef ENN_S8_MUL_DSP_H
#define ENN_S8_MUL_DSP_H

#include "enn_dsp.h"
#include "enn_rows_s8.h"

/* Twice a product as an output. */
ENN_INLINE int8_t enn_mul_out(int32_t twice, int32_t mult, int32_t base, int32_t right) {
  return (int8_t)enn_ssat8(enn_smmlar(twice, mult, base + (twice >> 31)) >> right);
}

/* One row; `still` where b has one element. */
ENN_INLINE void enn_mul_row(const ENN_CONST struct enn_mul_s8 *p, const int8_t *a, int32_t a_zero,
                            const int8_t *b, int32_t b_zero, const int32_t still, int32_t count,
                            int8_t *y) {
  const int32_t mult = p->mult, right = -p->shift, base = enn_narrow_base(p->shift, p->out_zero);
  const int32_t twice_zero = 2 * a_zero, one = b[0] - b_zero;
  for (; count >= 2; count -= 2, a += 2, y += 2) {
    const int32_t first = still ? one : b[0] - b_zero, second = still ? one : b[1] - b_zero;
    y[0] = enn_mul_out((2 * a[0] - twice_zero) * first, mult, base, right);
    y[1] = enn_mul_out((2 * a[1] - twice_zero) * second, mult, base, right);
    if (!still) b += 2;
  }
  if (count > 0)
    y[0] = enn_mul_out((2 * a[0] - twice_zero) * (still ? one : b[0] - b_zero), mult, base, right);
}

ENN_INLINE void enn_mul_s8__dsp(const ENN_CONST struct enn_mul_s8 *p, const int8_t *a,
                                const int8_t *b, int8_t *y) {
  int8_t *const start = y;
  if (p->a_stride[3] == 0 || p->b_stride[3] == 0) {
    ENN_ROWS_S8(p, a, b, y,
                enn_mul_row(p, row_a, swaps ? p->b_zero : p->a_zero, row_b,
                            swaps ? p->a_zero : p->b_zero, 1, count, y))
  } else {
    ENN_ROWS_S8(p, a, b, y, enn_mul_row(p, row_a, p->a_zero, row_b, p->b_zero, 0, count, y))
  }
  enn_clamp_written(start, (int32_t)(y - start), p->clamp_min, p->clamp_max);
}

#endif
