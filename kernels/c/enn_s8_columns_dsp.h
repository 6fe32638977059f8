/* The windows of some pixels as columns, for the convolutions of Armv7E-M (enn_s8_conv_dsp.h,
 * enn_s8w4_dsp.h): widened to int16 once for all output channels.
 *
 * Windows of whole words (in_c a multiple of 4) are widened from x, four pixels at once where they lie
 * inside the image in one row; other windows are gathered as bytes first, 4 blocks of them, behind the
 * columns. Pixel by pixel 5.25 instructions a word where it is folded, 4.25 as pairs.
 */
#ifndef ENN_S8_COLUMNS_DSP_H
#define ENN_S8_COLUMNS_DSP_H

#include "enn_dsp.h"
#include "enn_s8_conv.h"

/* What is added to bytes that are widened, and the words of a tap in the padding. */
struct enn_widening {
  uint32_t minus;
  uint32_t first, second;
  int32_t zero; /* a byte in the padding */
};

/* The next pixel. Where `inside`, windows that begin in [0, down] x [0, right] have rows that are
 * runs of bytes; rows of outputs are `width` long. Pixels that are their own windows are all in one
 * row. */
struct enn_pixel {
  int32_t i, j;
  int32_t width;
  int32_t inside, down, right;
};

ENN_INLINE struct enn_pixel enn_first_pixel(const ENN_CONST struct enn_conv2d_s8 *p) {
  struct enn_pixel at = {.width = p->out_w,
                         .inside = p->dilation_h == 1 && p->dilation_w == 1,
                         .down = p->in_h - p->kernel_h,
                         .right = p->in_w - p->kernel_w};
  const int32_t pixels = p->out_h * p->out_w;
  if (p->kernel_h == 1 && p->kernel_w == 1 && p->stride_h == 1 && p->stride_w == 1 &&
      p->pad_top == 0 && p->pad_left == 0 && pixels == p->in_h * p->in_w) {
    at.inside = 1;
    at.width = pixels;
    at.right = pixels - 1;
    at.down = 0;
  }
  return at;
}

ENN_INLINE void enn_next_pixel(struct enn_pixel *at, int32_t count) {
  at->j += count;
  if (at->j < at->width) return;
  at->j -= at->width;
  at->i++;
}

/* Which taps of a window lie in the image, and how many of a row are one run. */
struct enn_window {
  int32_t top, left;
  struct enn_taps rows, cols;
  int32_t run;
};

ENN_OUTLINE struct enn_window enn_window_at(const ENN_CONST struct enn_conv2d_s8 *p, int32_t top,
                                            int32_t left) {
  struct enn_window t = {.top = top,
                         .left = left,
                         .rows = enn_clip_taps(top, p->kernel_h, p->dilation_h, p->in_h),
                         .cols = enn_clip_taps(left, p->kernel_w, p->dilation_w, p->in_w)};
  t.run = p->dilation_w == 1 ? t.cols.last - t.cols.first : 1;
  return t;
}

/* `lines` runs of `line` bytes, `row` apart, to `to` and on, `next` apart. The last word of a run
 * overlaps the one before it. */
ENN_INLINE void enn_gather(const int8_t *from, int32_t lines, int32_t line, int32_t row, int8_t *to,
                           int32_t next) {
  const int32_t last = line - 4;
  if (last < 0) {
    for (; lines > 0; lines--, from += row, to += next) {
      to[0] = from[0];
      if (line > 1) to[1] = from[1];
      if (line > 2) to[2] = from[2];
    }
  } else if (last <= 8) {
    const int32_t middle = last > 4 ? 4 : 0;
    for (; lines > 0; lines--, from += row, to += next) {
      const uint32_t first = enn_load32(from), second = enn_load32(from + middle);
      const uint32_t end = enn_load32(from + last);
      enn_store32(to, first);
      enn_store32(to + middle, second);
      enn_store32(to + last, end);
    }
  } else {
    for (; lines > 0; lines--, from += row, to += next) {
      int32_t n = 4;
      enn_store32(to, enn_load32(from));
      do {
        enn_store32(to + n, enn_load32(from + n));
        n += 4;
      } while (n < last);
      enn_store32(to + last, enn_load32(from + last));
    }
  }
}
ENN_OUTLINE void enn_gather_lines(const int8_t *from, int32_t lines, int32_t line, int32_t row,
                                  int8_t *to, int32_t next) {
  enn_gather(from, lines, line, row, to, next);
}

/* A window as `bytes` bytes, the zero point where it lies in the padding. */
ENN_OUTLINE void enn_window_bytes(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                                  const struct enn_window *t, int32_t bytes, int8_t *to) {
  const uint32_t zeros = (uint32_t)(uint8_t)p->in_zero * 0x01010101u;
  const int32_t lines = t->rows.last - t->rows.first, line = t->run * p->in_c;
  const int32_t row = p->dilation_h * p->in_w * p->in_c, next = p->kernel_w * p->in_c;
  for (int32_t n = 0; n < bytes; n += 4) enn_store32(to + n, zeros);
  x += ((t->top + t->rows.first * p->dilation_h) * p->in_w + t->left) * p->in_c;
  to += t->rows.first * next;
  for (int32_t v = t->cols.first; v < t->cols.last; v += t->run)
    enn_gather_lines(x + v * p->dilation_w * p->in_c, lines, line, row, to + v * p->in_c, next);
}

#define ENN_C(name) enn_##name##_pairs4
#define ENN_P 4
#define ENN_PIXELS "4"
#define ENN_FOLD 0
#include "enn_body_columns_dsp.h"
#undef ENN_C
#undef ENN_FOLD
#define ENN_C(name) enn_##name##_fold4
#define ENN_FOLD 1
#include "enn_body_columns_dsp.h"
#undef ENN_C
#undef ENN_P
#undef ENN_PIXELS
#define ENN_C(name) enn_##name##_fold3
#define ENN_P 3
#define ENN_PIXELS "3"
#include "enn_body_columns_dsp.h"
#undef ENN_C
#undef ENN_P
#undef ENN_PIXELS
#undef ENN_FOLD

#endif
