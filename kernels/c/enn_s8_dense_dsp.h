/* Fully connected layer, int8, for Armv7E-M: four outputs at a time.
 *
 * y as enn_s8_dense.h says, with the input's zero point in the bias: bias[o] - in_zero sum w[o].
 *
 * Layout: out / 4 groups of w[blocks][4][4] (four inputs of four outputs), blocks = ceil(in / 4),
 * zeros behind the last input; then the out % 4 outputs that are left, w[blocks][4] each. 4-aligned,
 * as x is.
 *
 * Block: 4 outputs x 4 inputs = 16 MAC in 20 instructions: LDR and two SXTB16 for x, LDM of four
 * words of weights, eight SXTB16, eight SMLAD. It is limited by weights that serve only once.
 *
 * Accumulator: |acc| < 2^30 and shift in [-22, -1], proven by the compiler; order of reading: all of
 * x for every four outputs.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DENSE_DSP_H
#define ENN_S8_DENSE_DSP_H

#include "enn_dsp.h"
#include "enn_s8_dense.h"

struct enn_rows {
  int32_t acc[4];
};

#if ENN_HAS_DSP
#define ENN_ROWS4_ROW(word, acc)   \
  " sxtb16 r10, " word "\n"        \
  " smlad " acc ", r8, r10, " acc "\n" \
  " sxtb16 " word ", " word ", ror #8\n" \
  " smlad " acc ", r9, " word ", " acc "\n"

#define ENN_ROWS4_BLOCK           \
  " ldr r9, [%[x]], #4\n"         \
  " ldmia %[w]!, {r3-r6}\n"       \
  " sxtb16 r8, r9\n"              \
  " sxtb16 r9, r9, ror #8\n"      \
  ENN_ROWS4_ROW("r3", "%[a]")     \
  ENN_ROWS4_ROW("r4", "%[b]")     \
  ENN_ROWS4_ROW("r5", "%[c]")     \
  ENN_ROWS4_ROW("r6", "%[d]")

#define ENN_ROWS4_FOUR ENN_ROWS4_BLOCK ENN_ROWS4_BLOCK ENN_ROWS4_BLOCK ENN_ROWS4_BLOCK

#define ENN_ROWS4(blocks)                                                                     \
  __asm__ volatile(blocks : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [x] "+r"(x),  \
                            [w] "+r"(w)                                                       \
                   :                                                                          \
                   : "r3", "r4", "r5", "r6", "r8", "r9", "r10", "memory")

/* Four outputs over whole blocks, whose weights are passed. */
ENN_INLINE struct enn_rows enn_rows4(const int8_t *input, const ENN_CONST int8_t **weights,
                                     int32_t blocks, const ENN_CONST int32_t *bias) {
  /* Thirteen registers are in use: the compiler does not always find them by itself. */
  register int32_t a __asm__("r0") = bias[0];
  register int32_t b __asm__("r1") = bias[1];
  register int32_t c __asm__("r2") = bias[2];
  register int32_t d __asm__("r12") = bias[3];
  register const int8_t *x __asm__("r11") = input;
  register const ENN_CONST int8_t *w __asm__("lr") = *weights;
  for (int32_t n = blocks >> 4; n > 0; n--)
    ENN_ROWS4(ENN_ROWS4_FOUR ENN_ROWS4_FOUR ENN_ROWS4_FOUR ENN_ROWS4_FOUR);
  for (int32_t n = blocks & 15; n > 0; n--) ENN_ROWS4(ENN_ROWS4_BLOCK);
  *weights = w;
  return (struct enn_rows){{a, b, c, d}};
}
#else
ENN_INLINE struct enn_rows enn_rows4(const int8_t *x, const ENN_CONST int8_t **weights,
                                     int32_t blocks, const ENN_CONST int32_t *bias) {
  const ENN_CONST int8_t *w = *weights;
  struct enn_rows out = {{bias[0], bias[1], bias[2], bias[3]}};
  for (; blocks > 0; blocks--, x += 4) {
    const uint32_t even = enn_even(enn_load32(x)), odd = enn_odd(enn_load32(x));
    for (int32_t i = 0; i < 4; i++, w += 4) {
      const uint32_t word = enn_load32(w);
      out.acc[i] = enn_smlad(odd, enn_odd(word), enn_smlad(even, enn_even(word), out.acc[i]));
    }
  }
  *weights = w;
  return out;
}
#endif

/* The last inputs, fewer than four, as a word. */
ENN_INLINE uint32_t enn_last_word(const int8_t *x, int32_t count) {
  uint32_t word = 0;
  for (int32_t i = count - 1; i >= 0; i--) word = word << 8 | (uint8_t)x[i];
  return word;
}

struct enn_factor {
  int32_t mult, base, right;
};

ENN_INLINE struct enn_factor enn_factor_of(int32_t mult, int32_t shift, int32_t zero) {
  return (struct enn_factor){mult, enn_narrow_base(shift, zero), -shift};
}

ENN_INLINE int8_t enn_dense_out(int32_t acc, int32_t mult, int32_t shift, int32_t zero) {
  return (int8_t)enn_narrow(acc, mult, enn_narrow_base(shift, zero), -shift);
}

/* acc + four products. */
ENN_INLINE int32_t enn_dot_word(uint32_t x, const ENN_CONST int8_t *w, int32_t acc) {
  const uint32_t word = enn_load32(w);
  return enn_smlad(enn_odd(x), enn_odd(word), enn_smlad(enn_even(x), enn_even(word), acc));
}

/* The last inputs of four outputs. */
ENN_INLINE struct enn_rows enn_rows4_last(struct enn_rows sum, uint32_t x,
                                          const ENN_CONST int8_t *w) {
  return (struct enn_rows){
      {enn_dot_word(x, w, sum.acc[0]), enn_dot_word(x, w + 4, sum.acc[1]),
       enn_dot_word(x, w + 8, sum.acc[2]), enn_dot_word(x, w + 12, sum.acc[3])}};
}

ENN_INLINE void enn_dense_s8_rows4__dsp(const ENN_CONST struct enn_dense_s8 *p, const int8_t *x,
                                        const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                        const ENN_CONST int32_t *mult,
                                        const ENN_CONST int8_t *shift, int8_t *y) {
  const int32_t whole = p->in / 4, rest = p->in & 3, step = p->per_axis ? 1 : 0;
  const uint32_t last = enn_last_word(x + 4 * whole, rest);
  struct enn_factor f = enn_factor_of(*mult, *shift, p->out_zero);
  const int32_t plain = rest == 0 && step == 0;
  int8_t *at = y;
  for (int8_t *const end = y + (p->out - (p->out & 3)); at < end; bias += 4, at += 4) {
    struct enn_rows sum = enn_rows4(x, &w, whole, bias);
    if (plain) {
      at[0] = (int8_t)enn_narrow(sum.acc[0], f.mult, f.base, f.right);
      at[1] = (int8_t)enn_narrow(sum.acc[1], f.mult, f.base, f.right);
      at[2] = (int8_t)enn_narrow(sum.acc[2], f.mult, f.base, f.right);
      at[3] = (int8_t)enn_narrow(sum.acc[3], f.mult, f.base, f.right);
      continue;
    }
    if (rest > 0) {
      sum = enn_rows4_last(sum, last, w);
      w += 16;
    }
    at[0] = enn_dense_out(sum.acc[0], mult[0], shift[0], p->out_zero);
    at[1] = enn_dense_out(sum.acc[1], mult[1 * step], shift[1 * step], p->out_zero);
    at[2] = enn_dense_out(sum.acc[2], mult[2 * step], shift[2 * step], p->out_zero);
    at[3] = enn_dense_out(sum.acc[3], mult[3 * step], shift[3 * step], p->out_zero);
    mult += 4 * step;
    shift += 4 * step;
  }
  for (int32_t left = p->out & 3; left > 0; left--, mult += step, shift += step) {
    int32_t acc = *bias++;
    for (int32_t i = 0; i < whole; i++, w += 4) acc = enn_dot_word(enn_load32(x + 4 * i), w, acc);
    if (rest > 0) {
      acc = enn_dot_word(last, w, acc);
      w += 4;
    }
    if (step > 0) f = enn_factor_of(*mult, *shift, p->out_zero);
    *at++ = (int8_t)enn_narrow(acc, f.mult, f.base, f.right);
  }
  enn_clamp_written(y, p->out, p->clamp_min, p->clamp_max);
}

#endif
