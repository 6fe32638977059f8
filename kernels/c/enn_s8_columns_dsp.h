/* The windows of some pixels as columns, for the convolutions of Armv7E-M (enn_s8_conv_dsp.h,
 * enn_s8w4_dsp.h): widened to int16 once for all output channels.
 *
 * A row of a window is a run of words, and a rest of up to three bytes; a column has the words of all
 * rows, then their rests. Windows inside the image are widened from x, four pixels at once where they lie
 * in one row; the rests are gathered behind the columns. Where pixels are no whole words, four windows that
 * reach out of the image are made a patch first, behind the rests, and single ones gathered as bytes, 4
 * blocks of them, behind the columns. Where rows have fewer than four outputs all windows are gathered so, and
 * the taps of a column are in their own order. Pixel by pixel 5.25 instructions a word where it is folded, 4.25 as pairs.
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

/* Outputs of a row from which on windows are widened from the image. */
#define ENN_LEAST_ROW 4

/* Where the windows of the next pixels lie. Windows that begin in [0, down] x [0, right] are inside the image,
 * and their rows are runs of bytes; [0, last] is where the first of several pixels then is. Rows of outputs
 * are `width` long. Pixels that are their own windows are all in one row. */
struct enn_pixels {
  int32_t j, width;
  int32_t top, left;
  int32_t at; /* from x to the window */
  int32_t down, right, last;
  int32_t stride, step; /* from one pixel to the next, in pixels and in bytes */
  int32_t next, begin;  /* from one row of pixels to the next, in bytes and in pixels */
  int32_t row, run, rest; /* of x in bytes; words and bytes of a row of a window */
  int32_t narrow;         /* rows are too short for several pixels */
};

ENN_OUTLINE void enn_pixels_start(struct enn_pixels *at, const ENN_CONST struct enn_conv2d_s8 *p,
                                  int32_t count) {
  const int32_t pixels = p->out_h * p->out_w, line = p->kernel_w * p->in_c;
  const int32_t runs = p->dilation_h == 1 && p->dilation_w == 1;
  at->row = p->in_w * p->in_c;
  at->run = line >> 2;
  at->rest = line & 3;
  at->width = p->out_w;
  at->down = runs ? p->in_h - p->kernel_h : -1;
  at->right = p->in_w - p->kernel_w;
  at->stride = p->stride_w;
  at->step = p->stride_w * p->in_c;
  if (p->kernel_h == 1 && p->kernel_w == 1 && p->stride_h == 1 && p->stride_w == 1 &&
      p->pad_top == 0 && p->pad_left == 0 && pixels == p->in_h * p->in_w) {
    at->width = pixels;
    at->right = pixels - 1;
    at->down = 0;
  }
  at->narrow = at->width < ENN_LEAST_ROW && p->kernel_h * p->kernel_w > 1;
  at->last = at->narrow ? -1 : at->right - (count - 1) * p->stride_w;
  at->next = p->stride_h * at->row - at->width * at->step;
  at->begin = at->width * p->stride_w;
  at->j = 0;
  at->top = -p->pad_top;
  at->left = -p->pad_left;
  at->at = at->top * at->row + at->left * p->in_c;
}

/* Whether `count` windows, those that `last` is for, lie inside the image in one row. */
ENN_INLINE int32_t enn_pixels_inside(const struct enn_pixels *at, int32_t count) {
  return at->top >= 0 && at->top <= at->down && at->left >= 0 && at->left <= at->last &&
         at->j + count <= at->width;
}

ENN_INLINE void enn_pixels_next(const ENN_CONST struct enn_conv2d_s8 *p, struct enn_pixels *at,
                                int32_t count) {
  at->j += count;
  at->left += count * at->stride;
  at->at += count * at->step;
  if (at->j < at->width) return;
  at->j -= at->width;
  at->left -= at->begin;
  at->at += at->next;
  at->top += p->stride_h;
}

/* An output's place. */
struct enn_pixel {
  int32_t i, j;
  int32_t width;
};

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

/* `rows` times `rest` bytes in [1, 3], `row` apart, of `pixels` pixels that are `step` apart; those
 * of a pixel one after the other, and pixels `stride` apart. One pixel may be gathered in place. */
ENN_INLINE void enn_gather_rests(const int8_t *from, int32_t step, const int32_t pixels,
                                 int32_t rows, int32_t row, int32_t rest, int8_t *to,
                                 int32_t stride) {
  const int32_t last = rest - 1;
  for (int32_t u = rest & 2 ? rows : 0; u > 0; u--, from += row, to += rest) {
    enn_copy16(from, to);
    if (pixels > 1) enn_copy16(from + step, to + stride);
    if (pixels > 2) enn_copy16(from + 2 * step, to + 2 * stride);
    if (pixels > 3) enn_copy16(from + 3 * step, to + 3 * stride);
    if (last == 1) continue;
    to[2] = from[2];
    if (pixels > 1) to[stride + 2] = from[step + 2];
    if (pixels > 2) to[2 * stride + 2] = from[2 * step + 2];
    if (pixels > 3) to[3 * stride + 2] = from[3 * step + 2];
  }
  for (int32_t u = last == 0 ? rows : 0; u > 0; u--, from += row, to++) {
    to[0] = from[0];
    if (pixels > 1) to[stride] = from[step];
    if (pixels > 2) to[2 * stride] = from[2 * step];
    if (pixels > 3) to[3 * stride] = from[3 * step];
  }
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

/* The part of the image that `pixels` windows see, of which the first begins at (top, left), with the zero
 * point in the padding. Returns how long a row is. */
ENN_OUTLINE int32_t enn_patch(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, int32_t top,
                              int32_t left, int32_t pixels, int8_t *to) {
  const uint32_t zeros = enn_four_of(p->in_zero);
  const int32_t width = (pixels - 1) * p->stride_w + p->kernel_w;
  const int32_t row = (width * p->in_c + 3) & ~3;
  for (int32_t n = 0; n < p->kernel_h * row; n += 4) enn_store32(to + n, zeros);
  const struct enn_taps rows = enn_clip_taps(top, p->kernel_h, 1, p->in_h);
  const struct enn_taps cols = enn_clip_taps(left, width, 1, p->in_w);
  if (rows.last > rows.first && cols.last > cols.first) {
    const int8_t *const from = x + ((top + rows.first) * p->in_w + left + cols.first) * p->in_c;
    enn_gather_lines(from, rows.last - rows.first, (cols.last - cols.first) * p->in_c,
                     p->in_w * p->in_c, to + rows.first * row + cols.first * p->in_c, row);
  }
  return row;
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
