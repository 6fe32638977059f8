/* add of two tensors of one shape, int16, for Armv7E-M: enn_s8_add_dsp.h with operands shifted by 15
 * bits, zero points of 0, and its parameters.
 *
 * Accumulator: twice the sum is within int32: |a| 2^15 and |b| 2^15 are at most 2^30; b_shift and
 * out_shift in [-22, -1]. Order of reading: ascending.
 * Oracle: host/quant/interpret/elementwise.ts.
 */
#ifndef ENN_S16_ADD_DSP_H
#define ENN_S16_ADD_DSP_H

#include "enn_s16w8_dsp.h"
#include "enn_s8_add_dsp.h"

ENN_INLINE void enn_add_s16_same__dsp(const ENN_CONST struct enn_add_same_s8 *p, const enn_s16 *a,
                                      const enn_s16 *b, enn_s16 *y) {
  const int32_t out_mult = p->out_mult, out_right = -p->out_shift;
  const int32_t out_base = enn_narrow_base(p->out_shift, 0);
  const int32_t b_mult = p->b_mult, b_right = -p->b_shift;
  const int32_t b_base = enn_narrow_base(p->b_shift, 0);
  enn_s16 *at = y;
  for (enn_s16 *const end = y + p->count; at < end;) {
    const int32_t from_a = *a++ * ((int32_t)1 << 15), from_b = *b++;
    int32_t twice = from_a;
    if (b_mult == 0) {
      twice += from_b * ((int32_t)1 << 15);
    } else {
      const int32_t wide = from_b * ((int32_t)1 << 16);
      twice += (enn_smmlar(wide, b_mult, b_base + (wide >> 31)) >> b_right) * 2;
    }
    *at++ = enn_limit_s16(enn_smmlar(twice, out_mult, out_base + (twice >> 31)) >> out_right);
  }
  enn_clamp_written_s16(y, p->count, p->clamp_min, p->clamp_max);
}

#endif
