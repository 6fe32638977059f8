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
 * Oracle: host/quant/interpret-conv.ts.
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

#define ENN_ROWS4(blocks)                                                                     \
  __asm__ volatile(blocks : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [x] "+r"(x),  \
                            [w] "+r"(w)                                                       \
                   :                                                                          \
                   : "r3", "r4", "r5", "r6", "r8", "r9", "r10", "memory")

/* Four outputs over whole blocks. */
ENN_INLINE struct enn_rows enn_rows4(const int8_t *x, const ENN_CONST int8_t *w, int32_t blocks,
                                     const ENN_CONST int32_t *bias) {
  int32_t a = bias[0], b = bias[1], c = bias[2], d = bias[3];
  for (; blocks >= 4; blocks -= 4)
    ENN_ROWS4(ENN_ROWS4_BLOCK ENN_ROWS4_BLOCK ENN_ROWS4_BLOCK ENN_ROWS4_BLOCK);
  for (; blocks > 0; blocks--) ENN_ROWS4(ENN_ROWS4_BLOCK);
  return (struct enn_rows){{a, b, c, d}};
}
#else
ENN_INLINE struct enn_rows enn_rows4(const int8_t *x, const ENN_CONST int8_t *w, int32_t blocks,
                                     const ENN_CONST int32_t *bias) {
  struct enn_rows out = {{bias[0], bias[1], bias[2], bias[3]}};
  for (; blocks > 0; blocks--, x += 4) {
    const uint32_t even = enn_even(enn_load32(x)), odd = enn_odd(enn_load32(x));
    for (int32_t i = 0; i < 4; i++, w += 4) {
      const uint32_t word = enn_load32(w);
      out.acc[i] = enn_smlad(odd, enn_odd(word), enn_smlad(even, enn_even(word), out.acc[i]));
    }
  }
  return out;
}
#endif

/* The last inputs, fewer than four, as a word. */
ENN_INLINE uint32_t enn_last_word(const int8_t *x, int32_t count) {
  uint32_t word = 0;
  for (int32_t i = count - 1; i >= 0; i--) word = word << 8 | (uint8_t)x[i];
  return word;
}

ENN_INLINE int8_t enn_dense_out(const ENN_CONST struct enn_dense_s8 *p, int32_t acc, int32_t o,
                                const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift) {
  const int32_t q = p->per_axis ? o : 0;
  const int32_t base = enn_narrow_base(shift[q], p->out_zero);
  return (int8_t)enn_narrow(acc, mult[q], base, -shift[q]);
}

ENN_INLINE void enn_dense_s8_rows4__dsp(const ENN_CONST struct enn_dense_s8 *p, const int8_t *x,
                                        const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                        const ENN_CONST int32_t *mult,
                                        const ENN_CONST int8_t *shift, int8_t *y) {
  const int32_t whole = p->in / 4, rest = p->in & 3;
  const uint32_t last = enn_last_word(x + 4 * whole, rest);
  int32_t o = 0;
  for (; o + 4 <= p->out; o += 4) {
    struct enn_rows sum = enn_rows4(x, w, whole, bias + o);
    w += 16 * whole;
    for (int32_t i = 0; i < 4; i++) {
      if (rest > 0) {
        const uint32_t word = enn_load32(w);
        sum.acc[i] = enn_smlad(enn_even(last), enn_even(word), sum.acc[i]);
        sum.acc[i] = enn_smlad(enn_odd(last), enn_odd(word), sum.acc[i]);
        w += 4;
      }
      y[o + i] = enn_dense_out(p, sum.acc[i], o + i, mult, shift);
    }
  }
  for (int32_t left = p->out & 3; left > 0; left--, o++) {
    int32_t acc = bias[o];
    for (int32_t i = 0; i < whole + (rest > 0); i++, w += 4) {
      const uint32_t from = i < whole ? enn_load32(x + 4 * i) : last, word = enn_load32(w);
      acc = enn_smlad(enn_odd(from), enn_odd(word), enn_smlad(enn_even(from), enn_even(word), acc));
    }
    y[o] = enn_dense_out(p, acc, o, mult, shift);
  }
  enn_clamp_written(y, p->out, p->clamp_min, p->clamp_max);
}

#endif
