/*
 * enn_f32_conv.h: conv2d and its two gradients. Weights w[OC][KH][KW][IC].
 *
 * Windows are read where they lie: k = (u, v, c) runs over pieces of the (padded) image that are
 * contiguous in memory, one piece per kernel row, or per kernel element where the dilation is
 * above 1. No im2col matrix is made.
 *
 *   conv2d              y[m][o]  = b[o] + sum over k of x[m, k] w[o][k]
 *   conv2d_grad_input   stride 1: conv2d of dy with the kernel turned round;
 *                       else dx[m, k] += sum over o of dy[m][o] w[o][k], windows in ascending m
 *   conv2d_grad_weights dw[o][k] = sum over shards of the batch of sum over n, m of dy[m][o] x[m, k]
 *
 * Parts are shards of the batch; phase 0 of the first two packs the weights, phase 1 of the last
 * adds the shards' sums up.
 */
#ifndef ENN_F32_CONV_H
#define ENN_F32_CONV_H

#include "enn_f32_gemm.h"
#include "enn_f32_window.h"

ENN_INLINE int32_t enn_f32_taps(const enn_f32_window *p) { return p->kh * p->kw * p->c; }

/* A 1x1 kernel that reads every pixel once: the images of a shard are one row of windows. */
ENN_INLINE int enn_f32_is_pointwise(const enn_f32_window *p) {
  return p->kh == 1 && p->kw == 1 && p->sh == 1 && p->sw == 1 && p->pt == 0 && p->pl == 0 &&
         p->oh == p->h && p->ow == p->w;
}

/* The images of a pointwise convolution as one image of one row. */
ENN_INLINE enn_f32_window enn_f32_flat(const enn_f32_window *p, int32_t images) {
  enn_f32_window q = *p;
  q.n = 1, q.h = q.oh = 1, q.w = q.ow = images * p->h * p->w;
  return q;
}

/* The walk over one window's k; rows of the result are windows of one row of the image. */
ENN_INLINE enn_f32_walk enn_f32_walk_windows(const enn_f32_window *p) {
  const intptr_t row = (intptr_t)enn_f32_row(p) * p->dh, next = p->sw * p->c;
  if (p->dw == 1) return (enn_f32_walk){p->kh, 1, p->kw * p->c, row, 0, 1, next, 0};
  return (enn_f32_walk){p->kh, p->kw, p->c, row, p->dw * p->c, 1, next, 0};
}

/* One image, readable without borders. */
static inline void enn_f32_conv_image(const enn_f32_window *p, const float *image,
                                      const float *packed, const float *bias, float *y) {
  const int32_t taps = enn_f32_taps(p);
  const intptr_t down = (intptr_t)p->sh * enn_f32_row(p);
  enn_f32_walk w = enn_f32_walk_windows(p);
  for (int32_t o = 0; o < p->oc; o += ENN_PANEL) {
    w.b_step = enn_f32_panel_width(p->oc, o);
    for (int32_t i = 0; i < p->oh; i++) {
      const enn_f32_target t = {y + (intptr_t)i * p->ow * p->oc + o, p->oc, bias ? bias + o : 0, 0,
                                p->oc - o};
      enn_f32_rows_of_panel(&w, image + i * down, packed + (intptr_t)o * taps, &t, p->ow);
    }
  }
}

/* One shard of the batch; `padded` has room for one image with its border. */
static inline void enn_f32_conv_shard(const enn_f32_window *p, const float *x, const float *packed,
                                      const float *bias, float *padded, float *y, int32_t shard) {
  const intptr_t x_size = (intptr_t)p->h * p->w * p->c, y_size = (intptr_t)p->oh * p->ow * p->oc;
  const int32_t first = enn_shard_first(p->n, shard), end = enn_shard_first(p->n, shard + 1);
  if (enn_f32_is_pointwise(p)) {
    /* Pieces of a row that stay in the cache for all panels. */
    const int32_t pixels = (end - first) * p->h * p->w, most = 8 * ENN_ROWS;
    for (int32_t m = 0; m < pixels; m += most) {
      enn_f32_window q = enn_f32_flat(p, 1);
      q.w = q.ow = pixels - m < most ? pixels - m : most;
      enn_f32_conv_image(&q, x + first * x_size + (intptr_t)m * p->c, packed, bias,
                         y + first * y_size + (intptr_t)m * p->oc);
    }
    return;
  }
  enn_f32_zero(padded, enn_f32_padded_size(p));
  for (int32_t n = first; n < end; n++) {
    enn_f32_conv_image(p, enn_f32_readable(p, x + n * x_size, padded), packed, bias,
                       y + n * y_size);
  }
}

ENN_INLINE int32_t enn_conv2d_f32_scratch(const enn_f32_window *p) {
  return enn_f32_packed_size(enn_f32_taps(p), p->oc) + ENN_SHARDS * enn_f32_padded_size(p);
}

/* bias may be null. */
ENN_INLINE void enn_conv2d_f32(const enn_f32_window *p, const float *x, const float *w,
                               const float *bias, float *scratch, float *y, int32_t part,
                               int32_t phase) {
  const int32_t taps = enn_f32_taps(p);
  if (phase == 0) {
    enn_f32_pack(w, 1, taps, taps, p->oc, scratch, part);
    return;
  }
  float *padded = scratch + enn_f32_packed_size(taps, p->oc) +
                  (intptr_t)part * enn_f32_padded_size(p);
  enn_f32_conv_shard(p, x, scratch, bias, padded, y, part);
}

/* The convolution of dy that is the gradient of x, where the stride is 1. */
ENN_INLINE enn_f32_window enn_f32_turned_window(const enn_f32_window *p) {
  return (enn_f32_window){p->n,
                          p->oh,
                          p->ow,
                          p->oc,
                          p->h,
                          p->w,
                          p->c,
                          p->kh,
                          p->kw,
                          1,
                          1,
                          (p->kh - 1) * p->dh - p->pt,
                          (p->kw - 1) * p->dw - p->pl,
                          p->dh,
                          p->dw};
}

/* Borders cannot be cut off by a window's padding, so those cases are scattered. */
ENN_INLINE int enn_f32_is_turnable(const enn_f32_window *p) {
  return p->sh == 1 && p->sw == 1 && p->pt <= (p->kh - 1) * p->dh && p->pl <= (p->kw - 1) * p->dw;
}

/* Packs B[(u, v, o)][c] = w[o][KH - 1 - u][KW - 1 - v][c], the panels of `part`. */
ENN_INLINE void enn_f32_pack_turned(const enn_f32_window *p, const float *w, float *packed,
                                    int32_t part) {
  const int32_t window = p->kh * p->kw, end = enn_part_first(p->c, ENN_PANEL, part + 1);
  for (int32_t j = enn_part_first(p->c, ENN_PANEL, part); j < end; j += ENN_PANEL) {
    for (int32_t t = 0; t < window; t++) {
      const enn_f32_packed_rows rows = {t * p->oc, p->oc, window * p->oc};
      enn_f32_pack_panel(w + (intptr_t)(window - 1 - t) * p->c, (intptr_t)window * p->c, 1, &rows,
                         p->c, j, packed);
    }
  }
}

/* How k falls into contiguous pieces of the image: kh * across pieces of `length` floats. */
typedef struct {
  int32_t across, length;
  int32_t row;  /* floats from one kernel row to the next in the image */
  int32_t step; /* floats from one piece of a row to the next */
} enn_f32_pieces;

ENN_INLINE enn_f32_pieces enn_f32_pieces_of(const enn_f32_window *p) {
  const int32_t row = enn_f32_row(p) * p->dh;
  if (p->dw == 1) return (enn_f32_pieces){1, p->kw * p->c, row, 0};
  return (enn_f32_pieces){p->kw, p->c, row, p->dw * p->c};
}

/* Adds the gradient of one window, in k's order, to the image. */
ENN_INLINE void enn_f32_scatter(const enn_f32_window *p, const enn_f32_pieces *q,
                                const float *column, float *image) {
  for (int32_t u = 0; u < p->kh; u++) {
    for (int32_t v = 0; v < q->across; v++) {
      float *to = image + (intptr_t)u * q->row + (intptr_t)v * q->step;
      int32_t i = 0;
      for (; i + ENN_LANES <= q->length; i += ENN_LANES) {
        enn_vf_store(to + i, enn_vf_add(enn_vf_load(to + i), enn_vf_load(column + i)));
      }
      for (; i < q->length; i++) to[i] += column[i];
      column += q->length;
    }
  }
}

/* Floats of scratch of one part: the gradients of a row of windows, and a padded image. */
ENN_INLINE int32_t enn_f32_grad_input_part(const enn_f32_window *p) {
  return p->ow * enn_f32_taps(p) + enn_f32_padded_size(p);
}

ENN_INLINE int32_t enn_conv2d_grad_input_f32_scratch(const enn_f32_window *p) {
  if (enn_f32_is_turnable(p)) {
    const enn_f32_window q = enn_f32_turned_window(p);
    return enn_conv2d_f32_scratch(&q);
  }
  return enn_f32_packed_size(p->oc, enn_f32_taps(p)) + ENN_SHARDS * enn_f32_grad_input_part(p);
}

/* One row of windows: their gradients dy[m][OC] w[OC][k], then added to the image. */
ENN_INLINE void enn_f32_scatter_row(const enn_f32_window *p, const float *dy, const float *packed,
                                    float *columns, float *image) {
  const int32_t taps = enn_f32_taps(p);
  const enn_f32_pieces q = enn_f32_pieces_of(p);
  enn_f32_walk w = {1, 1, p->oc, 0, 0, 1, p->oc, 0};
  for (int32_t k = 0; k < taps; k += ENN_PANEL) {
    w.b_step = enn_f32_panel_width(taps, k);
    const enn_f32_target t = {columns + k, taps, 0, 0, taps - k};
    enn_f32_rows_of_panel(&w, dy, packed + (intptr_t)k * p->oc, &t, p->ow);
  }
  for (int32_t j = 0; j < p->ow; j++) {
    enn_f32_scatter(p, &q, columns + (intptr_t)j * taps, image + (intptr_t)j * p->sw * p->c);
  }
}

ENN_INLINE void enn_f32_scatter_shard(const enn_f32_window *p, const float *dy,
                                      const float *packed, float *columns, float *dx,
                                      int32_t shard) {
  float *padded = columns + (intptr_t)p->ow * enn_f32_taps(p);
  const intptr_t x_size = (intptr_t)p->h * p->w * p->c, dy_row = (intptr_t)p->ow * p->oc;
  const int is_padded = enn_f32_is_padded(p);
  const int32_t end = enn_shard_first(p->n, shard + 1);
  for (int32_t n = enn_shard_first(p->n, shard); n < end; n++) {
    float *out = dx + n * x_size, *image = is_padded ? padded : out;
    enn_f32_zero(image, is_padded ? enn_f32_padded_size(p) : (int32_t)x_size);
    for (int32_t i = 0; i < p->oh; i++) {
      enn_f32_scatter_row(p, dy + ((intptr_t)n * p->oh + i) * dy_row, packed, columns,
                          image + (intptr_t)i * p->sh * enn_f32_row(p));
    }
    if (is_padded) enn_f32_crop(p, padded, out);
  }
}

ENN_INLINE void enn_conv2d_grad_input_f32(const enn_f32_window *p, const float *dy, const float *w,
                                          float *scratch, float *dx, int32_t part, int32_t phase) {
  const int32_t taps = enn_f32_taps(p);
  if (enn_f32_is_turnable(p)) {
    const enn_f32_window q = enn_f32_turned_window(p);
    float *padded = scratch + enn_f32_packed_size(enn_f32_taps(&q), q.oc) +
                    (intptr_t)part * enn_f32_padded_size(&q);
    if (phase == 0) enn_f32_pack_turned(p, w, scratch, part);
    if (phase == 1) enn_f32_conv_shard(&q, dy, scratch, 0, padded, dx, part);
    return;
  }
  float *columns = scratch + enn_f32_packed_size(p->oc, taps) +
                   (intptr_t)part * enn_f32_grad_input_part(p);
  if (phase == 0) enn_f32_pack(w, taps, 1, p->oc, taps, scratch, part);
  if (phase == 1) enn_f32_scatter_shard(p, dy, scratch, columns, dx, part);
}

/* Floats of a copy of one image of dy with its channels filled up; 0 where none is needed. */
ENN_INLINE int32_t enn_f32_filled_dy(const enn_f32_window *p) {
  return enn_f32_filled(p->oc) == p->oc ? 0 : p->oh * p->ow * enn_f32_filled(p->oc);
}

/* Floats of scratch of one part: its sums, dy filled up, a padded image. */
ENN_INLINE int32_t enn_f32_grad_weights_part(const enn_f32_window *p) {
  return enn_f32_taps(p) * enn_f32_filled(p->oc) + enn_f32_filled_dy(p) + enn_f32_padded_size(p);
}

ENN_INLINE int32_t enn_conv2d_grad_weights_f32_scratch(const enn_f32_window *p) {
  return ENN_SHARDS * enn_f32_grad_weights_part(p);
}

/* dy of one image with its channels filled up, zeros in the lanes beyond OC. */
ENN_INLINE const float *enn_f32_fill_dy(const enn_f32_window *p, const float *dy, float *filled) {
  const int32_t width = enn_f32_filled(p->oc);
  if (width == p->oc) return dy;
  for (int32_t m = 0; m < p->oh * p->ow; m++) {
    for (int32_t o = 0; o < p->oc; o += ENN_LANES) {
      enn_vf_store(filled + (intptr_t)m * width + o,
                   enn_vf_load_upto(dy + (intptr_t)m * p->oc + o, p->oc - o));
    }
  }
  return filled;
}

/* sums[k][o] += x[m, k] dy[m][o] over the windows of one image. */
static inline void enn_f32_add_image(const enn_f32_window *p, const float *image, const float *dy,
                                     float *sums) {
  const int32_t row = enn_f32_row(p), width = enn_f32_filled(p->oc);
  const enn_f32_pieces q = enn_f32_pieces_of(p);
  const enn_f32_walk w = {p->oh, 1, p->ow, (intptr_t)p->sh * row, 0, p->sw * p->c, 1, width};
  for (int32_t o = 0; o < width; o += ENN_PANEL) {
    float *to = sums + o;
    for (int32_t u = 0; u < p->kh; u++) {
      for (int32_t v = 0; v < q.across; v++) {
        const enn_f32_target t = {to, width, to, width, width - o};
        const float *from = image + (intptr_t)u * q.row + (intptr_t)v * q.step;
        enn_f32_rows_of_panel(&w, from, dy + o, &t, q.length);
        to += (intptr_t)q.length * width;
      }
    }
  }
}

/* The sums of one shard, sums[taps][filled OC]. */
ENN_INLINE void enn_f32_grad_weights_shard(const enn_f32_window *p, const float *x,
                                           const float *dy, float *sums, int32_t shard) {
  const int32_t size = enn_f32_taps(p) * enn_f32_filled(p->oc);
  const intptr_t x_size = (intptr_t)p->h * p->w * p->c, dy_size = (intptr_t)p->oh * p->ow * p->oc;
  const int32_t first = enn_shard_first(p->n, shard), end = enn_shard_first(p->n, shard + 1);
  float *filled = sums + size, *padded = filled + enn_f32_filled_dy(p);
  enn_f32_zero(sums, size);
  if (enn_f32_is_pointwise(p) && enn_f32_filled_dy(p) == 0) {
    /* Pieces of the pixels that stay in the cache for all blocks. */
    const int32_t pixels = (end - first) * p->h * p->w, most = 256;
    for (int32_t m = 0; m < pixels; m += most) {
      enn_f32_window q = enn_f32_flat(p, 1);
      q.w = q.ow = pixels - m < most ? pixels - m : most;
      enn_f32_add_image(&q, x + first * x_size + (intptr_t)m * p->c,
                        dy + first * dy_size + (intptr_t)m * p->oc, sums);
    }
    return;
  }
  enn_f32_zero(padded, enn_f32_padded_size(p));
  for (int32_t n = first; n < end; n++) {
    enn_f32_add_image(p, enn_f32_readable(p, x + n * x_size, padded),
                      enn_f32_fill_dy(p, dy + n * dy_size, filled), sums);
  }
}

/* dw[o][k] = the shards' sums together, the k that are `part`'s. */
ENN_INLINE void enn_f32_grad_weights_together(const enn_f32_window *p, const float *sums,
                                              float *dw, int32_t part) {
  const int32_t taps = enn_f32_taps(p), width = enn_f32_filled(p->oc);
  const int32_t end = enn_part_first(taps, 1, part + 1);
  for (int32_t k = enn_part_first(taps, 1, part); k < end; k++) {
    for (int32_t o = 0; o < p->oc; o += ENN_LANES) {
      float sum[ENN_LANES];
      enn_vf_store(sum, enn_shards_sums(sums + (intptr_t)k * width + o,
                                        enn_f32_grad_weights_part(p), ENN_LANES));
      for (int32_t l = 0; l < ENN_LANES && o + l < p->oc; l++) {
        dw[(intptr_t)(o + l) * taps + k] = sum[l];
      }
    }
  }
}

ENN_INLINE void enn_conv2d_grad_weights_f32(const enn_f32_window *p, const float *x,
                                            const float *dy, float *scratch, float *dw,
                                            int32_t part, int32_t phase) {
  float *own = scratch + (intptr_t)part * enn_f32_grad_weights_part(p);
  if (phase == 0) enn_f32_grad_weights_shard(p, x, dy, own, part);
  if (phase == 1) enn_f32_grad_weights_together(p, scratch, dw, part);
}

#endif
