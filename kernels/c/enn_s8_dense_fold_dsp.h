/* Fully connected layer, int8, for Armv7E-M: six outputs at a time, over folded weights.
 *
 * y as enn_s8_dense.h says. With e, o two inputs that lie in one half of a word, the weights of an
 * output are 256 w[o] + w[e]; from x come near = x[o] + 128 and far = 256 x[e] + 255 - near, which is
 * a byte x[e] above the byte 127 - x[o]. Then
 *
 *     near (256 w[o] + w[e]) + far w[e] = 256 ((x[o] + 128) w[o] + x[e] w[e]) + 255 w[e]
 *
 * so that only w[e] has to be widened. The sums are 256 times the accumulator, which an exact ASR
 * takes back; the bias is 256 (bias - in_zero sum w - 128 sum w[o]) - 255 sum w[e]. The compiler
 * proves |acc| < 2^23, and that no weight is -128.
 *
 * Layout: out / 6 groups of w[blocks][6][4] (four inputs of six outputs), blocks = ceil(in / 4),
 * zeros behind the last input; then the out % 6 outputs that are left, w[blocks][4] each. The second
 * byte of each two is less by one where the first is negative. 4-aligned, as x is.
 *
 * Block: 6 outputs x 4 inputs = 24 MAC in 25 instructions: LDR, two EOR, UXTB16 and REV16 for x, two
 * LDM of three words of weights, six SXTB16, twelve SMLAD.
 *
 * Accumulator: above, and a shift in [-22, -1]; order of reading: all of x for every six outputs.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DENSE_FOLD_DSP_H
#define ENN_S8_DENSE_FOLD_DSP_H

#include "enn_dsp.h"
#include "enn_s8_dense.h"

/* Four inputs. */
struct enn_fold {
  uint32_t near, far;
};

ENN_INLINE struct enn_fold enn_fold_of(uint32_t x) {
  return (struct enn_fold){enn_odd_bytes(x ^ 0x80008000u), enn_swap_bytes(x ^ 0x7F007F00u)};
}

/* acc + 256 times four products and what the bias makes up for. */
ENN_INLINE int32_t enn_fold_dot(struct enn_fold x, const ENN_CONST int8_t *w, int32_t acc) {
  const uint32_t word = enn_load32(w);
  return enn_smlad(x.far, enn_even(word), enn_smlad(x.near, word, acc));
}

/* The inputs behind the last whole word, fewer than four. */
ENN_INLINE uint32_t enn_fold_rest(const int8_t *x, int32_t count) {
  uint32_t word = 0;
  for (int32_t i = count - 1; i >= 0; i--) word = word << 8 | (uint8_t)x[i];
  return word;
}

struct enn_fold_sums {
  int32_t acc[6];
};

#if ENN_HAS_DSP
#define ENN_FOLD_ROW(word, acc)                  \
  " smlad " acc ", r8, " word ", " acc "\n"      \
  " sxtb16 " word ", " word "\n"                 \
  " smlad " acc ", r9, " word ", " acc "\n"

#define ENN_FOLD_BLOCK                                                              \
  " ldr r9, [%[x]], #4\n"                                                           \
  " ldmia %[w]!, {r4-r6}\n"                                                         \
  " eor r8, r9, #0x80008000\n"                                                      \
  " uxtb16 r8, r8, ror #8\n"                                                        \
  " eor r9, r9, #0x7F007F00\n"                                                      \
  " rev16 r9, r9\n"                                                                 \
  ENN_FOLD_ROW("r4", "%[a]") ENN_FOLD_ROW("r5", "%[b]") ENN_FOLD_ROW("r6", "%[c]")  \
  " ldmia %[w]!, {r4-r6}\n"                                                         \
  ENN_FOLD_ROW("r4", "%[d]") ENN_FOLD_ROW("r5", "%[e]") ENN_FOLD_ROW("r6", "%[f]")

#define ENN_FOLD_BLOCKS(blocks)                                                             \
  __asm__ volatile(blocks : [a] "+r"(a), [b] "+r"(b), [c] "+r"(c), [d] "+r"(d), [e] "+r"(e), \
                            [f] "+r"(f), [x] "+r"(x), [w] "+r"(w)                           \
                   :                                                                        \
                   : "r4", "r5", "r6", "r8", "r9", "memory")

/* Six outputs over whole blocks, whose weights are passed. */
ENN_INLINE struct enn_fold_sums enn_fold_six(const int8_t *input, const ENN_CONST int8_t **weights,
                                             int32_t blocks, const ENN_CONST int32_t *bias) {
  /* Thirteen registers are in use: the compiler does not always find them by itself. */
  register int32_t a __asm__("r0") = bias[0];
  register int32_t b __asm__("r1") = bias[1];
  register int32_t c __asm__("r2") = bias[2];
  register int32_t d __asm__("r3") = bias[3];
  register int32_t e __asm__("r11") = bias[4];
  register int32_t f __asm__("r12") = bias[5];
  register const int8_t *x __asm__("r10") = input;
  register const ENN_CONST int8_t *w __asm__("lr") = *weights;
  for (int32_t n = blocks >> 2; n > 0; n--)
    ENN_FOLD_BLOCKS(ENN_FOLD_BLOCK ENN_FOLD_BLOCK ENN_FOLD_BLOCK ENN_FOLD_BLOCK);
  for (int32_t n = blocks & 3; n > 0; n--) ENN_FOLD_BLOCKS(ENN_FOLD_BLOCK);
  *weights = w;
  return (struct enn_fold_sums){{a, b, c, d, e, f}};
}
#else
ENN_INLINE struct enn_fold_sums enn_fold_six(const int8_t *x, const ENN_CONST int8_t **weights,
                                             int32_t blocks, const ENN_CONST int32_t *bias) {
  const ENN_CONST int8_t *w = *weights;
  struct enn_fold_sums out;
  for (int32_t i = 0; i < 6; i++) out.acc[i] = bias[i];
  for (; blocks > 0; blocks--, x += 4) {
    const struct enn_fold four = enn_fold_of(enn_load32(x));
    for (int32_t i = 0; i < 6; i++, w += 4) out.acc[i] = enn_fold_dot(four, w, out.acc[i]);
  }
  *weights = w;
  return out;
}
#endif

/* Of an output: enn_dsp.h. */
struct enn_fold_factor {
  int32_t mult, base, right;
};

ENN_INLINE struct enn_fold_factor enn_fold_factor_of(int32_t mult, int32_t shift, int32_t zero) {
  return (struct enn_fold_factor){mult, enn_narrow_base(shift, zero), -shift};
}

/* A sum as an output. */
ENN_INLINE int8_t enn_fold_out(int32_t sum, struct enn_fold_factor f) {
  return (int8_t)enn_ssat8(enn_smmlar(sum >> 7, f.mult, f.base + (sum >> 31)) >> f.right);
}

ENN_INLINE void enn_dense_s8_fold6__dsp(const ENN_CONST struct enn_dense_s8 *p, const int8_t *x,
                                        const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                        const ENN_CONST int32_t *mult,
                                        const ENN_CONST int8_t *shift, int8_t *y) {
  const int32_t whole = p->in / 4, rest = p->in & 3, step = p->per_axis ? 1 : 0;
  const struct enn_fold last = enn_fold_of(enn_fold_rest(x + 4 * whole, rest));
  struct enn_fold_factor f = enn_fold_factor_of(*mult, *shift, p->out_zero);
  int8_t *at = y;
  int32_t left = p->out;
  for (; left >= 6; left -= 6, bias += 6, at += 6) {
    struct enn_fold_sums sum = enn_fold_six(x, &w, whole, bias);
    if (rest == 0 && step == 0) {
      at[0] = enn_fold_out(sum.acc[0], f);
      at[1] = enn_fold_out(sum.acc[1], f);
      at[2] = enn_fold_out(sum.acc[2], f);
      at[3] = enn_fold_out(sum.acc[3], f);
      at[4] = enn_fold_out(sum.acc[4], f);
      at[5] = enn_fold_out(sum.acc[5], f);
      continue;
    }
    for (int32_t i = 0; i < 6; i++) {
      if (rest > 0) {
        sum.acc[i] = enn_fold_dot(last, w, sum.acc[i]);
        w += 4;
      }
      f = enn_fold_factor_of(*mult, *shift, p->out_zero);
      at[i] = enn_fold_out(sum.acc[i], f);
      mult += step;
      shift += step;
    }
  }
  for (; left > 0; left--, mult += step, shift += step) {
    int32_t sum = *bias++;
    for (int32_t i = 0; i < whole; i++, w += 4)
      sum = enn_fold_dot(enn_fold_of(enn_load32(x + 4 * i)), w, sum);
    if (rest > 0) {
      sum = enn_fold_dot(last, w, sum);
      w += 4;
    }
    if (step > 0) f = enn_fold_factor_of(*mult, *shift, p->out_zero);
    *at++ = enn_fold_out(sum, f);
  }
  enn_clamp_written(y, p->out, p->clamp_min, p->clamp_max);
}

#endif
