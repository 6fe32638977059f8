/* depthwise_conv2d K x 1 and 1 x K, stride 1, multiplier 1, int8, for Armv7E-M: a line at a time.
 *
 * y as enn_s8_conv.h says, for a window of one row or one column without dilation. A line, the pixels
 * of one channel along the window, is gathered into scratch as int16, with the zero point where its padding
 * is. A word holds two neighbours: an output at an even place takes words with the taps (w0 w1) (w2 w3) ...,
 * its neighbour the same words with (0 w0) (w1 w2) ...: so SMLAD has two taps to add in both. Four outputs
 * read each word and each pair of taps once. Weights and bias are doubled, as the requantization wants.
 *
 * Layout: w[channels][K], bytes; the bias is less in_zero times the sum of the weights. scratch: with
 * n = ceil((K + 1) / 2) words of taps, 2 n words; then the line, in_l + pads int16 and those that the last four
 * outputs read behind it: 4-aligned, 8 n + 2 (4 ceil(out_l / 4) + 2 n + 2) bytes.
 *
 * Block: 4 outputs x 2 taps = 8 MAC in 6 instructions: LDR of the next word, LDRD of both pairs, four
 * SMLAD; 36 around it for four outputs, 32 where they are positive (linepositive: the clamp leaves nothing
 * below out_zero).
 *
 * y may be x: a line is written after all of it was read; where lines are shorter than those of x, they
 * lie where lines were that have been read. Accumulator: |acc| < 2^30 and shift in [-22, -1], proven by
 * the compiler. Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DEPTHWISE_LINE_DSP_H
#define ENN_S8_DEPTHWISE_LINE_DSP_H

#include "enn_dsp.h"
#include "enn_s8_conv.h"

/* Twice the taps, pair by pair for outputs at even and at odd places. */
ENN_INLINE void enn_line_taps(const ENN_CONST int8_t *w, int32_t count, int8_t *to) {
  int32_t before = 0;
  for (; count > 1; count -= 2, w += 2, to += 8) {
    const int32_t first = 2 * w[0], second = 2 * w[1];
    enn_store32(to, enn_pair(first, second));
    enn_store32(to + 4, enn_pair(before, first));
    before = second;
  }
  const int32_t first = count > 0 ? 2 * w[0] : 0;
  enn_store32(to, (uint32_t)first & 0xFFFFu);
  enn_store32(to + 4, enn_pair(before, first));
}

/* What the outputs of a channel are computed with; the assembly loads neighbours together, those in front of
 * `middle` before it has summed, the others after that. */
struct enn_line {
  int32_t twice_bias[4];
  int32_t mult, base, right; /* enn_dsp.h */
  int32_t offsets[3];        /* of the second, third and fourth output */
  const int8_t *end;         /* where the last block of four begins, and 8 bytes */
  int32_t rounds;            /* of four words */
  const int8_t *taps;
  int32_t skip, stride; /* words that the first round leaves out, and how long each is */
  int32_t back;         /* from behind the words of a block to the next block */
  uint32_t entry;
  int32_t words;
};

#if ENN_HAS_DSP
#define ENN_LINE_WORD             \
  " ldrd r5, r6, [r12], #8\n"     \
  " smlad r0, r4, r5, r0\n"       \
  " smlad r1, r4, r6, r1\n"       \
  " ldr.w r4, [r8], #4\n"         \
  " smlad r2, r4, r5, r2\n"       \
  " smlad r3, r4, r6, r3\n"
#define ENN_LINE_WORD_BYTES 24

#define ENN_LINE_OUT(acc)                  \
  " add r12, r5, " acc ", asr #31\n"       \
  " smmlar " acc ", " acc ", r4, r12\n"    \
  " asr " acc ", " acc ", r6\n"            \
  " ssat " acc ", #8, " acc "\n"

#define ENN_AT_LINE(field) [field] "i"((int)__builtin_offsetof(struct enn_line, field) - 16)

#define ENN_LINE_OUT_POSITIVE(acc)         \
  " smmlar " acc ", " acc ", r4, r5\n"     \
  " asr " acc ", " acc ", r6\n"            \
  " ssat " acc ", #8, " acc "\n"

/* Blocks of four outputs, `advance` apart, from `line` to t->end. */
#define ENN_LINE_BLOCKS(out)                                                                   \
  __asm__ volatile(                                                                            \
      " adr.w r4, 3f\n"                                                                        \
      " ldrd r5, r6, [lr, %[skip]]\n"                                                          \
      " mla r4, r5, r6, r4\n"                                                                  \
      " orr r4, r4, #1\n"                                                                      \
      " str r4, [lr, %[entry]]\n"                                                              \
      "1: ldmdb lr, {r0-r3}\n"                                                                 \
      " ldrd r11, r12, [lr, %[rounds]]\n"                                                      \
      " ldr r4, [r8], #4\n"                                                                    \
      " ldr pc, [lr, %[entry]]\n"                                                              \
      " .balign 4\n"                                                                           \
      "3:\n" ENN_LINE_WORD ENN_LINE_WORD ENN_LINE_WORD ENN_LINE_WORD                           \
      " subs r11, r11, #1\n"                                                                   \
      " bne 3b\n"                                                                              \
      " ldmia lr, {r4-r6}\n"                                                                   \
      out("r0") out("r1") out("r2") out("r3")                                                  \
      " ldrd r4, r5, [lr, %[offsets]]\n"                                                       \
      " ldrd r6, r12, [lr, %[fourth]]\n"                                                       \
      " ldr r11, [lr, %[back]]\n"                                                              \
      " strb r3, [r9, r6]\n"                                                                   \
      " strb r2, [r9, r5]\n"                                                                   \
      " strb r1, [r9, r4]\n"                                                                   \
      " strb r0, [r9]\n"                                                                       \
      " add r9, r9, r10\n"                                                                     \
      " add r8, r8, r11\n"                                                                     \
      " cmp r8, r12\n"                                                                         \
      " bne 1b\n"                                                                              \
      : "+r"(from), "+r"(to)                                                                   \
      : "r"(middle), "r"(next), ENN_AT_LINE(skip), ENN_AT_LINE(entry), ENN_AT_LINE(rounds),    \
        ENN_AT_LINE(offsets), [fourth] "i"((int)__builtin_offsetof(struct enn_line, offsets[2]) - 16),\
        ENN_AT_LINE(back)                                                                      \
      : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r11", "r12", "cc", "memory")

ENN_INLINE void enn_line_blocks(struct enn_line *t, const int8_t *line, int32_t advance, int8_t *y,
                                const int32_t positive) {
  register int32_t *middle __asm__("lr") = &t->mult;
  register const int8_t *from __asm__("r8") = line;
  register int8_t *to __asm__("r9") = y;
  register int32_t next __asm__("r10") = advance;
  if (positive) ENN_LINE_BLOCKS(ENN_LINE_OUT_POSITIVE);
  else ENN_LINE_BLOCKS(ENN_LINE_OUT);
}

/* `quads` times four pixels, `step` apart. */
#define ENN_LINE_QUADS(x, quads, step, step3, to)                                       \
  __asm__ volatile("1: ldrsb r4, [%[from]]\n"                                           \
                   " ldrsb r5, [%[from], %[by]]\n"                                      \
                   " ldrsb r6, [%[from], %[by], lsl #1]\n"                              \
                   " ldrsb r8, [%[from], %[by3]]\n"                                     \
                   " add %[from], %[from], %[by], lsl #2\n"                             \
                   " pkhbt r4, r4, r5, lsl #16\n"                                       \
                   " str r4, [%[line]], #4\n"                                           \
                   " pkhbt r6, r6, r8, lsl #16\n"                                       \
                   " str r6, [%[line]], #4\n"                                           \
                   " subs %[n], %[n], #1\n"                                             \
                   " bne 1b\n"                                                          \
                   : [from] "+r"(x), [line] "+r"(to), [n] "+r"(quads)                   \
                   : [by] "r"(step), [by3] "r"(step3)                                   \
                   : "r4", "r5", "r6", "r8", "cc", "memory")
#else
#define ENN_LINE_WORD_BYTES 0

ENN_INLINE int8_t enn_line_out(const struct enn_line *t, int32_t twice, const int32_t positive) {
  const int32_t base = positive ? t->base : t->base + (twice >> 31);
  return (int8_t)enn_ssat8(enn_smmlar(twice, t->mult, base) >> t->right);
}

ENN_INLINE void enn_line_blocks(const struct enn_line *t, const int8_t *line, int32_t advance,
                                int8_t *y, const int32_t positive) {
  for (; line != t->end; line += 8, y += advance) {
    int32_t s[4] = {t->twice_bias[0], t->twice_bias[1], t->twice_bias[2], t->twice_bias[3]};
    for (int32_t n = 0; n < t->words; n++) {
      const uint32_t even = enn_load32(t->taps + 8 * n), odd = enn_load32(t->taps + 8 * n + 4);
      const uint32_t first = enn_load32(line + 4 * n), second = enn_load32(line + 4 * n + 4);
      s[0] = enn_smlad(first, even, s[0]);
      s[1] = enn_smlad(first, odd, s[1]);
      s[2] = enn_smlad(second, even, s[2]);
      s[3] = enn_smlad(second, odd, s[3]);
    }
    for (int32_t i = 3; i > 0; i--) y[t->offsets[i - 1]] = enn_line_out(t, s[i], positive);
    y[0] = enn_line_out(t, s[0], positive);
  }
}

#define ENN_LINE_QUADS(x, quads, step, step3, to)              \
  for (; quads > 0; quads--, x += 4 * step, to += 8) {         \
    enn_store32(to, enn_pair(x[0], x[step]));                  \
    enn_store32(to + 4, enn_pair(x[2 * step], x[step3]));      \
  }
#endif

/* `count` pixels, `step` apart, as int16. */
ENN_INLINE void enn_line_gather(const int8_t *x, int32_t count, int32_t step, int8_t *to) {
  int32_t quads = count >> 2;
  const int32_t step3 = 3 * step;
  if (quads > 0) ENN_LINE_QUADS(x, quads, step, step3, to);
  for (count &= 3; count > 0; count--, x += step, to += 2) enn_store16(to, x[0]);
}

/* What all channels have in common. */
ENN_INLINE void enn_line_start(struct enn_line *t, int32_t words, const int8_t *taps) {
  t->words = words;
  t->taps = taps;
  t->rounds = (words + 3) >> 2;
  t->skip = 4 * t->rounds - words;
  t->stride = ENN_LINE_WORD_BYTES;
  t->back = 4 - 4 * words;
}

/* A line of `length` outputs, `along` apart. */
ENN_INLINE void enn_line_outputs(struct enn_line *t, const int8_t *line, int32_t length,
                                 int32_t along, int8_t *y, const int32_t positive) {
  const int32_t fours = length >> 2, left = length & 3;
  t->end = line + 8 * fours;
  t->offsets[0] = along;
  t->offsets[1] = 2 * along;
  t->offsets[2] = 3 * along;
  if (fours > 0) enn_line_blocks(t, line, 4 * along, y, positive);
  if (left == 0) return;
  /* An output that is not there has the place of the first, which is written last. */
  line = t->end;
  t->end += 8;
  if (left < 2) t->offsets[0] = 0;
  if (left < 3) t->offsets[1] = 0;
  t->offsets[2] = 0;
  enn_line_blocks(t, line, 0, y + 4 * fours * along, positive);
}

ENN_INLINE void enn_line_layer(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                               const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                               const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
                               int8_t *scratch, int8_t *y, const int32_t positive) {
  const int32_t channels = p->out_c, tall = p->kernel_w == 1;
  const int32_t taps = p->kernel_h * p->kernel_w, words = (taps + 2) / 2;
  const int32_t lines = tall ? p->out_w : p->out_h, length = tall ? p->out_h : p->out_w;
  const int32_t in_length = tall ? p->in_h : p->in_w;
  const int32_t along = tall ? p->in_w * channels : channels;
  const int32_t across_x = tall ? channels : p->in_w * channels;
  const int32_t across_y = tall ? channels : p->out_w * channels;
  const int32_t line_bytes = 2 * (((length + 3) & ~3) + 2 * words + 2);
  int8_t *const line = scratch + 8 * words, *const inside = line + 2 * (tall ? p->pad_top : p->pad_left);
  const uint32_t zeros = enn_pair_of(p->in_zero);
  for (int32_t i = 0; i < line_bytes; i += 4) enn_store32(line + i, zeros);
  struct enn_line t;
  enn_line_start(&t, words, scratch);
  for (int32_t o = 0; o < channels; o++, w += taps) {
    t.mult = mult[o];
    t.base = enn_narrow_base(shift[o], p->out_zero);
    t.right = -shift[o];
    for (int32_t i = 0; i < 4; i++) t.twice_bias[i] = enn_shift_left(bias[o], 1);
    enn_line_taps(w, taps, scratch);
    for (int32_t i = 0; i < lines; i++) {
      enn_line_gather(x + i * across_x + o, in_length, along, inside);
      enn_line_outputs(&t, line, length, along, y + i * across_y + o, positive);
    }
  }
  enn_clamp_written(y, p->out_h * p->out_w * channels, p->clamp_min, p->clamp_max);
}

ENN_INLINE void enn_depthwise_conv2d_s8_line__dsp(const ENN_CONST struct enn_conv2d_s8 *p,
                                                  const int8_t *x, const ENN_CONST int8_t *w,
                                                  const ENN_CONST int32_t *bias,
                                                  const ENN_CONST int32_t *mult,
                                                  const ENN_CONST int8_t *shift, int8_t *scratch,
                                                  int8_t *y) {
  enn_line_layer(p, x, w, bias, mult, shift, scratch, y, 0);
}

ENN_INLINE void enn_depthwise_conv2d_s8_linepositive__dsp(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *scratch, int8_t *y) {
  enn_line_layer(p, x, w, bias, mult, shift, scratch, y, 1);
}

#endif
