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
 * wide6: near and far of all inputs are made first, once for all outputs, and lie in scratch.
 *
 * Layout: out / 6 groups of w[blocks][6][4] (four inputs of six outputs), blocks = ceil(in / 4),
 * zeros behind the last input; then pairs of what is left, w[blocks][2][4], and the last of an odd number,
 * w[blocks][4]. The second byte of each two is less by one where the first is negative. 4-aligned, as x is.
 * scratch (wide6): 8 blocks bytes, 4-aligned.
 *
 * Block: 6 outputs x 4 inputs = 24 MAC in 25 instructions: LDR, two EOR, UXTB16 and REV16 for x, two
 * LDM of three words of weights, six SXTB16, twelve SMLAD. wide6: 21, with an LDRD for x.
 *
 * Accumulator: above, and a shift in [-22, -1]; order of reading: all of x for every six outputs (wide6: once).
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

ENN_INLINE void enn_fold_store(struct enn_fold x, int8_t *to) {
  enn_store32(to, x.near);
  enn_store32(to + 4, x.far);
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

#define ENN_FOLD_X                \
  " ldr r9, [%[x]], #4\n"         \
  " eor r8, r9, #0x80008000\n"    \
  " uxtb16 r8, r8, ror #8\n"      \
  " eor r9, r9, #0x7F007F00\n"    \
  " rev16 r9, r9\n"
#define ENN_FOLD_WIDE_X " ldrd r8, r9, [%[x]], #8\n"

#define ENN_FOLD_BLOCK(near_far)                                                    \
  near_far                                                                          \
  " ldmia %[w]!, {r4-r6}\n"                                                         \
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
                                             int32_t blocks, const ENN_CONST int32_t *bias,
                                             const int32_t wide) {
  /* Thirteen registers are in use: the compiler does not always find them by itself. */
  register int32_t a __asm__("r0") = bias[0];
  register int32_t b __asm__("r1") = bias[1];
  register int32_t c __asm__("r2") = bias[2];
  register int32_t d __asm__("r3") = bias[3];
  register int32_t e __asm__("r11") = bias[4];
  register int32_t f __asm__("r12") = bias[5];
  register const int8_t *x __asm__("r10") = input;
  register const ENN_CONST int8_t *w __asm__("lr") = *weights;
  if (wide) {
    for (int32_t n = blocks >> 2; n > 0; n--)
      ENN_FOLD_BLOCKS(ENN_FOLD_BLOCK(ENN_FOLD_WIDE_X) ENN_FOLD_BLOCK(ENN_FOLD_WIDE_X)
                      ENN_FOLD_BLOCK(ENN_FOLD_WIDE_X) ENN_FOLD_BLOCK(ENN_FOLD_WIDE_X));
    for (int32_t n = blocks & 3; n > 0; n--) ENN_FOLD_BLOCKS(ENN_FOLD_BLOCK(ENN_FOLD_WIDE_X));
  } else {
    for (int32_t n = blocks >> 2; n > 0; n--)
      ENN_FOLD_BLOCKS(ENN_FOLD_BLOCK(ENN_FOLD_X) ENN_FOLD_BLOCK(ENN_FOLD_X)
                      ENN_FOLD_BLOCK(ENN_FOLD_X) ENN_FOLD_BLOCK(ENN_FOLD_X));
    for (int32_t n = blocks & 3; n > 0; n--) ENN_FOLD_BLOCKS(ENN_FOLD_BLOCK(ENN_FOLD_X));
  }
  *weights = w;
  return (struct enn_fold_sums){{a, b, c, d, e, f}};
}

#define ENN_FOLD_LOOP(near_far)                                                              \
  __asm__ volatile("1: ldrd r4, r5, [%[w]], #8\n" near_far                                   \
                   ENN_FOLD_ROW("r4", "%[a]") ENN_FOLD_ROW("r5", "%[b]")                     \
                   " subs %[n], %[n], #1\n bne 1b\n"                                         \
                   : [a] "+r"(a), [b] "+r"(b), [x] "+r"(x), [w] "+r"(w), [n] "+r"(n)         \
                   :                                                                         \
                   : "r4", "r5", "r8", "r9", "cc", "memory")

/* Two outputs over whole blocks, whose weights are passed. */
ENN_INLINE void enn_fold_two(const int8_t *x, const ENN_CONST int8_t **weights, int32_t blocks,
                             int32_t sums[2], const int32_t wide) {
  int32_t a = sums[0], b = sums[1], n = blocks;
  const ENN_CONST int8_t *w = *weights;
  if (n > 0) {
    if (wide) ENN_FOLD_LOOP(ENN_FOLD_WIDE_X);
    else ENN_FOLD_LOOP(ENN_FOLD_X);
  }
  *weights = w;
  sums[0] = a;
  sums[1] = b;
}
#endif

/* A block of x, which moves on by one. */
ENN_INLINE struct enn_fold enn_fold_at(const int8_t **x, const int32_t wide) {
  const int8_t *const from = *x;
  *x += wide ? 8 : 4;
  return wide ? (struct enn_fold){enn_load32(from), enn_load32(from + 4)}
              : enn_fold_of(enn_load32(from));
}

#if !ENN_HAS_DSP
ENN_INLINE struct enn_fold_sums enn_fold_six(const int8_t *x, const ENN_CONST int8_t **weights,
                                             int32_t blocks, const ENN_CONST int32_t *bias,
                                             const int32_t wide) {
  const ENN_CONST int8_t *w = *weights;
  struct enn_fold_sums out;
  for (int32_t i = 0; i < 6; i++) out.acc[i] = bias[i];
  for (; blocks > 0; blocks--) {
    const struct enn_fold four = enn_fold_at(&x, wide);
    for (int32_t i = 0; i < 6; i++, w += 4) out.acc[i] = enn_fold_dot(four, w, out.acc[i]);
  }
  *weights = w;
  return out;
}

ENN_INLINE void enn_fold_two(const int8_t *x, const ENN_CONST int8_t **weights, int32_t blocks,
                             int32_t sums[2], const int32_t wide) {
  for (; blocks > 0; blocks--, *weights += 8) {
    const struct enn_fold four = enn_fold_at(&x, wide);
    sums[0] = enn_fold_dot(four, *weights, sums[0]);
    sums[1] = enn_fold_dot(four, *weights + 4, sums[1]);
  }
}
#endif

/* A sum as an output. */
ENN_INLINE int8_t enn_fold_out(int32_t sum, int32_t mult, int32_t base, int32_t right) {
  return (int8_t)enn_ssat8(enn_smmlar(sum >> 7, mult, base + (sum >> 31)) >> right);
}
ENN_OUTLINE void enn_fold_each(const int32_t *sums, int32_t count, const ENN_CONST int32_t *mult,
                               const ENN_CONST int8_t *shift, int32_t zero, int8_t *y) {
  for (; count > 0; count--, shift++)
    *y++ = enn_fold_out(*sums++, *mult++, enn_narrow_base(*shift, zero), -*shift);
}

/* x are the inputs, or `wide`; of narrow ones `rest` stand alone behind `blocks`, in `last`. */
ENN_INLINE void enn_fold_dense(const ENN_CONST struct enn_dense_s8 *p, const int8_t *x,
                               int32_t blocks, int32_t rest, struct enn_fold last,
                               const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                               const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
                               int8_t *y, const int32_t wide) {
  const int32_t factor = *mult, base = enn_narrow_base(*shift, p->out_zero), right = -*shift;
  int8_t *at = y;
  int32_t left = p->out;
  for (; left >= 6; left -= 6, bias += 6, at += 6) {
    struct enn_fold_sums sum = enn_fold_six(x, &w, blocks, bias, wide);
    if (rest > 0) {
      for (int32_t i = 0; i < 6; i++, w += 4) sum.acc[i] = enn_fold_dot(last, w, sum.acc[i]);
    }
    if (p->per_axis) {
      enn_fold_each(sum.acc, 6, mult, shift, p->out_zero, at);
      mult += 6;
      shift += 6;
      continue;
    }
    at[0] = enn_fold_out(sum.acc[0], factor, base, right);
    at[1] = enn_fold_out(sum.acc[1], factor, base, right);
    at[2] = enn_fold_out(sum.acc[2], factor, base, right);
    at[3] = enn_fold_out(sum.acc[3], factor, base, right);
    at[4] = enn_fold_out(sum.acc[4], factor, base, right);
    at[5] = enn_fold_out(sum.acc[5], factor, base, right);
  }
  for (; left > 0; left -= 2, bias += 2, at += 2) {
    int32_t sums[2] = {bias[0], 0};
    if (left > 1) {
      sums[1] = bias[1];
      enn_fold_two(x, &w, blocks, sums, wide);
    } else {
      const int8_t *from = x;
      for (int32_t n = blocks; n > 0; n--, w += 4)
        sums[0] = enn_fold_dot(enn_fold_at(&from, wide), w, sums[0]);
    }
    if (rest > 0) {
      sums[0] = enn_fold_dot(last, w, sums[0]);
      if (left > 1) sums[1] = enn_fold_dot(last, w + 4, sums[1]);
      w += 8;
    }
    if (p->per_axis) {
      enn_fold_each(sums, enn_min(left, 2), mult, shift, p->out_zero, at);
      mult += 2;
      shift += 2;
      continue;
    }
    at[0] = enn_fold_out(sums[0], factor, base, right);
    if (left > 1) at[1] = enn_fold_out(sums[1], factor, base, right);
  }
  enn_clamp_written(y, p->out, p->clamp_min, p->clamp_max);
}

ENN_INLINE void enn_dense_s8_fold6__dsp(const ENN_CONST struct enn_dense_s8 *p, const int8_t *x,
                                        const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                        const ENN_CONST int32_t *mult,
                                        const ENN_CONST int8_t *shift, int8_t *y) {
  const int32_t blocks = p->in / 4, rest = p->in & 3;
  const struct enn_fold last = enn_fold_of(enn_fold_rest(x + 4 * blocks, rest));
  enn_fold_dense(p, x, blocks, rest, last, w, bias, mult, shift, y, 0);
}

ENN_INLINE void enn_dense_s8_wide6__dsp(const ENN_CONST struct enn_dense_s8 *p, const int8_t *x,
                                        const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                        const ENN_CONST int32_t *mult,
                                        const ENN_CONST int8_t *shift, int8_t *scratch,
                                        int8_t *y) {
  int8_t *to = scratch;
  const int8_t *from = x;
  for (const int8_t *const end = x + (p->in & ~3); from != end; from += 4, to += 8)
    enn_fold_store(enn_fold_of(enn_load32(from)), to);
  if (p->in & 3) enn_fold_store(enn_fold_of(enn_fold_rest(from, p->in & 3)), to);
  const struct enn_fold none = {0, 0};
  enn_fold_dense(p, scratch, (p->in + 3) / 4, 0, none, w, bias, mult, shift, y, 1);
}

#endif
