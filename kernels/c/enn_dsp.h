/* The SIMD instructions of Armv7E-M that the `dsp` kernels use, and the same in plain C, so that
 * these kernels also run, and are tested, on any other machine.
 *
 * A pair is a word of two int16, the lower one first. Bytes 0 and 2 of a word are its even bytes, 1
 * and 3 its odd ones: SXTB16 widens the even ones to a pair, with a rotation the odd ones. Operands
 * that are both widened so need no shuffling: four products are one SMLAD of each kind.
 *
 * The instructions are volatile, because a compiler that moves them apart to hide latencies runs out
 * of registers: gcc 12 then spills, and takes half as many instructions again.
 *
 * Requantization: for a factor mult 2^-(31 + right), right in [1, 22], and |acc| < 2^30 (the compiler
 * proves it), both roundings of enn_multiply (enn_fixed.h) are one SMMLAR and one shift:
 *
 *     (base + sign + round(2 acc mult / 2^32)) >> right,  base = 2^(right-1) + zero 2^right
 *
 * with sign = -1 where acc < 0. It is the sign of the rounded product as well, or that is 0, where
 * the sign changes nothing, because 2^(right-1) - 1 >= 0.
 */
#ifndef ENN_DSP_H
#define ENN_DSP_H

#include "enn_fixed.h"

/* A word from any address, little-endian. */
ENN_INLINE uint32_t enn_load32(const int8_t *from) {
  uint32_t word;
  __builtin_memcpy(&word, from, sizeof word);
  return word;
}

ENN_INLINE void enn_store32(int8_t *to, uint32_t word) {
  __builtin_memcpy(to, &word, sizeof word);
}

ENN_INLINE void enn_store16(int8_t *to, int32_t x) {
  const int16_t half = (int16_t)x;
  __builtin_memcpy(to, &half, sizeof half);
}

/* Two bytes from any address to any other. */
ENN_INLINE void enn_copy16(const int8_t *from, int8_t *to) {
  int16_t half;
  __builtin_memcpy(&half, from, sizeof half);
  __builtin_memcpy(to, &half, sizeof half);
}

/* a + b, wrapping. */
ENN_INLINE int32_t enn_wrapping_add(int32_t a, int32_t b) {
  return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* Two of the same int16. */
ENN_INLINE uint32_t enn_pair_of(int32_t x) { return (uint32_t)(uint16_t)x * 0x10001u; }

ENN_INLINE int32_t enn_low16(uint32_t pair) { return (int16_t)(pair & 0xFFFFu); }

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define ENN_HAS_DSP 1

/* acc + the two products of int16. */
ENN_INLINE int32_t enn_smlad(uint32_t a, uint32_t b, int32_t acc) {
  __asm__ volatile("smlad %0, %1, %2, %0" : "+r"(acc) : "r"(a), "r"(b));
  return acc;
}

/* acc + the product of the lower int16; of the upper ones. */
ENN_INLINE int32_t enn_smlabb(uint32_t a, uint32_t b, int32_t acc) {
  __asm__ volatile("smlabb %0, %1, %2, %0" : "+r"(acc) : "r"(a), "r"(b));
  return acc;
}
ENN_INLINE int32_t enn_smlatt(uint32_t a, uint32_t b, int32_t acc) {
  __asm__ volatile("smlatt %0, %1, %2, %0" : "+r"(acc) : "r"(a), "r"(b));
  return acc;
}

/* acc + lower of a times upper of b; upper of a times lower of b. */
ENN_INLINE int32_t enn_smlabt(uint32_t a, uint32_t b, int32_t acc) {
  __asm__ volatile("smlabt %0, %1, %2, %0" : "+r"(acc) : "r"(a), "r"(b));
  return acc;
}
ENN_INLINE int32_t enn_smlatb(uint32_t a, uint32_t b, int32_t acc) {
  __asm__ volatile("smlatb %0, %1, %2, %0" : "+r"(acc) : "r"(a), "r"(b));
  return acc;
}

/* Two words at *from, which moves on by one; 4-aligned. */
ENN_INLINE void enn_slide(const int8_t **from, uint32_t *first, uint32_t *second) {
  __asm__ volatile("ldrd %0, %1, [%2], #4"
                   : "=&r"(*first), "=&r"(*second), "+r"(*from)
                   :
                   : "memory");
}

/* A pair of two numbers. */
ENN_INLINE uint32_t enn_pair(int32_t low, int32_t high) {
  uint32_t pair;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(low), "r"(high));
  return pair;
}

/* Sums of pairs. */
ENN_INLINE uint32_t enn_add_pairs(uint32_t a, uint32_t b) {
  uint32_t sum;
  __asm__("sadd16 %0, %1, %2" : "=r"(sum) : "r"(a), "r"(b));
  return sum;
}

/* pair + the even bytes of x; pair + the odd ones. */
ENN_INLINE uint32_t enn_add_even(uint32_t pair, uint32_t x) {
  uint32_t sum;
  __asm__ volatile("sxtab16 %0, %1, %2" : "=r"(sum) : "r"(pair), "r"(x));
  return sum;
}
ENN_INLINE uint32_t enn_add_odd(uint32_t pair, uint32_t x) {
  uint32_t sum;
  __asm__ volatile("sxtab16 %0, %1, %2, ror #8" : "=r"(sum) : "r"(pair), "r"(x));
  return sum;
}

/* The even bytes of x as a pair; the odd ones. */
ENN_INLINE uint32_t enn_even(uint32_t x) {
  uint32_t pair;
  __asm__ volatile("sxtb16 %0, %1" : "=r"(pair) : "r"(x));
  return pair;
}
ENN_INLINE uint32_t enn_odd(uint32_t x) {
  uint32_t pair;
  __asm__ volatile("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(x));
  return pair;
}

/* The larger, and the smaller, of each of four int8. */
ENN_INLINE uint32_t enn_max_bytes(uint32_t a, uint32_t b) {
  uint32_t y;
  __asm__ volatile("ssub8 %0, %1, %2\n sel %0, %1, %2" : "=&r"(y) : "r"(a), "r"(b) : "cc");
  return y;
}
ENN_INLINE uint32_t enn_min_bytes(uint32_t a, uint32_t b) {
  uint32_t y;
  __asm__ volatile("ssub8 %0, %1, %2\n sel %0, %2, %1" : "=&r"(y) : "r"(a), "r"(b) : "cc");
  return y;
}

/* The odd bytes of x as a pair without sign. */
ENN_INLINE uint32_t enn_odd_bytes(uint32_t x) {
  uint32_t pair;
  __asm__ volatile("uxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(x));
  return pair;
}

/* The bytes of each half changed about. */
ENN_INLINE uint32_t enn_swap_bytes(uint32_t x) {
  uint32_t y;
  __asm__ volatile("rev16 %0, %1" : "=r"(y) : "r"(x));
  return y;
}

/* acc + round(a b / 2^32). */
ENN_INLINE int32_t enn_smmlar(int32_t a, int32_t b, int32_t acc) {
  int32_t sum;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(acc));
  return sum;
}

/* x limited to int8. */
ENN_INLINE int32_t enn_ssat8(int32_t x) {
  int32_t y;
  __asm__("ssat %0, #8, %1" : "=r"(y) : "r"(x));
  return y;
}

/* x >> 22 limited to int8; x >> 18. */
ENN_INLINE int32_t enn_ssat8_asr22(int32_t x) {
  int32_t y;
  __asm__("ssat %0, #8, %1, asr #22" : "=r"(y) : "r"(x));
  return y;
}
ENN_INLINE int32_t enn_ssat8_asr18(int32_t x) {
  int32_t y;
  __asm__("ssat %0, #8, %1, asr #18" : "=r"(y) : "r"(x));
  return y;
}

#else
#define ENN_HAS_DSP 0

ENN_INLINE int32_t enn_high16(uint32_t pair) { return (int16_t)(pair >> 16); }
ENN_INLINE int32_t enn_smlabb(uint32_t a, uint32_t b, int32_t acc) {
  return enn_wrapping_add(acc, enn_low16(a) * enn_low16(b));
}
ENN_INLINE int32_t enn_smlatt(uint32_t a, uint32_t b, int32_t acc) {
  return enn_wrapping_add(acc, enn_high16(a) * enn_high16(b));
}
ENN_INLINE int32_t enn_smlabt(uint32_t a, uint32_t b, int32_t acc) {
  return enn_wrapping_add(acc, enn_low16(a) * enn_high16(b));
}
ENN_INLINE int32_t enn_smlatb(uint32_t a, uint32_t b, int32_t acc) {
  return enn_wrapping_add(acc, enn_high16(a) * enn_low16(b));
}
ENN_INLINE void enn_slide(const int8_t **from, uint32_t *first, uint32_t *second) {
  *first = enn_load32(*from);
  *second = enn_load32(*from + 4);
  *from += 4;
}
ENN_INLINE uint32_t enn_pair(int32_t low, int32_t high) {
  return ((uint32_t)low & 0xFFFFu) | (uint32_t)high << 16;
}
ENN_INLINE uint32_t enn_add_pairs(uint32_t a, uint32_t b) {
  return enn_pair(enn_low16(a) + enn_low16(b), enn_high16(a) + enn_high16(b));
}
ENN_INLINE int32_t enn_smlad(uint32_t a, uint32_t b, int32_t acc) {
  return enn_smlatt(a, b, enn_smlabb(a, b, acc));
}
ENN_INLINE uint32_t enn_add_even(uint32_t pair, uint32_t x) {
  const int32_t low = enn_low16(pair) + (int8_t)(x & 0xFFu);
  const int32_t high = enn_high16(pair) + (int8_t)(x >> 16 & 0xFFu);
  return ((uint32_t)low & 0xFFFFu) | (uint32_t)high << 16;
}
ENN_INLINE uint32_t enn_add_odd(uint32_t pair, uint32_t x) { return enn_add_even(pair, x >> 8); }
ENN_INLINE uint32_t enn_even(uint32_t x) { return enn_add_even(0, x); }
ENN_INLINE uint32_t enn_odd(uint32_t x) { return enn_add_odd(0, x); }
ENN_INLINE uint32_t enn_max_bytes(uint32_t a, uint32_t b) {
  uint32_t y = 0;
  for (int32_t i = 0; i < 32; i += 8)
    y |= (uint32_t)(uint8_t)enn_max((int8_t)(a >> i & 0xFFu), (int8_t)(b >> i & 0xFFu)) << i;
  return y;
}
ENN_INLINE uint32_t enn_min_bytes(uint32_t a, uint32_t b) {
  uint32_t y = 0;
  for (int32_t i = 0; i < 32; i += 8)
    y |= (uint32_t)(uint8_t)enn_min((int8_t)(a >> i & 0xFFu), (int8_t)(b >> i & 0xFFu)) << i;
  return y;
}
ENN_INLINE uint32_t enn_odd_bytes(uint32_t x) { return x >> 8 & 0x00FF00FFu; }
ENN_INLINE uint32_t enn_swap_bytes(uint32_t x) {
  return (x & 0x00FF00FFu) << 8 | (x >> 8 & 0x00FF00FFu);
}
ENN_INLINE int32_t enn_smmlar(int32_t a, int32_t b, int32_t acc) {
  const int64_t product = (int64_t)a * b + ((int64_t)1 << 31);
  return enn_wrapping_add(acc, (int32_t)(product >> 32));
}
ENN_INLINE int32_t enn_ssat8(int32_t x) { return enn_min(enn_max(x, INT8_MIN), INT8_MAX); }
ENN_INLINE int32_t enn_ssat8_asr22(int32_t x) { return enn_ssat8(x >> 22); }
ENN_INLINE int32_t enn_ssat8_asr18(int32_t x) { return enn_ssat8(x >> 18); }
#endif

/* Bytes, `step` apart, as int16 less the zero point (`minus` is -zero twice). */
ENN_INLINE void enn_gather_line(const int8_t *x, int32_t count, int32_t step, uint32_t minus,
                               int8_t *to) {
  for (; count >= 4; count -= 4, x += 4 * step, to += 8) {
    const int8_t *half = x + 2 * step;
    enn_store32(to, enn_add_pairs(minus, enn_pair(x[0], x[step])));
    enn_store32(to + 4, enn_add_pairs(minus, enn_pair(half[0], half[step])));
  }
  for (; count > 0; count--, x += step, to += 2) enn_store16(to, enn_low16(minus) + x[0]);
}

/* `base` of a requantization, from a shift in [-22, -1]. */
ENN_INLINE int32_t enn_narrow_base(int32_t shift, int32_t zero) {
  return (int32_t)((2u * (uint32_t)zero + 1u) << (-shift - 1));
}

/* An accumulator as an output within int8. */
ENN_INLINE int32_t enn_narrow(int32_t acc, int32_t mult, int32_t base, int32_t right) {
  return enn_ssat8(enn_smmlar(enn_shift_left(acc, 1), mult, base + (acc >> 31)) >> right);
}

/* Four of the same int8. */
ENN_INLINE uint32_t enn_four_of(int32_t x) { return (uint32_t)(uint8_t)x * 0x01010101u; }

/* The clamp of a layer, where it is narrower than int8: outputs that are already written. */
ENN_OUTLINE void enn_clamp_bytes(int8_t *y, int32_t count, int32_t low, int32_t high) {
  const uint32_t lows = enn_four_of(low), highs = enn_four_of(high);
  for (; count >= 4; count -= 4, y += 4)
    enn_store32(y, enn_min_bytes(enn_max_bytes(enn_load32(y), lows), highs));
  for (; count > 0; count--, y++) *y = enn_clamp_s8(*y, low, high);
}
ENN_INLINE void enn_clamp_written(int8_t *y, int32_t count, int32_t low, int32_t high) {
  if (low != INT8_MIN || high != INT8_MAX) enn_clamp_bytes(y, count, low, high);
}

#endif
