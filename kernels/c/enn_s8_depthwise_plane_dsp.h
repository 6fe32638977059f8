/* depthwise_conv2d 3x3, stride 1, multiplier 1, int8, for Armv7E-M: a channel at a time.
 *
 * y as enn_s8_conv.h says, for pads of at most 2. A channel's lines are gathered into scratch as int16,
 * with the zero point where padding lies; a word then holds two neighbours, x0 and x1, and SMLAD has two
 * taps of one channel to add. Of two neighbouring outputs, the first is (x0 x1) (w0 w1) + x2 w2, the second
 * x1 w0 + (x2 x3) (w1 w2): four instructions a line for their six products. Lines are the rows of x, or its
 * columns where those are longer and y has x's shape: there is less to begin and end.
 *
 * Three lines are kept. Line r of the padded image has place r mod 3, and the words of the three places lie
 * together, so that one LDM loads two pixels of all lines; it is the weights that turn with the lines.
 * 3x3planepositive: where the clamp leaves nothing below out_zero, the sign of a sum does not matter to its
 * rounding. Weights and bias are doubled, as the requantization wants.
 *
 * Layout: w[channels][3][3], bytes; the bias is less in_zero times the sum of the weights. scratch: for
 * lines of l outputs, 12 (ceil(l / 2) + 1) bytes; 4-aligned.
 *
 * Block: 2 outputs x 9 taps = 18 MAC in 14 instructions: two LDM of three words, six SMLAD, six single
 * products; with their requantization 28 where outputs are positive, else 31. Registers: the weights as six
 * pairs, three words, two accumulators, the line, y, and one for all the rest, which lies in memory.
 *
 * y may be x: a line is written once those that read it were gathered, and no other channel is touched.
 * Accumulator: |acc| < 2^30 and shift in [-22, -1], proven by the compiler.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DEPTHWISE_PLANE_DSP_H
#define ENN_S8_DEPTHWISE_PLANE_DSP_H

#include "enn_dsp.h"
#include "enn_s8_conv.h"

#define ENN_PLACE_BYTES 12 /* from a word of a line to its next */

/* What a channel's outputs are computed with; the assembly loads neighbours together. */
struct enn_plane3 {
  int32_t mult, base, right; /* enn_dsp.h */
  int32_t step;              /* bytes from output to output */
  const int8_t *end;         /* where the pairs of a line are done */
  int32_t twice_bias[2];
  int32_t odd; /* whether one more output is left */
  int32_t saved;
  /* Twice the taps of a line, (w0 w1) and (w1 w2); lines 0, 1, 2, 0, 1. */
  struct {
    uint32_t near, far;
  } taps[5];
};

/* `along` and `across` are the steps in w from tap to tap of a line, and from line to line. */
ENN_INLINE void enn_plane3_start(struct enn_plane3 *t, const ENN_CONST int8_t *w, int32_t along,
                                 int32_t across, int32_t bias, int32_t mult, int32_t shift,
                                 int32_t zero) {
  for (int32_t u = 0; u < 3; u++, w += across) {
    const int32_t middle = 2 * w[along];
    t->taps[u].near = enn_pair(2 * w[0], middle);
    t->taps[u].far = enn_pair(middle, 2 * w[2 * along]);
  }
  t->taps[3] = t->taps[0];
  t->taps[4] = t->taps[1];
  t->twice_bias[0] = t->twice_bias[1] = enn_shift_left(bias, 1);
  t->mult = mult;
  t->base = enn_narrow_base(shift, zero);
  t->right = -shift;
}

#if ENN_HAS_DSP
#define ENN_PLANE3_EVEN                                               \
  " smlad r0, r2, r5, r0\n smlad r0, r3, r8, r0\n smlad r0, r4, r10, r0\n"
#define ENN_PLANE3_EVEN_LAST                                          \
  " smlabt r0, r2, r6, r0\n smlabt r0, r3, r9, r0\n smlabt r0, r4, r11, r0\n"
#define ENN_PLANE3_ODD                                                \
  " smlatb r1, r2, r5, r1\n smlatb r1, r3, r8, r1\n smlatb r1, r4, r10, r1\n"
#define ENN_PLANE3_ODD_LAST                                           \
  " smlad r1, r2, r6, r1\n smlad r1, r3, r9, r1\n smlad r1, r4, r11, r1\n"

#define ENN_PLANE3_SCALE_POSITIVE \
  " ldmia lr, {r2-r4}\n"          \
  " smmlar r0, r0, r2, r3\n"      \
  " smmlar r1, r1, r2, r3\n"
#define ENN_PLANE3_SCALE          \
  " ldmia lr, {r2-r3}\n"          \
  " add r4, r3, r0, asr #31\n"    \
  " smmlar r0, r0, r2, r4\n"      \
  " add r3, r3, r1, asr #31\n"    \
  " smmlar r1, r1, r2, r3\n"      \
  " ldr r4, [lr, %[right]]\n"

#define ENN_PLANE3_AT(field) [field] "i"(__builtin_offsetof(struct enn_plane3, field))

/* A line of outputs; r7 may be the compiler's frame pointer: it is kept by hand. */
#define ENN_PLANE3_LINE(scale)                                                                   \
  __asm__ volatile(                                                                              \
      " str r7, [lr, %[saved]]\n"                                                                \
      " ldmia r2, {r5, r6, r8-r11}\n"                                                            \
      " mov r7, r3\n"                                                                            \
      " b 2f\n"                                                                                  \
      "1: ldmia r12!, {r2-r4}\n"                                                                 \
      " ldrd r0, r1, [lr, %[twice_bias]]\n" ENN_PLANE3_EVEN ENN_PLANE3_ODD                       \
      " ldmia r12, {r2-r4}\n" ENN_PLANE3_EVEN_LAST ENN_PLANE3_ODD_LAST scale                     \
      " asr r0, r0, r4\n"                                                                        \
      " asr r1, r1, r4\n"                                                                        \
      " ssat r0, #8, r0\n"                                                                       \
      " ldrd r2, r3, [lr, %[step]]\n"                                                            \
      " ssat r1, #8, r1\n"                                                                       \
      " strb r0, [r7]\n"                                                                         \
      " strb r1, [r7, r2]\n"                                                                     \
      " add r7, r7, r2, lsl #1\n"                                                                \
      " cmp r12, r3\n"                                                                           \
      " bne 1b\n"                                                                                \
      "3: ldr r0, [lr, %[odd]]\n"                                                                \
      " cbz r0, 4f\n"                                                                            \
      " ldmia r12!, {r2-r4}\n"                                                                   \
      " ldr r0, [lr, %[twice_bias]]\n" ENN_PLANE3_EVEN                                           \
      " ldmia r12, {r2-r4}\n" ENN_PLANE3_EVEN_LAST                                               \
      " ldmia lr, {r2-r4}\n"                                                                     \
      " add r3, r3, r0, asr #31\n"                                                               \
      " smmlar r0, r0, r2, r3\n"                                                                 \
      " asr r0, r0, r4\n"                                                                        \
      " ssat r0, #8, r0\n"                                                                       \
      " strb r0, [r7]\n"                                                                         \
      " b 4f\n"                                                                                  \
      "2: ldr r3, [lr, %[end]]\n"                                                                \
      " cmp r12, r3\n"                                                                           \
      " bne 1b\n"                                                                                \
      " b 3b\n"                                                                                  \
      "4: ldr r7, [lr, %[saved]]\n"                                                              \
      : "+r"(taps), "+r"(to), "+r"(line)                                                         \
      : "r"(at), ENN_PLANE3_AT(right), ENN_PLANE3_AT(step), ENN_PLANE3_AT(end),                  \
        ENN_PLANE3_AT(twice_bias), ENN_PLANE3_AT(odd), ENN_PLANE3_AT(saved)                      \
      : "r0", "r1", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "cc", "memory")

ENN_INLINE void enn_plane3_line(struct enn_plane3 *t, int32_t turn, const int8_t *from, int8_t *y,
                                const int32_t positive) {
  register struct enn_plane3 *at __asm__("lr") = t;
  register const void *taps __asm__("r2") = &t->taps[turn];
  register int8_t *to __asm__("r3") = y;
  register const int8_t *line __asm__("r12") = from;
  if (positive) ENN_PLANE3_LINE(ENN_PLANE3_SCALE_POSITIVE);
  else ENN_PLANE3_LINE(ENN_PLANE3_SCALE);
}

/* `pairs` pairs of pixels, `step` bytes apart. */
#define ENN_PLANE3_PAIRS(x, pairs, step, to)                                            \
  __asm__ volatile("1: ldrsb r4, [%[from]]\n"                                           \
                   " ldrsb r5, [%[from], %[by]]\n"                                      \
                   " add %[from], %[from], %[by], lsl #1\n"                             \
                   " pkhbt r4, r4, r5, lsl #16\n"                                       \
                   " str r4, [%[line]], #12\n"                                          \
                   " subs %[n], %[n], #1\n"                                             \
                   " bne 1b\n"                                                          \
                   : [from] "+r"(x), [line] "+r"(to), [n] "+r"(pairs)                   \
                   : [by] "r"(step)                                                     \
                   : "r4", "r5", "cc", "memory")
#define ENN_PLANE3_QUADS(x, quads, step, step3, to)                                     \
  __asm__ volatile("1: ldrsb r4, [%[from]]\n"                                           \
                   " ldrsb r5, [%[from], %[by]]\n"                                      \
                   " ldrsb r6, [%[from], %[by], lsl #1]\n"                              \
                   " ldrsb r8, [%[from], %[by3]]\n"                                     \
                   " add %[from], %[from], %[by], lsl #2\n"                             \
                   " pkhbt r4, r4, r5, lsl #16\n"                                       \
                   " str r4, [%[line]], #12\n"                                          \
                   " pkhbt r6, r6, r8, lsl #16\n"                                       \
                   " str r6, [%[line]], #12\n"                                          \
                   " subs %[n], %[n], #1\n"                                             \
                   " bne 1b\n"                                                          \
                   : [from] "+r"(x), [line] "+r"(to), [n] "+r"(quads)                   \
                   : [by] "r"(step), [by3] "r"(step3)                                   \
                   : "r4", "r5", "r6", "r8", "cc", "memory")
#else
ENN_INLINE int8_t enn_plane3_out(const struct enn_plane3 *t, int32_t twice,
                                 const int32_t positive) {
  const int32_t base = positive ? t->base : t->base + (twice >> 31);
  return (int8_t)enn_ssat8(enn_smmlar(twice, t->mult, base) >> t->right);
}

ENN_INLINE void enn_plane3_line(const struct enn_plane3 *t, int32_t turn, const int8_t *line,
                                int8_t *y, const int32_t positive) {
  for (int32_t odd = 0;; line += ENN_PLACE_BYTES, y += 2 * t->step) {
    odd = line == t->end;
    if (odd && !t->odd) return;
    int32_t sums[2] = {t->twice_bias[0], t->twice_bias[1]};
    for (int32_t u = 0; u < 3; u++) {
      const uint32_t first = enn_load32(line + 4 * u);
      const uint32_t second = enn_load32(line + 4 * u + ENN_PLACE_BYTES);
      const uint32_t near = t->taps[turn + u].near, far = t->taps[turn + u].far;
      sums[0] = enn_smlabt(second, far, enn_smlad(first, near, sums[0]));
      sums[1] = enn_smlad(second, far, enn_smlatb(first, near, sums[1]));
    }
    y[0] = enn_plane3_out(t, sums[0], odd ? 0 : positive);
    if (odd) return;
    y[t->step] = enn_plane3_out(t, sums[1], positive);
  }
}

#define ENN_PLANE3_PAIRS(x, pairs, step, to)                          \
  for (; pairs > 0; pairs--, x += 2 * step, to += ENN_PLACE_BYTES)    \
    enn_store32(to, enn_pair(x[0], x[step]))
#define ENN_PLANE3_QUADS(x, quads, step, step3, to)                     \
  for (; quads > 0; quads--, x += 4 * step, to += 2 * ENN_PLACE_BYTES) { \
    enn_store32(to, enn_pair(x[0], x[step]));                           \
    enn_store32(to + ENN_PLACE_BYTES, enn_pair(x[2 * step], x[step3])); \
  }
#endif

/* A line of `count` pixels, `step` apart, behind `before` of padding, to its place. */
ENN_OUTLINE void enn_plane3_gather(const int8_t *x, int32_t count, int32_t step, int32_t before,
                                   int32_t zero, int8_t *to) {
  if (before > 0) {
    if (before == 1) {
      enn_store32(to, enn_pair(zero, x[0]));
      x += step;
      count--;
    }
    to += ENN_PLACE_BYTES;
  }
  int32_t quads = count >> 2;
  const int32_t step3 = 3 * step;
  if (quads > 0) ENN_PLANE3_QUADS(x, quads, step, step3, to);
  int32_t pairs = (count & 3) >> 1;
  if (pairs > 0) ENN_PLANE3_PAIRS(x, pairs, step, to);
  if (count & 1) enn_store32(to, enn_pair(x[0], zero));
}

/* A line of padding. */
ENN_OUTLINE void enn_plane3_padding(uint32_t zeros, int32_t words, int8_t *to) {
  for (; words > 0; words--, to += ENN_PLACE_BYTES) enn_store32(to, zeros);
}

ENN_INLINE void enn_plane3(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                           const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                           const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
                           int8_t *scratch, int8_t *y, const int32_t positive) {
  const int32_t channels = p->out_c, row = p->in_w * channels;
  const int32_t tall = p->out_h > p->out_w && p->out_h == p->in_h && p->out_w == p->in_w;
  const int32_t lines = tall ? p->in_w : p->in_h, count = tall ? p->in_h : p->in_w;
  const int32_t out_lines = tall ? p->out_w : p->out_h, length = tall ? p->out_h : p->out_w;
  const int32_t along = tall ? row : channels, across = tall ? channels : row;
  const int32_t y_across = tall ? channels : p->out_w * channels;
  /* The first line of outputs reads `before` lines of padding, and its first pixel `edge` pixels. */
  const int32_t before = tall ? p->pad_left : p->pad_top, edge = tall ? p->pad_top : p->pad_left;
  const int32_t words = (length + 1) / 2 + 1;
  const uint32_t zeros = enn_pair_of(p->in_zero);
  for (int32_t u = 0; u < 3; u++) enn_plane3_padding(zeros, words, scratch + 4 * u);
  struct enn_plane3 t; /* set field by field: zeroing all of it takes as long as a line */
  t.step = along;
  t.end = scratch + (length >> 1) * ENN_PLACE_BYTES;
  t.odd = length & 1;
  for (int32_t o = 0; o < channels; o++, w += 9) {
    enn_plane3_start(&t, w, tall ? 3 : 1, tall ? 1 : 3, bias[o], mult[o], shift[o], p->out_zero);
    const int8_t *from = x + o;
    int8_t *to = y + o;
    int32_t place = 0, turn = 0;
    for (int32_t i = -before; i < out_lines + 2 - before; i++) {
      if (i >= 0 && i < lines) {
        enn_plane3_gather(from, count, along, edge, p->in_zero, scratch + place);
        from += across;
      } else {
        enn_plane3_padding(zeros, words, scratch + place);
      }
      place = place < 8 ? place + 4 : 0;
      if (i < 2 - before) continue;
      enn_plane3_line(&t, turn, scratch, to, positive);
      turn = turn > 0 ? turn - 1 : 2;
      to += y_across;
    }
  }
  enn_clamp_written(y, p->out_h * p->out_w * channels, p->clamp_min, p->clamp_max);
}

ENN_INLINE void enn_depthwise_conv2d_s8_3x3plane__dsp(const ENN_CONST struct enn_conv2d_s8 *p,
                                                      const int8_t *x, const ENN_CONST int8_t *w,
                                                      const ENN_CONST int32_t *bias,
                                                      const ENN_CONST int32_t *mult,
                                                      const ENN_CONST int8_t *shift,
                                                      int8_t *scratch, int8_t *y) {
  enn_plane3(p, x, w, bias, mult, shift, scratch, y, 0);
}

ENN_INLINE void enn_depthwise_conv2d_s8_3x3planepositive__dsp(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *scratch, int8_t *y) {
  enn_plane3(p, x, w, bias, mult, shift, scratch, y, 1);
}

#endif
