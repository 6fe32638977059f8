/* conv2d, int8, for Armv7E-M: four output pixels at a time over widened columns.
 *
 * y as enn_s8_conv.h says. The windows of four pixels are widened to int16, once for all output
 * channels (enn_s8_columns_dsp.h); then every output channel reads its weights once for the four.
 *
 * fold4: with e, o two taps that lie in one half of a word, its weights are 256 w[o] + w[e], and the
 * columns hold near = x[o] - 127 and far = 256 x[e] - near, which is a byte x[e] above the byte
 * 127 - x[o]. Then
 *
 *     near (256 w[o] + w[e]) + far w[e] = 256 ((x[o] - 127) w[o] + x[e] w[e])
 *
 * so that only w[e] has to be widened. The sums are 256 times the accumulator, which an exact ASR
 * takes back; the bias is 256 (bias - in_zero sum w + 127 sum w[o]). The compiler proves
 * |acc| < 2^23, and that no weight is -128.
 * fold4positive: where the clamp leaves nothing below out_zero, the sign of a sum does not matter to
 * its rounding. fold3, fold3positive: three pixels at a time, for a quarter less scratch.
 * cols4: where a sum may be larger. The columns are x less its zero point; |acc| < 2^30.
 *
 * Layout: w[out_c][blocks][4] with blocks = ceil(kernel_h kernel_w in_c / 4), the taps of
 * w[kernel_h][kernel_w in_c] in order, but that what is left of each row behind its whole words comes after
 * the words of all rows; zeros behind the last; 4-aligned. fold: the second byte of
 * each two is less by one where the first is negative. A block of the columns is eight words, near (cols4:
 * even bytes) of the four pixels, then far (odd bytes). scratch holds `blocks` of them, and
 * more where in_c is no multiple of 4: 4 blocks bytes, or the rests of four (three) windows,
 * 4 ceil(kernel_h (kernel_w in_c % 4) / 4) bytes each; 4-aligned, as x is. right[out_c] are shifts to the
 * right.
 *
 * A channel with right = -128 is constant: its bias is the output, and it has no weights in w. Networks
 * that were trained with regularization have many such channels.
 *
 * With `border`, outputs near the edges have a bias of their own, as in enn_s8_conv.h. Each of the four
 * pixels then takes that of its class.
 *
 * Block: 1 channel x 4 pixels x 4 taps = 16 MAC in 12 instructions: LDR, SXTB16, two LDM of four
 * words, eight SMLAD (cols4: 13, with one SXTB16 more; fold3: 10 for 12 MAC). Registers: 4 sums, 4
 * words, weights, widened weights, two pointers, the count. What a channel needs besides lies in
 * memory, around the address in lr: 32 instructions for its four outputs where they are positive, and
 * 2 for each 16 taps.
 *
 * Accumulator: above, and a shift in [-22, -1]; order of reading: the windows of four (three) pixels,
 * then their outputs. Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_CONV_DSP_H
#define ENN_S8_CONV_DSP_H

#include "enn_s8_columns_dsp.h"

#define ENN_SKIPPED (-128)

/* What the channels of a block of pixels need; the assembly loads neighbours together, those in front of
 * `middle` before it has summed, the others after that. There bias, mult and right are addresses that an
 * output's own address (once, or four times) is added to. */
struct enn_block {
#if ENN_HAS_DSP
  int32_t special;
  int32_t rounds; /* of four blocks */
  uintptr_t bias;
  const int8_t *columns;
  int8_t *y;
  int32_t middle; /* y again */
  int32_t second; /* from the output of the first pixel to that of the others */
  uintptr_t mult;
  int32_t third;
  uintptr_t right;
  int32_t half; /* 2 out_zero + 1 */
  int32_t fourth;
  int8_t *end;
  int32_t skip, stride; /* blocks that the first round leaves out, and how long each is */
  uint32_t entry;
  int32_t others[2]; /* bytes from the bias of the first pixel to those of the others */
  int32_t third_other;
  uintptr_t right_again;
#else
  int32_t special, half, stride;
  int32_t second, third, fourth;
  const ENN_CONST int32_t *bias, *mult;
  const ENN_CONST int8_t *right;
  const int8_t *columns;
  int8_t *y;
  int32_t others[3];
#endif
  const ENN_CONST int8_t *w;
  int32_t blocks, channels;
  int32_t skips; /* whether channels may be constant */
  int32_t saved;
};

#define ENN_AT(field)                                        \
  [field] "i"((int)__builtin_offsetof(struct enn_block, field) - \
              (int)__builtin_offsetof(struct enn_block, middle))

/* What all blocks have in common. */
ENN_OUTLINE void enn_block_start(struct enn_block *block, const ENN_CONST struct enn_conv2d_s8 *p,
                                 const ENN_CONST int8_t *right, const ENN_CONST int8_t *w,
                                 const int8_t *columns, int32_t blocks) {
  block->w = w;
  block->columns = columns;
  block->blocks = blocks;
  block->channels = p->out_c;
  block->half = 2 * p->out_zero + 1;
  block->skips = 0;
  for (int32_t o = 0; o < p->out_c; o++) block->skips |= right[o] == ENN_SKIPPED;
  block->special = block->skips;
#if ENN_HAS_DSP
  block->others[0] = block->others[1] = block->third_other = 0;
#else
  block->others[0] = block->others[1] = block->others[2] = 0;
#endif
}

/* The biases of `count` pixels from *at on; returns that of the first. Those of a pixel that is not there
 * are the first's. */
ENN_OUTLINE const ENN_CONST int32_t *enn_block_border(struct enn_block *block,
                                                      const ENN_CONST struct enn_conv2d_s8 *p,
                                                      const ENN_CONST int32_t *bias,
                                                      const ENN_CONST int32_t *border,
                                                      struct enn_pixel *at, int32_t count) {
  const ENN_CONST int32_t *const own = enn_border_bias(p, bias, border, at->i, at->j);
  int32_t others[3] = {0, 0, 0};
  block->special = block->skips;
  for (int32_t n = 1; n < count; n++) {
    enn_next_pixel(at, 1);
    others[n - 1] = 4 * (int32_t)(enn_border_bias(p, bias, border, at->i, at->j) - own);
    block->special |= others[n - 1] != 0;
  }
  enn_next_pixel(at, 1);
  block->others[0] = others[0];
  block->others[1] = others[1];
#if ENN_HAS_DSP
  block->third_other = others[2];
#else
  block->others[2] = others[2];
#endif
  return own;
}

/* The block whose outputs begin at y. */
ENN_INLINE void enn_block_at(struct enn_block *block, const ENN_CONST int32_t *bias,
                             const ENN_CONST int32_t *mult, const ENN_CONST int8_t *right,
                             int8_t *y, int32_t count) {
  const int32_t channels = block->channels;
  block->second = count > 1 ? channels : 0;
  block->third = count > 2 ? 2 * channels : 0;
  block->fourth = count > 3 ? 3 * channels : 0;
  block->y = y;
#if ENN_HAS_DSP
  const uintptr_t at = (uintptr_t)y;
  /* The first block of taps comes before the rounds, if nothing is special. */
  const int32_t rest = block->special ? block->blocks : block->blocks - 1;
  block->rounds = rest > 0 ? (rest + 3) >> 2 : 1;
  block->skip = 4 * block->rounds - rest;
  block->middle = (int32_t)at;
  block->end = y + channels;
  block->bias = (uintptr_t)bias - 4 * at;
  block->mult = (uintptr_t)mult - 4 * at;
  block->right = block->right_again = (uintptr_t)right - at;
#else
  block->bias = bias;
  block->mult = mult;
  block->right = right;
#endif
}

ENN_INLINE struct enn_widening enn_pair_widening(int32_t zero) {
  return (struct enn_widening){.minus = enn_pair_of(-zero), .zero = zero};
}

ENN_INLINE struct enn_widening enn_fold_widening(int32_t zero) {
  return (struct enn_widening){.minus = enn_pair_of(-127),
                               .first = enn_pair_of(zero - 127),
                               .second = enn_pair_of(256 * zero + 127 - zero),
                               .zero = zero};
}

#define ENN_CONV enn_conv_fold4
#define ENN_CHANNELS enn_channels_fold4
#define ENN_C(name) enn_##name##_fold4
#define ENN_P 4
#define ENN_FOLD 1
#define ENN_POSITIVE 0
#include "enn_body_channels_dsp.h"
#include "enn_body_conv_dsp.h"
#undef ENN_CONV
#undef ENN_CHANNELS
#undef ENN_C
#undef ENN_P
#undef ENN_FOLD
#undef ENN_POSITIVE
#define ENN_CONV enn_conv_fold4positive
#define ENN_CHANNELS enn_channels_fold4positive
#define ENN_C(name) enn_##name##_fold4
#define ENN_P 4
#define ENN_FOLD 1
#define ENN_POSITIVE 1
#include "enn_body_channels_dsp.h"
#include "enn_body_conv_dsp.h"
#undef ENN_CONV
#undef ENN_CHANNELS
#undef ENN_C
#undef ENN_P
#undef ENN_FOLD
#undef ENN_POSITIVE
#define ENN_CONV enn_conv_fold3
#define ENN_CHANNELS enn_channels_fold3
#define ENN_C(name) enn_##name##_fold3
#define ENN_P 3
#define ENN_FOLD 1
#define ENN_POSITIVE 0
#include "enn_body_channels_dsp.h"
#include "enn_body_conv_dsp.h"
#undef ENN_CONV
#undef ENN_CHANNELS
#undef ENN_C
#undef ENN_P
#undef ENN_FOLD
#undef ENN_POSITIVE
#define ENN_CONV enn_conv_fold3positive
#define ENN_CHANNELS enn_channels_fold3positive
#define ENN_C(name) enn_##name##_fold3
#define ENN_P 3
#define ENN_FOLD 1
#define ENN_POSITIVE 1
#include "enn_body_channels_dsp.h"
#include "enn_body_conv_dsp.h"
#undef ENN_CONV
#undef ENN_CHANNELS
#undef ENN_C
#undef ENN_P
#undef ENN_FOLD
#undef ENN_POSITIVE
#define ENN_CONV enn_conv_cols4
#define ENN_CHANNELS enn_channels_cols4
#define ENN_C(name) enn_##name##_pairs4
#define ENN_P 4
#define ENN_FOLD 0
#define ENN_POSITIVE 0
#include "enn_body_channels_dsp.h"
#include "enn_body_conv_dsp.h"
#undef ENN_CONV
#undef ENN_CHANNELS
#undef ENN_C
#undef ENN_P
#undef ENN_FOLD
#undef ENN_POSITIVE

#define ENN_CONV_KERNELS(shape)                                                                 \
  ENN_INLINE void enn_conv2d_s8_##shape##__dsp(                                                  \
      const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,       \
      const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult,                              \
      const ENN_CONST int8_t *right, int8_t *scratch, int8_t *y) {                               \
    enn_conv_##shape(p, x, w, bias, 0, mult, right, scratch, y);                                 \
  }                                                                                              \
  ENN_INLINE void enn_conv2d_s8_##shape##border__dsp(                                            \
      const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,       \
      const ENN_CONST int32_t *bias, const ENN_CONST int32_t *border,                            \
      const ENN_CONST int32_t *mult, const ENN_CONST int8_t *right, int8_t *scratch,             \
      int8_t *y) {                                                                               \
    enn_conv_##shape(p, x, w, bias, border, mult, right, scratch, y);                            \
  }

ENN_CONV_KERNELS(fold4)
ENN_CONV_KERNELS(fold4positive)
ENN_CONV_KERNELS(fold3)
ENN_CONV_KERNELS(fold3positive)
ENN_CONV_KERNELS(cols4)

#undef ENN_CONV_KERNELS

#endif
