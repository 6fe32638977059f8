/* What the `m0` kernels share: Armv6-M, the instructions of Cortex-M0 and M0+, and the same in plain C,
 * so that these kernels also run, and are tested, on any other machine.
 *
 * Two products in one MULS. A pair is the word x0 + 2^16 x1 of two int8, so that a pair times w is
 * both products at once, and sums of such words are both sums, modulo 2^32. While the lower sum
 * stays within int16 they come apart again: it is the lower half, sign-extended, and the rest is 2^16
 * times the upper one. |x| <= 128, so a run of taps with sum |w| <= 255 is safe: that is a chunk, and
 * the compiler cuts the taps into them.
 *
 * Requantization without a high multiply: host/lower/pack/levels.ts finds per channel a line that
 * gives the oracle's byte for every accumulator that the channel can reach; the bias is less its
 * origin.
 * `levels` is
 *
 *     mirror, fraction, then per channel: slope, range, offset, and under where mirror is not 0
 *
 * With high = slope >> fraction and low = the bits below, of 12, f(a) = a high + (a low >> 12) and y
 * is the lowest 8 bits of (f(a) + offset) >> 24 for a in [0, range], of (mirror - offset - f(-a)) >> 24
 * for -a in [1, under], all unsigned; 127 above, -128 below. That is nine instructions.
 */
#ifndef ENN_M0_H
#define ENN_M0_H

#include "enn_fixed.h"

#if defined(__ARM_ARCH_6M__)
#define ENN_HAS_M0 1
#else
#define ENN_HAS_M0 0
#endif

#define ENN_LEVEL_HEAD 2

/* The line of one channel, unpacked. The assembly knows the places of these fields. */
struct enn_level {
  uint32_t low, high;            /* 0, 4 */
  uint32_t range, offset;        /* 8, 12 */
  uint32_t under, under_offset;  /* 16, 20 */
};

/* How many words a channel's line takes. */
ENN_INLINE int32_t enn_level_words(const ENN_CONST int32_t *levels) { return levels[0] ? 4 : 3; }

/* The line at `entry` of a layer's levels. */
ENN_INLINE struct enn_level enn_level_at(const ENN_CONST int32_t *levels,
                                         const ENN_CONST int32_t *entry) {
  const uint32_t mirror = (uint32_t)levels[0], slope = (uint32_t)entry[0];
  const int32_t fraction = levels[1];
  return (struct enn_level){.low = slope << (32 - fraction) >> 20,
                            .high = slope >> fraction,
                            .range = (uint32_t)entry[1],
                            .offset = (uint32_t)entry[2],
                            .under = mirror ? (uint32_t)entry[3] : 0,
                            .under_offset = mirror - (uint32_t)entry[2]};
}

/* A word of memory that is 4-aligned, little-endian; at any other address the compiler would call a
 * function. */
ENN_INLINE uint32_t enn_m0_load(const int8_t *from) {
  uint32_t word;
  __builtin_memcpy(&word, __builtin_assume_aligned(from, 4), sizeof word);
  return word;
}
ENN_INLINE void enn_m0_store(int8_t *to, uint32_t word) {
  __builtin_memcpy(__builtin_assume_aligned(to, 4), &word, sizeof word);
}

/* The two numbers of a pair. */
ENN_INLINE int32_t enn_pair_low(uint32_t pair) { return (int16_t)(pair & 0xFFFFu); }
ENN_INLINE int32_t enn_pair_high(uint32_t pair) {
  return (int32_t)(pair - (uint32_t)enn_pair_low(pair)) >> 16;
}

/* acc + pair w in both numbers. */
ENN_INLINE uint32_t enn_pair_mla(uint32_t acc, uint32_t pair, int32_t w) {
  return acc + pair * (uint32_t)w;
}

ENN_INLINE int32_t enn_m0_add(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

/* An accumulator less its origin as an output. */
ENN_INLINE int8_t enn_level_out(int32_t acc, const struct enn_level *l) {
  const uint32_t over = (uint32_t)acc, below = 0u - over;
  if (over <= l->range) return (int8_t)((over * l->high + (over * l->low >> 12) + l->offset) >> 24);
  if (below <= l->under)
    return (int8_t)((l->under_offset - (below * l->high + (below * l->low >> 12))) >> 24);
  return acc < 0 ? INT8_MIN : INT8_MAX;
}

/* The clamp of a layer, where it is narrower than int8: outputs that are already written. */
ENN_INLINE void enn_m0_clamp(int8_t *y, int32_t count, int32_t low, int32_t high) {
  if (low == INT8_MIN && high == INT8_MAX) return;
  for (int32_t i = 0; i < count; i++) y[i] = enn_clamp_s8(y[i], low, high);
}

#if ENN_HAS_M0
/* gcc writes Armv6-M in the older syntax, and expects to find it again; clang knows the newer only. */
#ifdef __clang__
#define ENN_M0_ASM(text) text
#else
#define ENN_M0_ASM(text) ".syntax unified\n" text ".syntax divided\n"
#endif

/* r3 as an output: a level's low and high in r1 and r2, its range in r12, its offset in r7; r4
 * is lost. What is beyond the range leaves, and comes back; k makes labels unique. `under` and
 * `offset` load those of the second line to r4. */
#define ENN_M0_LEVEL(k)     \
  " cmp r3, r12\n"          \
  " bhi " #k "1f\n"         \
  " movs r4, r3\n"          \
  " muls r4, r1\n"          \
  " lsrs r4, r4, #12\n"     \
  " muls r3, r2\n"          \
  " adds r3, r3, r4\n"      \
  " adds r3, r3, r7\n"      \
  " lsrs r3, r3, #24\n" #k "2:\n"

#define ENN_M0_BEYOND(k, under, offset)                           \
  #k "1:\n"                                                       \
  " rsbs r3, r3, #0\n"                                            \
  under                                                           \
  " cmp r3, r4\n"                                                 \
  " bhi " #k "3f\n"                                               \
  " movs r4, r3\n"                                                \
  " muls r4, r1\n"                                                \
  " lsrs r4, r4, #12\n"                                           \
  " muls r3, r2\n"                                                \
  " adds r3, r3, r4\n"                                            \
  offset                                                          \
  " subs r3, r4, r3\n"                                            \
  " lsrs r3, r3, #24\n"                                           \
  " b " #k "2b\n" #k "3:\n" /* it is negated: -128 if positive */ \
  " asrs r3, r3, #31\n"                                           \
  " adds r3, #128\n"                                              \
  " b " #k "2b\n"
#endif

/* `count` pairs of the bytes of a and b into every second word of `to`. */
ENN_INLINE void enn_pair_run(const int8_t *a, const int8_t *b, int32_t count, int8_t *to) {
#if ENN_HAS_M0
  int32_t i = 0, low, high;
  const int32_t whole = count & ~3;
  if (whole > 0)
    __asm__ volatile(
        ENN_M0_ASM("1:\n"
        " ldrsb %[h], [%[b], %[i]]\n ldrsb %[l], [%[a], %[i]]\n lsls %[h], %[h], #16\n"
        " adds %[l], %[l], %[h]\n str %[l], [%[to]]\n adds %[i], #1\n"
        " ldrsb %[h], [%[b], %[i]]\n ldrsb %[l], [%[a], %[i]]\n lsls %[h], %[h], #16\n"
        " adds %[l], %[l], %[h]\n str %[l], [%[to], #8]\n adds %[i], #1\n"
        " ldrsb %[h], [%[b], %[i]]\n ldrsb %[l], [%[a], %[i]]\n lsls %[h], %[h], #16\n"
        " adds %[l], %[l], %[h]\n str %[l], [%[to], #16]\n adds %[i], #1\n"
        " ldrsb %[h], [%[b], %[i]]\n ldrsb %[l], [%[a], %[i]]\n lsls %[h], %[h], #16\n"
        " adds %[l], %[l], %[h]\n str %[l], [%[to], #24]\n adds %[i], #1\n"
        " adds %[to], #32\n cmp %[i], %[n]\n bne 1b\n")
        : [i] "+&l"(i), [to] "+&l"(to), [l] "=&l"(low), [h] "=&l"(high)
        : [a] "l"(a), [b] "l"(b), [n] "lh"(whole)
        : "cc", "memory");
#else
  int32_t i = 0;
#endif
  for (; i < count; i++, to += 8)
    enn_m0_store(to, (uint32_t)a[i] + ((uint32_t)b[i] << 16));
}

#endif
