/* Softmax over the last axis, int8.
 *
 * y = -128 + round(256 exp(x - max) / sum exp(x - max)), at most 127, with exp in fixed point: a
 * difference d = x - max becomes Q5.26 as round(d 2^shift mult / 2^31). Differences below diff_min,
 * which would leave Q5.26, count as exp = 0. The output's scale is 1 / 256, its zero point -128.
 *
 * Layout: x[rows][classes], y[rows][classes]; y may be x.
 * Accumulator: the sum is Q12.19, so up to 4095 classes.
 * Oracle: host/quant/interpret/softmax.ts.
 */
#ifndef ENN_S8_SOFTMAX_H
#define ENN_S8_SOFTMAX_H

#include "enn_fixed.h"

struct enn_softmax_s8 {
  int32_t rows, classes;
  int32_t mult, shift; /* shift >= 0 */
  int32_t diff_min;
};

/* exp(difference) in Q0.31, for differences in [diff_min, 0]. */
ENN_INLINE int32_t enn_softmax_exp(const ENN_CONST struct enn_softmax_s8 *p, int32_t difference) {
  return enn_exp_on_negative(
      enn_doubling_high_mul(enn_shift_left(difference, p->shift), p->mult));
}

ENN_INLINE void enn_softmax_s8__ref(const ENN_CONST struct enn_softmax_s8 *p, const int8_t *x,
                                    int8_t *y) {
  for (int32_t row = 0; row < p->rows; row++) {
    int32_t max = INT8_MIN;
    for (int32_t c = 0; c < p->classes; c++) max = enn_max(max, x[c]);

    int32_t sum = 0;
    for (int32_t c = 0; c < p->classes; c++) {
      const int32_t difference = x[c] - max;
      if (difference >= p->diff_min)
        sum += enn_rounding_divide_by_pot(enn_softmax_exp(p, difference), 12);
    }

    /* 1 / sum = scale 2^-(12 - zeros): normalise to [1, 2), then invert. The largest element adds
     * 2^19, so at most 12 leading zeros are left. */
    const int32_t zeros = enn_leading_zeros((uint32_t)sum);
    const int32_t scale =
        enn_one_over_one_plus((int32_t)(((uint32_t)sum << zeros) - 0x80000000u));
    const int32_t exponent = 12 - zeros + 31 - 8;
    for (int32_t c = 0; c < p->classes; c++) {
      const int32_t difference = x[c] - max;
      int32_t out = 0;
      /* From an exponent of 32 on (512 classes or more, none prominent) every result rounds to 0. */
      if (difference >= p->diff_min && exponent < 32) {
        out = enn_rounding_divide_by_pot(
            enn_doubling_high_mul(scale, enn_softmax_exp(p, difference)), exponent);
      }
      y[c] = enn_clamp_s8(out - 128, INT8_MIN, INT8_MAX);
    }
    x += p->classes;
    y += p->classes;
  }
}

#endif
