/* Fixed-point arithmetic of the int8 kernels.
 *
 * A real factor is mult * 2^(shift - 31), mult in [2^30, 2^31) or 0, shift in [-31, 31] (positive
 * shifts left). Numbers named Qm.n have m integer and n fraction bits. The rounding is that of the
 * TensorFlow Lite reference kernels built with double rounding: round once in the doubling high
 * multiply, once more in the division by a power of two.
 *
 * Oracle: host/core/fixed-point.ts. Nothing here uses floating point or undefined behaviour; what
 * C11 leaves to the compiler (right shifts and conversions of negative numbers) is asserted below.
 */
#ifndef ENN_FIXED_H
#define ENN_FIXED_H

#include <stdint.h>

/* The address space of constants; empty wherever flash is read like RAM. */
#ifndef ENN_CONST
#ifdef __AVR__
#define ENN_CONST __flash
#else
#define ENN_CONST
#endif
#endif

#define ENN_INLINE static inline __attribute__((always_inline))
/* Once in a program, where inlining would copy a loop that several callers need. */
#define ENN_OUTLINE static __attribute__((noinline, unused))

_Static_assert((-3 >> 1) == -2, "right shifts of negative numbers must be arithmetic");
_Static_assert((int32_t)0xFFFFFFFFu == -1, "conversions to int32_t must wrap");

ENN_INLINE int32_t enn_min(int32_t a, int32_t b) { return a < b ? a : b; }
ENN_INLINE int32_t enn_max(int32_t a, int32_t b) { return a > b ? a : b; }

/* x limited to [low, high], as int8. */
ENN_INLINE int8_t enn_clamp_s8(int32_t x, int32_t low, int32_t high) {
  return (int8_t)enn_min(enn_max(x, low), high);
}

/* round(a b / 2^31), halves upwards, saturated: the high half of twice the product. */
ENN_INLINE int32_t enn_doubling_high_mul(int32_t a, int32_t b) {
  if (a == INT32_MIN && b == INT32_MIN) return INT32_MAX;
  return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* round(x / 2^exponent), halves away from zero; exponent in [0, 31]. */
ENN_INLINE int32_t enn_rounding_divide_by_pot(int32_t x, int32_t exponent) {
  const uint32_t mask = ((uint32_t)1 << exponent) - 1u;
  const uint32_t threshold = (mask >> 1) + (x < 0 ? 1u : 0u);
  return (x >> exponent) + (((uint32_t)x & mask) > threshold ? 1 : 0);
}

/* x 2^left in 32 bits, wrapping; left in [0, 31]. */
ENN_INLINE int32_t enn_shift_left(int32_t x, int32_t left) {
  return (int32_t)((uint32_t)x << left);
}

/* x times a real factor, rounded twice. Where shift is positive, x 2^shift should fit into int32: it
 * wraps. */
ENN_INLINE int32_t enn_multiply(int32_t x, int32_t mult, int32_t shift) {
  const int32_t left = enn_max(shift, 0);
  return enn_rounding_divide_by_pot(enn_doubling_high_mul(enn_shift_left(x, left), mult),
                                    left - shift);
}

/* clamp(zero + round(x factor)): an accumulator as an output. The clamp comes first, so that no sum
 * can leave int32. */
ENN_INLINE int32_t enn_rescale(int32_t x, int32_t mult, int32_t shift, int32_t zero, int32_t low,
                               int32_t high) {
  const int32_t scaled = enn_multiply(x, mult, shift);
  return zero + enn_min(enn_max(scaled, low - zero), high - zero);
}

/* The same as int8. */
ENN_INLINE int8_t enn_requantize(int32_t x, int32_t mult, int32_t shift, int32_t zero, int32_t low,
                                 int32_t high) {
  return (int8_t)enn_rescale(x, mult, shift, zero, low, high);
}

/* An element of int16 in memory that is declared as bytes. */
typedef int16_t __attribute__((may_alias)) enn_s16;

/* clamp(round(x mult 2^(shift - 15))), rounded once, halves upwards: an accumulator of 64 bits as
 * int16, by a multiplier of 15 bits; shift in [-31, 14], |x| < 2^47. The quotient wraps to int32
 * before it is clamped, as in the reference. */
ENN_INLINE int16_t enn_requantize_wide(int64_t x, int32_t mult, int32_t shift, int32_t low,
                                       int32_t high) {
  const int32_t right = 15 - shift;
  const int64_t scaled = (x * mult + ((int64_t)1 << (right - 1))) >> right;
  return (int16_t)enn_min(enn_max((int32_t)scaled, low), high);
}

/* x 2^exponent, saturated; exponent in [0, 30]. */
ENN_INLINE int32_t enn_saturating_shift_left(int32_t x, int32_t exponent) {
  const int32_t limit = INT32_MAX >> exponent;
  if (x > limit) return INT32_MAX;
  if (x < -limit - 1) return INT32_MIN;
  return enn_shift_left(x, exponent);
}

/* exp(a) for a in [-1/4, 0), both Q0.31: a Taylor polynomial of degree 4 around -1/8. */
ENN_INLINE int32_t enn_exp_near_zero(int32_t a) {
  const int32_t exp_of_minus_eighth = 1895147668;
  const int32_t one_third = 715827883;
  const int32_t x = a + ((int32_t)1 << 28);
  const int32_t x2 = enn_doubling_high_mul(x, x);
  const int32_t x3 = enn_doubling_high_mul(x2, x);
  const int32_t x4 = enn_doubling_high_mul(x2, x2);
  const int32_t x4_over_4 = enn_rounding_divide_by_pot(x4, 2);
  const int32_t higher =
      enn_rounding_divide_by_pot(enn_doubling_high_mul(x4_over_4 + x3, one_third) + x2, 1);
  return exp_of_minus_eighth + enn_doubling_high_mul(exp_of_minus_eighth, x + higher);
}

/* exp(a) for a <= 0; a is Q5.26, the result Q0.31. */
ENN_INLINE int32_t enn_exp_on_negative(int32_t a) {
  /* exp(-1/4), exp(-1/2), ... exp(-16) in Q0.31. */
  static const ENN_CONST int32_t factor[7] = {1672461947, 1302514674, 790015084, 290630308,
                                              39332535,   720401,     242};
  const int32_t quarter = (int32_t)1 << 24;
  if (a == 0) return INT32_MAX;
  const int32_t rest = (int32_t)((uint32_t)a & (uint32_t)(quarter - 1)) - quarter;
  const uint32_t remainder = (uint32_t)rest - (uint32_t)a;
  int32_t result = enn_exp_near_zero(enn_saturating_shift_left(rest, 5));
  for (int32_t i = 0; i < 7; i++) {
    if (remainder >> (24 + i) & 1u) result = enn_doubling_high_mul(result, factor[i]);
  }
  return result;
}

/* 1 / (1 + a) for a in [0, 1), both Q0.31: three Newton steps from 48/17 - 32/17 d. */
ENN_INLINE int32_t enn_one_over_one_plus(int32_t a) {
  const int32_t half_denominator = (int32_t)(((uint32_t)a + 0x80000000u) >> 1);
  int32_t x = 1515870810 + enn_doubling_high_mul(half_denominator, -1010580540);
  for (int32_t i = 0; i < 3; i++) {
    const int32_t error = ((int32_t)1 << 29) - enn_doubling_high_mul(half_denominator, x);
    x += enn_saturating_shift_left(enn_doubling_high_mul(x, error), 2);
  }
  return enn_saturating_shift_left(x, 1);
}

/* Leading zero bits of x > 0. */
ENN_INLINE int32_t enn_leading_zeros(uint32_t x) {
  int32_t n = 0;
  for (uint32_t half = 16; half > 0; half >>= 1) {
    if (x >> (32u - half) == 0) {
      x <<= half;
      n += (int32_t)half;
    }
  }
  return n;
}

#endif
