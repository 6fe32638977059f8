/*
 * enn_f32_conv.h: conv2d and its two gradients. Weights w[OC][KH][KW][IC].
 *
 * Windows are read where they lie: k = (u, v, c) runs over pieces of the (padded) image that are
 * contiguous in memory, one piece per kernel row, or per kernel element where the dilation is
 * above 1. No im2col matrix is made.
 *
 *   conv2d              y[m][o]  = b[o] + sum over k of x[m, k] w[o][k]
 *   conv2d_grad_input   dx[m, k] += sum over o of dy[m][o] w[o][k], windows in ascending m
 *   conv2d_grad_weights dw[o][k] = sum over shards of the batch of sum over n, m of dy[m][o] x[m, k]
 */
#ifndef ENN_F32_CONV_H
#define ENN_F32_CONV_H

#include "enn_f32_gemm.h"
#include "enn_f32_window.h"

/* How k falls into contiguous pieces of the image: kh * pieces pieces of `length` floats. */
typedef struct {
  int32_t across;  /* pieces per kernel row */
  int32_t length;
  int32_t row;     /* floats from one kernel row to the next in the image */
  int32_t step;    /* floats from one piece of a row to the next */
} enn_f32_pieces;

ENN_INLINE enn_f32_pieces enn_f32_pieces_of(const enn_f32_window *p) {
  const int32_t row = enn_f32_row(p) * p->dh;
  if (p->dw == 1) return (enn_f32_pieces){1, p->kw * p->c, row, 0};
  return (enn_f32_pieces){p->kw, p->c, row, p->dw * p->c};
}

ENN_INLINE int32_t enn_f32_taps(const enn_f32_window *p) { return p->kh * p->kw * p->c; }

/* Where window m of an image begins, in floats. */
ENN_INLINE intptr_t enn_f32_window_at(const enn_f32_window *p, int32_t m, int32_t row) {
  const int32_t i = m / p->ow, j = m - i * p->ow;
  return (intptr_t)i * p->sh * row + (intptr_t)j * p->sw * p->c;
}

/* The beginnings of windows m .. m + 3; those beyond the last repeat window m. */
ENN_INLINE void enn_f32_windows_at(const enn_f32_window *p, const float *x, int32_t m,
                                   int32_t count, int32_t row, enn_f32_rows *at) {
  for (int32_t r = 0; r < 4; r++) {
    at->row[r] = x + enn_f32_window_at(p, r < count ? m + r : m, row);
  }
}

ENN_INLINE int32_t enn_conv2d_f32_scratch(const enn_f32_window *p) {
  return enn_f32_packed_size(enn_f32_taps(p), p->oc) + enn_f32_padded_size(p);
}

ENN_INLINE void enn_f32_conv_tile(const enn_f32_window *p, const enn_f32_pieces *q,
                                  const enn_f32_rows *at, const float *panel, enn_f32_tile *t) {
  for (int32_t u = 0; u < p->kh; u++) {
    for (int32_t v = 0; v < q->across; v++) {
      enn_f32_rows rows;
      const intptr_t skip = (intptr_t)u * q->row + (intptr_t)v * q->step;
      for (int r = 0; r < 4; r++) rows.row[r] = at->row[r] + skip;
      enn_f32_tile_mac(t, &rows, 1, panel, ENN_PANEL, q->length);
      panel += (intptr_t)q->length * ENN_PANEL;
    }
  }
}

/* bias may be null. */
ENN_INLINE void enn_conv2d_f32(const enn_f32_window *p, const float *x, const float *w,
                               const float *bias, float *scratch, float *y) {
  const int32_t taps = enn_f32_taps(p), windows = p->oh * p->ow, row = enn_f32_row(p);
  const enn_f32_pieces q = enn_f32_pieces_of(p);
  float *padded = scratch + enn_f32_packed_size(taps, p->oc);
  enn_f32_pack(w, 1, taps, taps, p->oc, scratch);
  enn_f32_zero(padded, enn_f32_padded_size(p));
  for (int32_t n = 0; n < p->n; n++) {
    const float *image = enn_f32_readable(p, x + (intptr_t)n * p->h * p->w * p->c, padded);
    float *out = y + (intptr_t)n * windows * p->oc;
    for (int32_t o = 0; o < p->oc; o += ENN_PANEL) {
      enn_f32_tile bias_tile;
      enn_f32_tile_bias(&bias_tile, bias, o, p->oc);
      for (int32_t m = 0; m < windows; m += 4) {
        const int32_t count = windows - m < 4 ? windows - m : 4;
        enn_f32_rows at;
        enn_f32_windows_at(p, image, m, count, row, &at);
        enn_f32_tile t = bias_tile;
        enn_f32_conv_tile(p, &q, &at, scratch + (intptr_t)o * taps, &t);
        enn_f32_tile_store(&t, out + (intptr_t)m * p->oc + o, p->oc, count, p->oc - o);
      }
    }
  }
}

/* Floats of a row of window gradients, filled up to whole panels. */
ENN_INLINE int32_t enn_f32_columns(const enn_f32_window *p) {
  return enn_f32_packed_size(1, enn_f32_taps(p));
}

ENN_INLINE int32_t enn_conv2d_grad_input_f32_scratch(const enn_f32_window *p) {
  return enn_f32_columns(p) * (p->oc + 4) + enn_f32_padded_size(p);
}

/* Adds the gradient of one window, in k's order, to the image. */
ENN_INLINE void enn_f32_scatter(const enn_f32_window *p, const enn_f32_pieces *q,
                                const float *column, float *image) {
  for (int32_t u = 0; u < p->kh; u++) {
    for (int32_t v = 0; v < q->across; v++) {
      float *to = image + (intptr_t)u * q->row + (intptr_t)v * q->step;
      int32_t i = 0;
      for (; i + 4 <= q->length; i += 4) {
        enn_v4f_store(to + i, enn_v4f_add(enn_v4f_load(to + i), enn_v4f_load(column + i)));
      }
      for (; i < q->length; i++) to[i] += column[i];
      column += q->length;
    }
  }
}

/* The gradients of up to four windows, dy[m..][OC] w[OC][k], into columns[4][...]. */
ENN_INLINE void enn_f32_window_gradients(const enn_f32_window *p, const float *dy, int32_t count,
                                         const float *packed, float *columns) {
  const int32_t width = enn_f32_columns(p);
  enn_f32_rows at;
  for (int32_t r = 0; r < 4; r++) at.row[r] = dy + (intptr_t)(r < count ? r : 0) * p->oc;
  for (int32_t k = 0; k < width; k += ENN_PANEL) {
    enn_f32_tile t;
    enn_f32_tile_set(&t, enn_v4f_zero(), enn_v4f_zero());
    enn_f32_tile_mac(&t, &at, 1, packed + (intptr_t)k * p->oc, ENN_PANEL, p->oc);
    enn_f32_tile_store(&t, columns + k, width, 4, ENN_PANEL);
  }
}

ENN_INLINE void enn_conv2d_grad_input_f32(const enn_f32_window *p, const float *dy, const float *w,
                                          float *scratch, float *dx) {
  const int32_t taps = enn_f32_taps(p), windows = p->oh * p->ow, row = enn_f32_row(p);
  const int32_t width = enn_f32_columns(p), image_size = p->h * p->w * p->c;
  const enn_f32_pieces q = enn_f32_pieces_of(p);
  const int is_padded = enn_f32_is_padded(p);
  float *columns = scratch + (intptr_t)width * p->oc;
  float *padded = columns + (intptr_t)width * 4;
  enn_f32_pack(w, taps, 1, p->oc, taps, scratch);
  for (int32_t n = 0; n < p->n; n++) {
    float *out = dx + (intptr_t)n * image_size;
    float *image = is_padded ? padded : out;
    enn_f32_zero(image, is_padded ? enn_f32_padded_size(p) : image_size);
    for (int32_t m = 0; m < windows; m += 4) {
      const int32_t count = windows - m < 4 ? windows - m : 4;
      const float *from = dy + ((intptr_t)n * windows + m) * p->oc;
      enn_f32_window_gradients(p, from, count, scratch, columns);
      for (int32_t r = 0; r < count; r++) {
        enn_f32_scatter(p, &q, columns + (intptr_t)r * width,
                        image + enn_f32_window_at(p, m + r, row));
      }
    }
    if (is_padded) enn_f32_crop(p, padded, out);
  }
}

/* Output channels filled up to whole panels. */
ENN_INLINE int32_t enn_f32_filled(const enn_f32_window *p) {
  return enn_f32_packed_size(1, p->oc);
}

ENN_INLINE int32_t enn_f32_filled_dy(const enn_f32_window *p) {
  return enn_f32_filled(p) == p->oc ? 0 : p->oh * p->ow * enn_f32_filled(p);
}

ENN_INLINE int32_t enn_conv2d_grad_weights_f32_scratch(const enn_f32_window *p) {
  return enn_f32_taps(p) * enn_f32_filled(p) * ENN_SHARD_LEVELS + enn_f32_filled_dy(p) +
         enn_f32_padded_size(p) + enn_f32_taps(p);
}

/* dy of one image with its channels filled up, zeros in the lanes beyond OC. */
ENN_INLINE const float *enn_f32_fill_dy(const enn_f32_window *p, const float *dy, float *filled) {
  const int32_t width = enn_f32_filled(p);
  if (width == p->oc) return dy;
  for (int32_t m = 0; m < p->oh * p->ow; m++) {
    for (int32_t o = 0; o < p->oc; o++) filled[m * width + o] = dy[m * p->oc + o];
  }
  return filled;
}

/* sums[k][o] += x[m, k] dy[m][o] over the windows of one image. */
ENN_INLINE void enn_f32_add_image(const enn_f32_window *p, const float *image, const float *dy,
                                  const int32_t *offsets, float *sums) {
  const int32_t taps = enn_f32_taps(p), width = enn_f32_filled(p), row = enn_f32_row(p);
  for (int32_t k = 0; k < taps; k += 4) {
    const int32_t count = taps - k < 4 ? taps - k : 4;
    for (int32_t o = 0; o < width; o += ENN_PANEL) {
      enn_f32_tile t;
      for (int32_t r = 0; r < 4; r++) {
        const float *from = sums + (intptr_t)(r < count ? k + r : k) * width + o;
        t.v[r][0] = enn_v4f_load(from);
        t.v[r][1] = enn_v4f_load(from + 4);
      }
      for (int32_t i = 0; i < p->oh; i++) {
        enn_f32_rows at;
        for (int32_t r = 0; r < 4; r++) {
          at.row[r] = image + offsets[r < count ? k + r : k] + (intptr_t)i * p->sh * row;
        }
        enn_f32_tile_mac(&t, &at, p->sw * p->c, dy + (intptr_t)i * p->ow * width + o, width,
                         p->ow);
      }
      enn_f32_tile_store(&t, sums + (intptr_t)k * width + o, width, count, ENN_PANEL);
    }
  }
}

/* Where each k lies in the image, counted from its window's beginning. */
ENN_INLINE void enn_f32_tap_offsets(const enn_f32_window *p, int32_t *offsets) {
  for (int32_t u = 0; u < p->kh; u++) {
    for (int32_t v = 0; v < p->kw; v++) {
      for (int32_t c = 0; c < p->c; c++) {
        *offsets++ = u * p->dh * enn_f32_row(p) + v * p->dw * p->c + c;
      }
    }
  }
}

ENN_INLINE void enn_conv2d_grad_weights_f32(const enn_f32_window *p, const float *x,
                                            const float *dy, float *scratch, float *dw) {
  const int32_t taps = enn_f32_taps(p), width = enn_f32_filled(p);
  const int32_t image_size = p->h * p->w * p->c, dy_size = p->oh * p->ow * p->oc;
  float *filled = scratch + (intptr_t)taps * width * ENN_SHARD_LEVELS;
  float *padded = filled + enn_f32_filled_dy(p);
  int32_t *offsets = (int32_t *)(void *)(padded + enn_f32_padded_size(p));
  enn_f32_tap_offsets(p, offsets);
  enn_f32_zero(filled, enn_f32_filled_dy(p));
  enn_f32_zero(padded, enn_f32_padded_size(p));
  int32_t top = 0;
  for (int32_t shard = 0; shard < ENN_SHARDS; shard++) {
    float *sums = scratch + (intptr_t)top * taps * width;
    enn_f32_zero(sums, taps * width);
    const int32_t end = enn_shard_first(p->n, shard + 1);
    for (int32_t n = enn_shard_first(p->n, shard); n < end; n++) {
      const float *image = enn_f32_readable(p, x + (intptr_t)n * image_size, padded);
      const float *gradient = enn_f32_fill_dy(p, dy + (intptr_t)n * dy_size, filled);
      enn_f32_add_image(p, image, gradient, offsets, sums);
    }
    top = enn_shard_merge(scratch, taps * width, top, shard);
  }
  for (int32_t o = 0; o < p->oc; o++) {
    for (int32_t k = 0; k < taps; k++) dw[(intptr_t)o * taps + k] = scratch[k * width + o];
  }
}

#endif
