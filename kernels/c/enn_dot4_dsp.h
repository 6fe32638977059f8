/* Columns of four pixels times the weights of one channel, for Armv7E-M: what conv2d of int16
 * activations and conv2d of 4-bit weights share.
 *
 * A block of the columns is eight words: the pairs (enn_dsp.h) of four pixels that meet the even bytes
 * of a word of weights, then those that meet its odd bytes. Everything is int32 and wraps.
 *
 * Bytes: 16 MAC in 13 instructions, as in enn_s8_conv_dsp.h. Nibbles: a word has eight weights; its
 * upper nibbles are a block, its lower ones the next. A nibble is left in the upper half of its byte, so
 * that sums are 16 times what they should be: 32 MAC in 31 instructions.
 */
#ifndef ENN_DOT4_DSP_H
#define ENN_DOT4_DSP_H

#include "enn_dsp.h"

#define ENN_DOT4_BYTES 32 /* of a block */

struct enn_dot4 {
  int32_t acc[4];
};

#if ENN_HAS_DSP
#define ENN_DOT4_FOUR                 \
  " ldmia %[x]!, {r4-r6, r8}\n"       \
  " smlad %[a], r4, r10, %[a]\n"      \
  " smlad %[b], r5, r10, %[b]\n"      \
  " smlad %[c], r6, r10, %[c]\n"      \
  " smlad %[d], r8, r10, %[d]\n"

#define ENN_DOT4_S8                   \
  " ldr r9, [%[w]], #4\n"             \
  " sxtb16 r10, r9\n" ENN_DOT4_FOUR   \
  " sxtb16 r10, r9, ror #8\n" ENN_DOT4_FOUR

#define ENN_DOT4_S4                        \
  " ldr r9, [%[w]], #4\n"                  \
  " and r10, r9, #0xF0F0F0F0\n"            \
  " sxtb16 r10, r10\n" ENN_DOT4_FOUR       \
  " and r10, r9, #0xF0F0F0F0\n"            \
  " lsl r9, r9, #4\n"                      \
  " sxtb16 r10, r10, ror #8\n" ENN_DOT4_FOUR \
  " and r10, r9, #0xF0F0F0F0\n"            \
  " sxtb16 r10, r10\n" ENN_DOT4_FOUR       \
  " and r10, r9, #0xF0F0F0F0\n"            \
  " sxtb16 r10, r10, ror #8\n" ENN_DOT4_FOUR

#define ENN_DOT4_LOOP(words)                                                                \
  __asm__ volatile("1:\n" words " subs %[n], #1\n bne 1b\n"                                 \
                   : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [x] "+r"(x),       \
                     [w] "+r"(w), [n] "+r"(n)                                               \
                   :                                                                        \
                   : "r4", "r5", "r6", "r8", "r9", "r10", "cc", "memory")

/* acc + one channel of four pixels, over `words` words of weights, which are passed: bytes, or nibbles
 * where `nibbles` is 1. */
ENN_INLINE struct enn_dot4 enn_dot4(const int8_t *columns, const ENN_CONST int8_t **weights,
                                    int32_t words, int32_t nibbles, int32_t bias) {
  /* Thirteen registers are in use: the compiler does not always find them by itself. */
  register int32_t a __asm__("r0") = bias;
  register int32_t b __asm__("r1") = bias;
  register int32_t c __asm__("r2") = bias;
  register int32_t d __asm__("r3") = bias;
  register const int8_t *x __asm__("r11") = columns;
  register const ENN_CONST int8_t *w __asm__("r12") = *weights;
  register int32_t n __asm__("lr");
  if (nibbles) {
    n = words >> 1;
    if (n > 0) ENN_DOT4_LOOP(ENN_DOT4_S4 ENN_DOT4_S4);
    n = words & 1;
    if (n > 0) ENN_DOT4_LOOP(ENN_DOT4_S4);
  } else {
    n = words >> 2;
    if (n > 0) ENN_DOT4_LOOP(ENN_DOT4_S8 ENN_DOT4_S8 ENN_DOT4_S8 ENN_DOT4_S8);
    n = words & 3;
    if (n > 0) ENN_DOT4_LOOP(ENN_DOT4_S8);
  }
  *weights = w;
  return (struct enn_dot4){{a, b, c, d}};
}
#else
ENN_INLINE void enn_dot4_pairs(const int8_t *columns, uint32_t pair, struct enn_dot4 *sum) {
  for (int32_t i = 0; i < 4; i++)
    sum->acc[i] = enn_smlad(enn_load32(columns + 4 * i), pair, sum->acc[i]);
}
ENN_INLINE void enn_dot4_word(const int8_t *columns, uint32_t word, struct enn_dot4 *sum) {
  enn_dot4_pairs(columns, enn_even(word), sum);
  enn_dot4_pairs(columns + 16, enn_odd(word), sum);
}
ENN_INLINE struct enn_dot4 enn_dot4(const int8_t *columns, const ENN_CONST int8_t **weights,
                                    int32_t words, int32_t nibbles, int32_t bias) {
  const ENN_CONST int8_t *w = *weights;
  struct enn_dot4 sum = {{bias, bias, bias, bias}};
  for (; words > 0; words--, w += 4) {
    const uint32_t word = enn_load32(w);
    enn_dot4_word(columns, nibbles ? word & 0xF0F0F0F0u : word, &sum);
    columns += ENN_DOT4_BYTES;
    if (!nibbles) continue;
    enn_dot4_word(columns, word << 4 & 0xF0F0F0F0u, &sum);
    columns += ENN_DOT4_BYTES;
  }
  *weights = w;
  return sum;
}
#endif

#endif
