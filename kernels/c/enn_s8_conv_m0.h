/* conv2d, int8, for Armv6-M: four output pixels at a time over columns of pairs.
 *
 * y as enn_s8_conv.h says. The windows of four pixels are gathered once for all output channels, two
 * pixels a word (enn_m0.h), the zero point where a tap falls into the padding; then every output
 * channel reads its weights once for the four pixels.
 *
 * Layout: with taps = kernel_h kernel_w in_c, w[ceil(out_c / 8)][taps][8], zeros for channels that
 * are not there, and behind it per channel the lengths of its chunks, in [1, 16], each as
 * 12 (16 - length). Eight channels are neighbours because a tap of the columns has eight bytes: then
 * one offset leads from the columns to the weights, and LDM moves both on. The input's zero point and
 * the level's origin are in the bias. scratch: 8 taps + in_c bytes; 4-aligned.
 *
 * Block: 1 channel x 4 pixels x 1 tap = 4 MAC in 6 instructions: LDRSB, LDM of two pairs, 2 MULS, 2
 * ADDS. A chunk of n taps takes 6 n + 13, with its jump and its four sums. Registers: columns,
 * lengths, weight, offset, two pairs, two sums of pairs, and high four sums, the end, the block.
 *
 * Order of reading: the windows of four pixels, then their outputs.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_CONV_M0_H
#define ENN_S8_CONV_M0_H

#include "enn_m0.h"
#include "enn_s8_conv.h"

/* Taps that a chunk may have, and how its jump over those it has not is counted. */
#define ENN_CHUNK_TAPS 16
#define ENN_CHUNK_STEP 12
#define ENN_CHANNEL_GROUP 8

/* All channels of four pixels. The assembly knows the places of these fields. */
struct enn_m0_block {
  const int8_t *columns, *columns_end;    /* 0, 4 */
  const ENN_CONST int8_t *w;              /* 8: of the channel's first tap */
  const ENN_CONST int8_t *lengths;        /* 12 */
  const ENN_CONST int32_t *levels;        /* 16: the channel's entry */
  const ENN_CONST int32_t *bias[4];       /* 20: per pixel */
  int8_t *y;                              /* 36 */
  int32_t y_offset[4];                    /* 40: of the pixels; one that is not there is the first */
  int32_t channel;                        /* 56 */
  int32_t channels;                       /* 60 */
  int32_t group_bytes;                    /* 64: from the last channel of a group to the next */
  int32_t mirror, fraction, rest;         /* 68, 72, 76: of the levels; rest = 32 - fraction */
  int32_t under_bytes;                    /* 80: 4 where an entry has a second line */
};

#if ENN_HAS_M0
#define ENN_M0_TAP          \
  " ldrsb r2, [r0, r7]\n"   \
  " ldmia r0!, {r3, r4}\n"  \
  " muls r3, r2\n"          \
  " muls r4, r2\n"          \
  " adds r5, r5, r3\n"      \
  " adds r6, r6, r4\n"
#define ENN_M0_TAPS5 ENN_M0_TAP ENN_M0_TAP ENN_M0_TAP ENN_M0_TAP ENN_M0_TAP

#define ENN_M0_PIXEL(k, sum, place) \
  " mov r3, " sum "\n" ENN_M0_LEVEL(k) " ldr r4, [r0, #" place "]\n strb r3, [r5, r4]\n"

#define ENN_M0_OUTSIDE(k)                                                               \
  ENN_M0_BEYOND(k, " ldr r4, [r0, #68]\n cmp r4, #0\n beq " #k "3f\n ldr r4, [r6]\n", \
                " ldr r4, [r0, #68]\n subs r4, r4, r7\n")

ENN_OUTLINE void enn_m0_channels(struct enn_m0_block *block) {
  register struct enn_m0_block *b __asm__("r0") = block;
  __asm__ volatile(ENN_M0_ASM(
      "1:\n" /* a channel: its four sums begin with the bias */
      " mov lr, r0\n"
      " ldr r7, [r0, #56]\n"
      " lsls r7, r7, #2\n"
      " ldr r1, [r0, #20]\n ldr r1, [r1, r7]\n mov r8, r1\n"
      " ldr r1, [r0, #24]\n ldr r1, [r1, r7]\n mov r9, r1\n"
      " ldr r1, [r0, #28]\n ldr r1, [r1, r7]\n mov r10, r1\n"
      " ldr r1, [r0, #32]\n ldr r1, [r1, r7]\n mov r11, r1\n"
      " ldr r1, [r0, #4]\n"
      " mov r12, r1\n"
      " ldr r7, [r0, #8]\n"
      " ldr r1, [r0, #12]\n"
      " ldr r0, [r0, #0]\n"
      " subs r7, r7, r0\n"
      "2:\n" /* a chunk: its first tap, then a jump to the others */
      " ldrsb r2, [r0, r7]\n"
      " ldmia r0!, {r5, r6}\n"
      " muls r5, r2\n"
      " muls r6, r2\n"
      " ldrb r3, [r1]\n"
      " adds r1, #1\n"
      " add pc, r3\n"
      " nop\n" /* pc is two instructions ahead */
      ENN_M0_TAPS5 ENN_M0_TAPS5 ENN_M0_TAPS5
      " sxth r3, r5\n add r8, r3\n subs r5, r5, r3\n asrs r5, r5, #16\n add r9, r5\n"
      " sxth r3, r6\n add r10, r3\n subs r6, r6, r3\n asrs r6, r6, #16\n add r11, r6\n"
      " cmp r0, r12\n"
      " bne 2b\n"
      " mov r0, lr\n"
      " str r1, [r0, #12]\n"
      " ldr r1, [r0, #8]\n"
      " adds r1, #1\n"
      " ldr r2, [r0, #56]\n"
      " adds r2, #1\n"
      " str r2, [r0, #56]\n"
      " lsls r2, r2, #29\n"
      " bne 3f\n"
      " ldr r2, [r0, #64]\n"
      " adds r1, r1, r2\n"
      "3:\n"
      " str r1, [r0, #8]\n"
      " ldr r6, [r0, #16]\n"
      " ldmia r6!, {r1, r3, r7}\n"
      " mov r12, r3\n"
      " movs r2, r1\n"
      " ldr r3, [r0, #72]\n"
      " lsrs r2, r3\n"
      " ldr r3, [r0, #76]\n"
      " lsls r1, r3\n"
      " lsrs r1, r1, #20\n"
      " ldr r5, [r0, #36]\n"
      ENN_M0_PIXEL(5, "r11", "52")
      ENN_M0_PIXEL(6, "r10", "48")
      ENN_M0_PIXEL(7, "r9", "44")
      ENN_M0_PIXEL(8, "r8", "40")
      " adds r5, #1\n"
      " str r5, [r0, #36]\n"
      " ldr r1, [r0, #80]\n"
      " adds r6, r6, r1\n"
      " str r6, [r0, #16]\n"
      " ldr r1, [r0, #56]\n"
      " ldr r2, [r0, #60]\n"
      " cmp r1, r2\n"
      " beq 4f\n"
      " b 1b\n"
      ENN_M0_OUTSIDE(5) ENN_M0_OUTSIDE(6) ENN_M0_OUTSIDE(7) ENN_M0_OUTSIDE(8)
      "4:\n")
      : "+r"(b)
      :
      : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc",
        "memory");
}
#else
/* Chunks of one channel: adds them to the sums of four pixels. */
ENN_INLINE void enn_m0_chunks(struct enn_m0_block *b, int32_t sum[4]) {
  const ENN_CONST int8_t *w = b->w;
  for (const int8_t *x = b->columns; x < b->columns_end;) {
    uint32_t first = 0, second = 0;
    const int32_t missing = (int32_t)(uint8_t)*b->lengths++ / ENN_CHUNK_STEP;
    for (int32_t n = ENN_CHUNK_TAPS - missing; n > 0; n--, x += 8, w += ENN_CHANNEL_GROUP) {
      first = enn_pair_mla(first, enn_m0_load(x), *w);
      second = enn_pair_mla(second, enn_m0_load(x + 4), *w);
    }
    sum[0] = enn_m0_add(sum[0], enn_pair_low(first));
    sum[1] = enn_m0_add(sum[1], enn_pair_high(first));
    sum[2] = enn_m0_add(sum[2], enn_pair_low(second));
    sum[3] = enn_m0_add(sum[3], enn_pair_high(second));
  }
}

ENN_OUTLINE void enn_m0_channels(struct enn_m0_block *b) {
  while (b->channel < b->channels) {
    int32_t sum[4];
    for (int32_t i = 0; i < 4; i++) sum[i] = b->bias[i][b->channel];
    enn_m0_chunks(b, sum);
    const int32_t head[ENN_LEVEL_HEAD] = {b->mirror, b->fraction};
    const struct enn_level level = enn_level_at(head, b->levels);
    for (int32_t i = 3; i >= 0; i--) b->y[b->y_offset[i]] = enn_level_out(sum[i], &level);
    b->w += 1;
    b->channel += 1;
    if (b->channel % ENN_CHANNEL_GROUP == 0 && b->channel < b->channels) b->w += b->group_bytes;
    b->y += 1;
    b->levels += enn_level_words(head);
  }
}
#endif

/* Where the window of an output pixel begins. */
struct enn_m0_corner {
  int32_t top, left;
};

/* Whether all taps of a row of the window are inside the image, and neighbours. */
ENN_INLINE int32_t enn_m0_whole(const ENN_CONST struct enn_conv2d_s8 *p, int32_t left) {
  return left >= 0 && left + p->kernel_w <= p->in_w && p->dilation_w == 1;
}

/* The place of a tap in the image, or that of zero points. */
ENN_INLINE const int8_t *enn_m0_tap(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                                    const int8_t *outside, int32_t row, int32_t column) {
  if (row < 0 || row >= p->in_h || column < 0 || column >= p->in_w) return outside;
  return x + (row * p->in_w + column) * p->in_c;
}

/* The windows of two pixels, one word a tap, into every second word of `to`. */
ENN_INLINE void enn_m0_columns(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                               const int8_t *outside, struct enn_m0_corner a,
                               struct enn_m0_corner b, int8_t *to) {
  const int32_t whole = enn_m0_whole(p, a.left) && enn_m0_whole(p, b.left);
  const int32_t run = p->kernel_w * p->in_c;
  for (int32_t u = 0; u < p->kernel_h; u++) {
    const int32_t row_a = a.top + u * p->dilation_h, row_b = b.top + u * p->dilation_h;
    if (whole && row_a >= 0 && row_a < p->in_h && row_b >= 0 && row_b < p->in_h) {
      enn_pair_run(x + (row_a * p->in_w + a.left) * p->in_c,
                   x + (row_b * p->in_w + b.left) * p->in_c, run, to);
      to += 8 * run;
      continue;
    }
    for (int32_t v = 0; v < p->kernel_w; v++, to += 8 * p->in_c) {
      const int32_t right = v * p->dilation_w;
      enn_pair_run(enn_m0_tap(p, x, outside, row_a, a.left + right),
                   enn_m0_tap(p, x, outside, row_b, b.left + right), p->in_c, to);
    }
  }
}

/* border is 0 where all outputs have the same bias. */
ENN_INLINE void enn_m0_conv(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                            const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                            const ENN_CONST int32_t *border, const ENN_CONST int32_t *levels,
                            int8_t *scratch, int8_t *y) {
  const int32_t taps = p->kernel_h * p->kernel_w * p->in_c;
  const int32_t groups = (p->out_c + ENN_CHANNEL_GROUP - 1) / ENN_CHANNEL_GROUP;
  const int32_t pixels = p->out_h * p->out_w;
  int8_t *const outside = scratch + 8 * taps;
  for (int32_t c = 0; c < p->in_c; c++) outside[c] = (int8_t)p->in_zero;
  int32_t i = 0, j = 0;
  for (int32_t first = 0; first < pixels; first += 4, y += 4 * p->out_c) {
    struct enn_m0_block block = {
        .columns = scratch,
        .columns_end = outside,
        .w = w,
        .lengths = w + groups * taps * ENN_CHANNEL_GROUP,
        .levels = levels + ENN_LEVEL_HEAD,
        .y = y,
        .channels = p->out_c,
        .group_bytes = (taps - 1) * ENN_CHANNEL_GROUP,
        .mirror = levels[0],
        .fraction = levels[1],
        .rest = 32 - levels[1],
        .under_bytes = 4 * enn_level_words(levels) - 12,
    };
    struct enn_m0_corner corner[4];
    for (int32_t n = 0; n < 4; n++) {
      const int32_t there = first + n < pixels;
      block.bias[n] = border ? enn_border_bias(p, bias, border, i, j) : bias;
      block.y_offset[n] = there ? n * p->out_c : 0;
      corner[n].top = i * p->stride_h - p->pad_top;
      corner[n].left = j * p->stride_w - p->pad_left;
      if (first + n + 1 >= pixels) continue; /* the last pixel stands for those behind it */
      if (++j == p->out_w) {
        i++;
        j = 0;
      }
    }
    enn_m0_columns(p, x, outside, corner[0], corner[1], scratch);
    enn_m0_columns(p, x, outside, corner[2], corner[3], scratch + 4);
    enn_m0_channels(&block);
  }
  enn_m0_clamp(y - (pixels + 3) / 4 * 4 * p->out_c, pixels * p->out_c, p->clamp_min, p->clamp_max);
}

ENN_INLINE void enn_conv2d_s8_pairs4__m0(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                                         const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                         const ENN_CONST int32_t *levels, int8_t *scratch,
                                         int8_t *y) {
  enn_m0_conv(p, x, w, bias, 0, levels, scratch, y);
}

ENN_INLINE void enn_conv2d_s8_pairs4border__m0(const ENN_CONST struct enn_conv2d_s8 *p,
                                               const int8_t *x, const ENN_CONST int8_t *w,
                                               const ENN_CONST int32_t *bias,
                                               const ENN_CONST int32_t *border,
                                               const ENN_CONST int32_t *levels, int8_t *scratch,
                                               int8_t *y) {
  enn_m0_conv(p, x, w, bias, border, levels, scratch, y);
}

#endif
