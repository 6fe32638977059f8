/* add of two tensors of one shape, int8, for Armv7E-M.
 *
 * y as enn_s8_elementwise.h says. The operand with the larger scale, a, is only halved there, which
 * is exact: its part is (a - a_zero) 2^19. b is scaled with b_shift in [-22, -1], or it has the same
 * scale and is halved too: then b_mult = 0.
 *
 * Twice the sum is what the output's requantization takes (enn_dsp.h), so a is shifted by 20.
 *
 * Per element: two LDRSB; one ADD for a; for b an ADD, and ADD, SMMLAR, ASR, ADD where it is scaled;
 * ADD, SMMLAR, ASR, SSAT, STRB: 13 instructions, 10 with equal scales.
 *
 * Accumulator: |sum| <= 255 2^20; out_shift in [-22, -1]. Order of reading: ascending.
 * Oracle: host/quant/interpret/elementwise.ts.
 */
#ifndef ENN_S8_ADD_DSP_H
#define ENN_S8_ADD_DSP_H

#include "enn_dsp.h"

struct enn_add_same_s8 {
  int32_t count;
  int32_t a_zero, b_zero, out_zero;
  int32_t b_mult, b_shift;
  int32_t out_mult, out_shift;
  int32_t clamp_min, clamp_max;
};

/* Twice the sum of the operands, requantized. */
ENN_INLINE int8_t enn_add_out(int32_t twice, int32_t mult, int32_t base, int32_t right) {
  return (int8_t)enn_ssat8(enn_smmlar(twice, mult, base + (twice >> 31)) >> right);
}

ENN_INLINE void enn_add_s8_same__dsp(const ENN_CONST struct enn_add_same_s8 *p, const int8_t *a,
                                     const int8_t *b, int8_t *y) {
  const int32_t a_less = -p->a_zero * ((int32_t)1 << 20);
  const int32_t out_mult = p->out_mult, out_right = -p->out_shift;
  const int32_t out_base = enn_narrow_base(p->out_shift, p->out_zero);
  int8_t *at = y, *const end = y + p->count;
  if (p->b_mult == 0) {
    const int32_t less = a_less - p->b_zero * ((int32_t)1 << 20);
    while (at < end) {
      const int32_t twice = less + (*a++ + *b++) * ((int32_t)1 << 20);
      *at++ = enn_add_out(twice, out_mult, out_base, out_right);
    }
  } else {
    const int32_t b_less = -p->b_zero * ((int32_t)1 << 21), b_right = -p->b_shift;
    const int32_t b_base = enn_narrow_base(p->b_shift, 0), b_mult = p->b_mult;
    while (at < end) {
      const int32_t wide = b_less + *b++ * ((int32_t)1 << 21);
      const int32_t scaled = enn_smmlar(wide, b_mult, b_base + (wide >> 31)) >> b_right;
      const int32_t twice = a_less + *a++ * ((int32_t)1 << 20) + scaled * 2;
      *at++ = enn_add_out(twice, out_mult, out_base, out_right);
    }
  }
  enn_clamp_written(y, p->count, p->clamp_min, p->clamp_max);
}

#endif
