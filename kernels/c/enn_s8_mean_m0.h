/* Mean over axes, int8, for Armv6-M.
 *
 * y as enn_s8_reduce.h says; `zero_sum` is what is taken off the sum before its line (enn_m0.h), one for
 * all channels, so the origin of that is in it.
 *
 * Block: 4 elements in 14 instructions.
 *
 * Accumulator: |acc| <= 255 n < 2^30, proven by the compiler. Order of reading: any.
 * Oracle: host/quant/interpret/pool.ts.
 */
#ifndef ENN_S8_MEAN_M0_H
#define ENN_S8_MEAN_M0_H

#include "enn_m0.h"
#include "enn_s8_reduce.h"

/* acc + `count` bytes, `step` apart. */
ENN_INLINE int32_t enn_m0_total(const int8_t *x, int32_t count, int32_t step, int32_t acc) {
#if ENN_HAS_M0
  int32_t i = 0, byte, fours = count >> 2;
  if (fours > 0)
    __asm__ volatile(
        ENN_M0_ASM("1:\n"
        " ldrsb %[b], [%[x], %[i]]\n adds %[acc], %[b]\n adds %[i], %[step]\n"
        " ldrsb %[b], [%[x], %[i]]\n adds %[acc], %[b]\n adds %[i], %[step]\n"
        " ldrsb %[b], [%[x], %[i]]\n adds %[acc], %[b]\n adds %[i], %[step]\n"
        " ldrsb %[b], [%[x], %[i]]\n adds %[acc], %[b]\n adds %[i], %[step]\n"
        " subs %[n], #1\n bne 1b\n")
        : [i] "+&l"(i), [acc] "+&l"(acc), [n] "+&l"(fours), [b] "=&l"(byte)
        : [x] "l"(x), [step] "l"(step)
        : "cc", "memory");
  x += i;
  count &= 3;
#endif
  for (; count > 0; count--, x += step) acc += *x;
  return acc;
}

ENN_INLINE void enn_mean_s8__m0(const ENN_CONST struct enn_mean_s8 *p, const int8_t *x,
                                const ENN_CONST int32_t *levels, int8_t *y) {
  const struct enn_level level = enn_level_at(levels, levels + ENN_LEVEL_HEAD);
  const int32_t inner = p->inner, middle = p->middle;
  const int32_t row = p->reduce1 * inner, line = middle * row; /* bytes */
  /* Rows without a gap are one. */
  const int32_t rows = middle == 1 ? 1 : p->reduce0;
  const int32_t cols = middle == 1 ? p->reduce0 * p->reduce1 : p->reduce1;
  for (int32_t a = 0; a < p->outer; a++, x += p->reduce0 * line) {
    const int8_t *from = x;
    for (int32_t b = 0; b < middle; b++, from += row) {
      for (int32_t c = 0; c < inner; c++) {
        const int8_t *at = from + c;
        int32_t acc = -p->zero_sum;
        for (int32_t r = rows; r > 0; r--, at += line) acc = enn_m0_total(at, cols, inner, acc);
        *y++ = enn_level_out(acc, &level);
      }
    }
  }
}

#endif
