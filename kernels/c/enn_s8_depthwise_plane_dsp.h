/* depthwise_conv2d 3x3, stride 1, multiplier 1, int8, for Armv7E-M: a channel at a time.
 *
 * y as enn_s8_conv.h says, with y of x's shape (pads add up to 2 on both axes). A channel's lines are
 * gathered into scratch as int16 less the zero point, with zeros around them; a word then holds two
 * neighbours, and SMLAD has two taps of one channel to add. Lines are the rows of x, or its columns
 * where those are longer: there is less to begin and end. Three of them are kept, and one of zeros.
 * Weights and bias are doubled, as the requantization wants.
 *
 * Layout: w[channels][3][3], bytes. scratch: for lines of l pixels, four of 2 ceil(l / 2) + 2 int16;
 * 4-aligned.
 *
 * Block: 2 outputs x 9 taps = 18 MAC in 18 instructions: per line of the window LDRD of four
 * neighbours, SMLAD and a single product for the even output, three single ones for the odd; with
 * their requantization 38. Registers: the weights as five pairs, three lines, two pairs, two
 * accumulators, y, and one for all the rest, which lies in memory.
 *
 * y may be x: a line is written once it was gathered itself, with those that lie before it, and no
 * other channel is touched.
 * Accumulator: |acc| < 2^30 and shift in [-22, -1], proven by the compiler.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DEPTHWISE_PLANE_DSP_H
#define ENN_S8_DEPTHWISE_PLANE_DSP_H

#include "enn_dsp.h"
#include "enn_s8_conv.h"

/* What a line of outputs is computed from; the assembly loads neighbours together. */
struct enn_line3 {
  const int8_t *lines[3];
  int8_t *y;
  uint32_t first[3];  /* twice the first two taps of each line */
  uint32_t third01;   /* twice the third taps of the first two lines */
  uint32_t third2;    /* and of the last */
  int32_t mult, base; /* enn_dsp.h */
  int32_t right;
  int32_t step; /* bytes from output to output */
  int32_t twice_bias;
  const int8_t *end; /* of the first line: where its pairs of outputs are done */
  int32_t odd;       /* whether one more is left */
  int32_t saved;
};

/* `along` and `across` are the steps in w from tap to tap of a line, and from line to line. */
ENN_INLINE void enn_pair_taps(const ENN_CONST int8_t *w, int32_t along, int32_t across,
                              struct enn_line3 *t) {
  for (int32_t u = 0; u < 3; u++) {
    const ENN_CONST int8_t *line = w + u * across;
    t->first[u] = enn_pair(2 * line[0], 2 * line[along]);
  }
  const ENN_CONST int8_t *third = w + 2 * along;
  t->third01 = enn_pair(2 * third[0], 2 * third[across]);
  t->third2 = enn_pair(2 * third[2 * across], 0);
}

#if ENN_HAS_DSP
/* A line of the window: r0 and r11 are the sums of two neighbours. `even` and `odd` are the products
 * of r12, lr with the third tap. */
#define ENN_LINE3(line, first, even, odd, third) \
  " ldrd r12, lr, [" line "], #4\n"              \
  " smlad r0, r12, " first ", r0\n"              \
  " smlatb r11, r12, " first ", r11\n"           \
  " " even " r0, lr, " third ", r0\n"            \
  " smlabt r11, lr, " first ", r11\n"            \
  " " odd " r11, lr, " third ", r11\n"

#define ENN_AT3(field) [field] "i"(__builtin_offsetof(struct enn_line3, field))

/* A line of outputs, 38 instructions a pair. The last of an odd number is a pair whose second lies
 * on the first, which is written last. r7 may be the compiler's frame pointer: it is kept by hand. */
ENN_INLINE void enn_line3(struct enn_line3 *t) {
  register struct enn_line3 *at __asm__("r10") = t;
  __asm__ volatile(
      " str r7, [r10, %[saved]]\n"
      " ldmia r10, {r1-r9}\n"
      " b 2f\n"
      "1: ldr r0, [r10, %[twice_bias]]\n"
      " mov r11, r0\n"
      ENN_LINE3("r1", "r5", "smlabb", "smlatb", "r8")
      ENN_LINE3("r2", "r6", "smlabt", "smlatt", "r8")
      ENN_LINE3("r3", "r7", "smlabb", "smlatb", "r9")
      " ldrd r12, lr, [r10, %[mult]]\n"
      " add lr, lr, r0, asr #31\n"
      " smmlar r0, r0, r12, lr\n"
      " ldr lr, [r10, %[base]]\n"
      " add lr, lr, r11, asr #31\n"
      " smmlar r11, r11, r12, lr\n"
      " ldrd r12, lr, [r10, %[right]]\n"
      " asr r11, r11, r12\n"
      " ssat r11, #8, r11\n"
      " asr r0, r0, r12\n"
      " ssat r0, #8, r0\n"
      " strb r11, [r4, lr]\n"
      " strb r0, [r4]\n"
      " add r4, r4, lr, lsl #1\n"
      "2: ldrd r12, lr, [r10, %[end]]\n"
      " cmp r1, r12\n"
      " blo 1b\n"
      " cmp lr, #0\n"
      " beq 3f\n"
      " movs r12, #0\n"
      " str r12, [r10, %[odd]]\n"
      " str r12, [r10, %[step]]\n"
      " b 1b\n"
      "3: ldr r7, [r10, %[saved]]\n"
      :
      : "r"(at), ENN_AT3(mult), ENN_AT3(base), ENN_AT3(right), ENN_AT3(twice_bias), ENN_AT3(end),
        ENN_AT3(odd), ENN_AT3(step), ENN_AT3(saved)
      : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r11", "r12", "lr", "cc", "memory");
}
#else
ENN_INLINE int8_t enn_line3_out(const struct enn_line3 *t, int32_t twice) {
  return (int8_t)enn_ssat8(enn_smmlar(twice, t->mult, t->base + (twice >> 31)) >> t->right);
}

ENN_INLINE void enn_line3(struct enn_line3 *t) {
  const uint32_t third[3] = {t->third01, t->third01 >> 16, t->third2};
  while (t->lines[0] < t->end || t->odd) {
    if (t->lines[0] == t->end) t->odd = t->step = 0;
    int32_t sums[2] = {t->twice_bias, t->twice_bias};
    for (int32_t u = 0; u < 3; u++) {
      uint32_t near, far;
      enn_slide(&t->lines[u], &near, &far);
      sums[0] = enn_smlabb(far, third[u], enn_smlad(near, t->first[u], sums[0]));
      sums[1] = enn_smlabt(far, t->first[u], enn_smlatb(near, t->first[u], sums[1]));
      sums[1] = enn_smlatb(far, third[u], sums[1]);
    }
    t->y[t->step] = enn_line3_out(t, sums[1]);
    t->y[0] = enn_line3_out(t, sums[0]);
    t->y += 2 * t->step;
  }
}
#endif

ENN_INLINE void enn_depthwise_conv2d_s8_3x3plane__dsp(const ENN_CONST struct enn_conv2d_s8 *p,
                                                      const int8_t *x, const ENN_CONST int8_t *w,
                                                      const ENN_CONST int32_t *bias,
                                                      const ENN_CONST int32_t *mult,
                                                      const ENN_CONST int8_t *shift,
                                                      int8_t *scratch, int8_t *y) {
  const int32_t channels = p->out_c, row = p->out_w * channels;
  const int32_t tall = p->out_h > p->out_w;
  const int32_t lines = tall ? p->out_w : p->out_h, length = tall ? p->out_h : p->out_w;
  const int32_t along = tall ? row : channels, across = tall ? channels : row;
  const int32_t line_bytes = 4 * ((length + 1) / 2) + 4;
  /* The first line of outputs reads `before` lines of padding, and pixel 0 as many to its left. */
  const int32_t before = tall ? p->pad_left : p->pad_top;
  const int32_t edge = 2 * (tall ? p->pad_top : p->pad_left);
  const uint32_t minus = enn_pair_of(-p->in_zero);
  for (int32_t i = 0; i < 4 * line_bytes; i += 4) enn_store32(scratch + i, 0);
  const int8_t *const padding = scratch + 3 * line_bytes;
  struct enn_line3 t; /* set field by field: zeroing all of it takes as long as a line */
  for (int32_t o = 0; o < channels; o++, w += 9) {
    t.mult = mult[o];
    t.base = enn_narrow_base(shift[o], p->out_zero);
    t.right = -shift[o];
    t.twice_bias = 2 * bias[o];
    enn_pair_taps(w, tall ? 3 : 1, tall ? 1 : 3, &t);
    const int8_t *window[3] = {padding, padding, padding}, *from = x + o;
    int8_t *slot = scratch, *to = y + o;
    /* Outputs of line i - 2 + before have lines up to i in their windows. */
    for (int32_t i = -before; i < lines + 2 - before; i++) {
      window[0] = window[1];
      window[1] = window[2];
      window[2] = padding;
      if (i >= 0 && i < lines) {
        enn_gather_line(from, length, along, minus, slot + edge);
        window[2] = slot;
        slot = slot + line_bytes < padding ? slot + line_bytes : scratch;
        from += across;
      }
      if (i < 2 - before) continue;
      for (int32_t u = 0; u < 3; u++) t.lines[u] = window[u];
      t.end = window[0] + (length >> 1) * 4;
      t.odd = length & 1;
      t.step = along;
      t.y = to;
      enn_line3(&t);
      to += across;
    }
  }
  enn_clamp_written(y, p->out_h * row, p->clamp_min, p->clamp_max);
}

#endif
