/* add of two tensors of one shape, int8, for Armv7E-M: the planes of enn_s8_add_m0.h.
 *
 * Block: 1 element in 6 instructions and 3/4 for the loop: two LDRSB, two MLA, SSAT with its shift, STRB.
 * `fine`: 10, with two MLA and ASR for the bits below, and an ADD.
 *
 * Accumulator: |a a_mult + b b_mult + offset| < 2^31, proven by the compiler. Order of reading:
 * ascending; y may be a or b.
 * Oracle: host/quant/interpret/elementwise.ts.
 */
#ifndef ENN_S8_ADD_PLANE_DSP_H
#define ENN_S8_ADD_PLANE_DSP_H

#include "enn_dsp.h"
#include "enn_s8_add_m0.h"

_Static_assert(ENN_PLANE_BITS == 22 && ENN_FINE_BITS == 18, "what enn_ssat8_asr22 and asr18 shift by");

ENN_INLINE void enn_add_s8_plane__dsp(const ENN_CONST struct enn_add_plane_s8 *p, const int8_t *a,
                                      const int8_t *b, int8_t *y) {
  const int32_t a_mult = p->a_mult, b_mult = p->b_mult, offset = p->offset;
  int8_t *const start = y;
  int32_t count = p->count;
  for (; count >= 4; count -= 4, a += 4, b += 4, y += 4) {
    y[0] = (int8_t)enn_ssat8_asr22(a[0] * a_mult + b[0] * b_mult + offset);
    y[1] = (int8_t)enn_ssat8_asr22(a[1] * a_mult + b[1] * b_mult + offset);
    y[2] = (int8_t)enn_ssat8_asr22(a[2] * a_mult + b[2] * b_mult + offset);
    y[3] = (int8_t)enn_ssat8_asr22(a[3] * a_mult + b[3] * b_mult + offset);
  }
  for (; count > 0; count--)
    *y++ = (int8_t)enn_ssat8_asr22(*a++ * a_mult + *b++ * b_mult + offset);
  enn_clamp_written(start, p->count, p->clamp_min, p->clamp_max);
}

ENN_INLINE void enn_add_s8_fine__dsp(const ENN_CONST struct enn_add_fine_s8 *p, const int8_t *a,
                                     const int8_t *b, int8_t *y) {
  const int32_t a_mult = p->a_mult, b_mult = p->b_mult, offset = p->offset;
  const int32_t a_low = p->a_low, b_low = p->b_low, offset_low = p->offset_low;
  int8_t *const start = y;
  for (int32_t count = p->count; count > 0; count--) {
    const int32_t left = *a++, right = *b++;
    const int32_t low = (left * a_low + right * b_low + offset_low) >> ENN_FINE_LOW_BITS;
    *y++ = (int8_t)enn_ssat8_asr18(left * a_mult + right * b_mult + offset + low);
  }
  enn_clamp_written(start, p->count, p->clamp_min, p->clamp_max);
}

#endif
