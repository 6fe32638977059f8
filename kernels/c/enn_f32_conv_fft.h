/*
 * enn_f32_conv_fft.h: conv2d and its two gradients by the convolution theorem, for large kernels.
 * Operands and results are those of enn_f32_conv.h; which is faster, and taken, is in
 * host/engine/kernels/conv-path.ts.
 *
 *   conv2d              y[i]  = C[i s - p],  C = x correlated with w,  w[u] placed at -u d
 *   conv2d_grad_input   dx[t] = C[t + p],    C = dy (at i s) convolved with w (at u d)
 *   conv2d_grad_weights dw[u] = C[u d - p],  C = x correlated with dy, dy[i] placed at -i s
 *
 * Circular transforms of F = FH x FW numbers are long enough when FH is at least H + p and
 * (OH - 1) s + (KH - 1) d + 1, so that what wraps around meets zeros only; the same along the width.
 *
 * All data are real, so two channels go as the real and the imaginary part of one transform. Two
 * results come out of one inverse transform in the same way, the filters (or the two channels of x
 * in the weights' gradient) being paired. No pair has parts of two images: the result of an image
 * does not depend on the others. A plane's spectrum lies turned, [FW][FH], as real and imaginary
 * plane one after the other.
 */
#ifndef ENN_F32_CONV_FFT_H
#define ENN_F32_CONV_FFT_H

#include "enn_f32_fft.h"
#include "enn_f32_gemm.h"
#include "enn_f32_window.h"

typedef struct {
  enn_f32_window window;
  enn_f32_fft_length rows, columns; /* FH and FW */
  float roots[];                    /* FH pairs cos, sin of -2 pi k / FH, then FW of FW */
} enn_f32_conv_fft;

#define ENN_SPECTRUM_BLOCK (2 * ENN_LANES)

/* Floats of a plane, filled up to whole blocks. */
ENN_INLINE int32_t enn_f32_plane(const enn_f32_conv_fft *p) {
  const int32_t size = p->rows.n * p->columns.n, block = ENN_SPECTRUM_BLOCK;
  return (size + block - 1) / block * block;
}

ENN_INLINE enn_f32_complex enn_f32_planes(const enn_f32_conv_fft *p, float *at) {
  return (enn_f32_complex){at, at + enn_f32_plane(p)};
}

/* to[j][i] = from[i][j] */
ENN_INLINE void enn_f32_turn_plane(const float *from, int32_t rows, int32_t columns, float *to) {
  for (int32_t i = 0; i < rows; i += 8) {
    const int32_t end = i + 8 < rows ? i + 8 : rows;
    for (int32_t j = 0; j < columns; j++) {
      for (int32_t k = i; k < end; k++) {
        to[(intptr_t)j * rows + k] = from[(intptr_t)k * columns + j];
      }
    }
  }
}

/* Transforms a[rows][columns] along its rows, turns it, and transforms along the other axis. The
 * result [columns][rows] lies in a or in b, whichever is returned. */
static inline enn_f32_complex enn_f32_transform_plane(const enn_f32_fft_length *rows,
                                                      const float *row_roots,
                                                      const enn_f32_fft_length *columns,
                                                      const float *column_roots,
                                                      enn_f32_complex a, enn_f32_complex b) {
  const enn_f32_complex first = enn_f32_fft_run(rows, row_roots, 1.0f, columns->n, a, b);
  const enn_f32_complex other = first.re == a.re ? b : a;
  enn_f32_turn_plane(first.re, rows->n, columns->n, other.re);
  enn_f32_turn_plane(first.im, rows->n, columns->n, other.im);
  return enn_f32_fft_run(columns, column_roots, 1.0f, rows->n, other, first);
}

ENN_INLINE const float *enn_f32_column_roots(const enn_f32_conv_fft *p) {
  return p->roots + 2 * (intptr_t)p->rows.n;
}

/* The spectrum of a, [FH][FW] to [FW][FH]. */
static inline enn_f32_complex enn_f32_spectrum(const enn_f32_conv_fft *p, enn_f32_complex a,
                                               enn_f32_complex b) {
  return enn_f32_transform_plane(&p->rows, p->roots, &p->columns, enn_f32_column_roots(p), a, b);
}

/* The way back, times FH FW. */
static inline enn_f32_complex enn_f32_unspectrum(const enn_f32_conv_fft *p, enn_f32_complex a,
                                                 enn_f32_complex b) {
  const enn_f32_complex out =
      enn_f32_transform_plane(&p->columns, enn_f32_column_roots(p), &p->rows, p->roots,
                              (enn_f32_complex){a.im, a.re}, (enn_f32_complex){b.im, b.re});
  return (enn_f32_complex){out.im, out.re};
}

/* One axis of numbers in a plane: number i lies at first + i * step, modulo the plane's size. */
typedef struct {
  int32_t count, first, step;
  intptr_t stride; /* floats from one number to the next outside the plane */
} enn_f32_line;

ENN_INLINE int32_t enn_f32_line_at(const enn_f32_line *line, int32_t i, int32_t size) {
  const int32_t at = line->first + i * line->step;
  return at < 0 ? at + size : at;
}

/* plane = factor * x at the places of two lines, else 0. */
ENN_INLINE void enn_f32_place(const enn_f32_conv_fft *p, const enn_f32_line *h,
                              const enn_f32_line *w, const float *x, float factor, float *plane) {
  enn_f32_zero(plane, enn_f32_plane(p));
  if (!x) return;
  for (int32_t i = 0; i < h->count; i++) {
    float *row = plane + (intptr_t)enn_f32_line_at(h, i, p->rows.n) * p->columns.n;
    for (int32_t j = 0; j < w->count; j++) {
      row[enn_f32_line_at(w, j, p->columns.n)] = factor * x[i * h->stride + j * w->stride];
    }
  }
}

/* y = plane at the places of two lines, plus bias. */
ENN_INLINE void enn_f32_take(const enn_f32_conv_fft *p, const enn_f32_line *h,
                             const enn_f32_line *w, const float *plane, float bias, float *y) {
  for (int32_t i = 0; i < h->count; i++) {
    const float *row = plane + (intptr_t)enn_f32_line_at(h, i, p->rows.n) * p->columns.n;
    for (int32_t j = 0; j < w->count; j++) {
      y[i * h->stride + j * w->stride] = row[enn_f32_line_at(w, j, p->columns.n)] + bias;
    }
  }
}

/* The planes of an operand: numbers at two lines, one channel beside the other. */
typedef struct {
  enn_f32_line h, w;
  intptr_t channel;
} enn_f32_grid;

ENN_INLINE enn_f32_grid enn_f32_grid_of(int32_t h, int32_t w, intptr_t row, intptr_t column,
                                        intptr_t channel) {
  return (enn_f32_grid){{h, 0, 1, row}, {w, 0, 1, column}, channel};
}

/* The spectrum of factor * (x[c] + j x[c + 1]) into `to`; `other` is room for two planes. */
static inline void enn_f32_pair_spectrum(const enn_f32_conv_fft *p, const enn_f32_grid *g,
                                         const float *x, int32_t count, float factor, float *to,
                                         float *other) {
  const enn_f32_complex a = enn_f32_planes(p, to), b = enn_f32_planes(p, other);
  enn_f32_place(p, &g->h, &g->w, x, factor, a.re);
  enn_f32_place(p, &g->h, &g->w, count > 1 ? x + g->channel : 0, factor, a.im);
  const enn_f32_complex done = enn_f32_spectrum(p, a, b);
  if (done.re == a.re) return;
  for (int32_t i = 0; i < 2 * enn_f32_plane(p); i++) to[i] = other[i];
}

/* The spectra of two real channels from that of their pair, in place and into `second`: with n the
 * index of -k, A = (Z[k] + conj Z[n]) / 2 and B = (Z[k] - conj Z[n]) / 2j. */
static inline void enn_f32_split_pair(const enn_f32_conv_fft *p, float *pair, float *second) {
  const int32_t rows = p->columns.n, columns = p->rows.n;
  const enn_f32_complex z = enn_f32_planes(p, pair), b = enn_f32_planes(p, second);
  for (int32_t i = 0; i <= rows / 2; i++) {
    for (int32_t j = 0; j < columns; j++) {
      const int32_t k = i * columns + j;
      const int32_t n = (i == 0 ? 0 : rows - i) * columns + (j == 0 ? 0 : columns - j);
      if (n < k && (i == 0 || 2 * i == rows)) continue;
      const float re = z.re[k], im = z.im[k], nre = z.re[n], nim = z.im[n];
      z.re[k] = z.re[n] = 0.5f * (re + nre);
      z.im[k] = 0.5f * (im - nim);
      z.im[n] = -z.im[k];
      b.re[k] = b.re[n] = 0.5f * (im + nim);
      b.im[k] = 0.5f * (nre - re);
      b.im[n] = -b.im[k];
    }
  }
}

/* The spectra of `channels` real channels, one after the other. */
static inline void enn_f32_spectra(const enn_f32_conv_fft *p, const enn_f32_grid *g,
                                   const float *x, int32_t channels, float *to, float *other) {
  const intptr_t size = 2 * (intptr_t)enn_f32_plane(p);
  for (int32_t c = 0; c < channels; c += 2) {
    const int32_t count = channels - c < 2 ? 1 : 2;
    enn_f32_pair_spectrum(p, g, x + c * g->channel, count, 1.0f, to + c * size, other);
    if (count == 2) enn_f32_split_pair(p, to + c * size, to + (c + 1) * size);
  }
}

/* y = (or += if `adds`) the sum over c of a[c] b[c], spectra of one plane each. */
static inline void enn_f32_spectrum_mac(const enn_f32_conv_fft *p, const float *a, intptr_t as,
                                        const float *b, intptr_t bs, int32_t channels, int adds,
                                        float *y) {
  const int32_t size = enn_f32_plane(p);
  for (int32_t i = 0; i < size; i += ENN_SPECTRUM_BLOCK) {
    enn_vc t[2];
    for (int32_t v = 0; v < 2; v++) {
      t[v].re = adds ? enn_vf_load(y + i + ENN_LANES * v) : enn_vf_zero();
      t[v].im = adds ? enn_vf_load(y + size + i + ENN_LANES * v) : enn_vf_zero();
    }
    for (int32_t c = 0; c < channels; c++) {
      const float *x = a + c * as + i, *w = b + c * bs + i;
      for (int32_t v = 0; v < 2; v++) {
        const enn_vf xr = enn_vf_load(x + ENN_LANES * v), xi = enn_vf_load(x + size + ENN_LANES * v);
        const enn_vf wr = enn_vf_load(w + ENN_LANES * v), wi = enn_vf_load(w + size + ENN_LANES * v);
        t[v].re = enn_vf_sub(enn_vf_muladd(xr, wr, t[v].re), enn_vf_mul(xi, wi));
        t[v].im = enn_vf_muladd(xi, wr, enn_vf_muladd(xr, wi, t[v].im));
      }
    }
    for (int32_t v = 0; v < 2; v++) {
      enn_vf_store(y + i + ENN_LANES * v, t[v].re);
      enn_vf_store(y + size + i + ENN_LANES * v, t[v].im);
    }
  }
}

/* The two channels of a product's spectrum back into numbers. `product` and `other` are used up. */
static inline void enn_f32_take_pair(const enn_f32_conv_fft *p, const enn_f32_grid *g,
                                     float *product, float *other, const float *bias,
                                     int32_t count, float *y) {
  const enn_f32_complex out =
      enn_f32_unspectrum(p, enn_f32_planes(p, product), enn_f32_planes(p, other));
  enn_f32_take(p, &g->h, &g->w, out.re, bias ? bias[0] : 0.0f, y);
  if (count > 1) enn_f32_take(p, &g->h, &g->w, out.im, bias ? bias[1] : 0.0f, y + g->channel);
}

/* Weights of one output channel. */
ENN_INLINE intptr_t enn_f32_grid_taps(const enn_f32_window *v) {
  return (intptr_t)v->kh * v->kw * v->c;
}

ENN_INLINE int32_t enn_f32_pairs(int32_t channels) { return (channels + 1) / 2; }

/* What forward and input gradient share: images of `in` channels, filters from in to `out`. */
typedef struct {
  enn_f32_grid from, filter, to; /* filter.channel leads to the next output, */
  intptr_t filter_in;            /* this to the next input */
  int32_t in, out, images;
  intptr_t from_image, to_image;
} enn_f32_conv_fft_walk;

/* Floats of one part: the spectra of an image, a product, and room for a transform. */
ENN_INLINE intptr_t enn_f32_conv_fft_part(const enn_f32_conv_fft *p, int32_t in) {
  return 2 * (intptr_t)enn_f32_plane(p) * (in + 2);
}

ENN_INLINE int32_t enn_f32_conv_fft_room(const enn_f32_conv_fft *p, int32_t in, int32_t out) {
  return (int32_t)(2 * enn_f32_plane(p) * in * enn_f32_pairs(out) +
                   ENN_SHARDS * enn_f32_conv_fft_part(p, in));
}

/* Two phases: the spectra of the filters, by pairs; the images, by shards. */
static inline void enn_f32_conv_fft_walk_part(const enn_f32_conv_fft *p,
                                              const enn_f32_conv_fft_walk *q, const float *x,
                                              const float *w, const float *bias, float *scratch,
                                              float *y, int32_t part, int32_t phase) {
  const intptr_t size = 2 * (intptr_t)enn_f32_plane(p);
  const int32_t pairs = enn_f32_pairs(q->out);
  const float factor = 1.0f / (float)(p->rows.n * p->columns.n);
  float *images = scratch + pairs * q->in * size + part * enn_f32_conv_fft_part(p, q->in);
  float *product = images + q->in * size, *other = product + size;
  if (phase == 0) {
    const int32_t end = enn_part_first(pairs * q->in, 1, part + 1);
    for (int32_t i = enn_part_first(pairs * q->in, 1, part); i < end; i++) {
      const int32_t o = i / q->in, c = i % q->in, count = q->out - 2 * o < 2 ? 1 : 2;
      enn_f32_pair_spectrum(p, &q->filter, w + 2 * o * q->filter.channel + c * q->filter_in, count,
                            factor, scratch + i * size, other);
    }
    return;
  }
  const int32_t end = enn_shard_first(q->images, part + 1);
  for (int32_t n = enn_shard_first(q->images, part); n < end; n++) {
    enn_f32_spectra(p, &q->from, x + n * q->from_image, q->in, images, other);
    for (int32_t o = 0; o < pairs; o++) {
      enn_f32_spectrum_mac(p, images, size, scratch + (intptr_t)o * q->in * size, size, q->in, 0,
                           product);
      enn_f32_take_pair(p, &q->to, product, other, bias ? bias + 2 * o : 0,
                        q->out - 2 * o < 2 ? 1 : 2, y + n * q->to_image + 2 * o * q->to.channel);
    }
  }
}

ENN_INLINE int32_t enn_conv2d_fft_f32_scratch(const enn_f32_conv_fft *p) {
  return enn_f32_conv_fft_room(p, p->window.c, p->window.oc);
}

/* bias may be null. */
ENN_INLINE void enn_conv2d_fft_f32(const enn_f32_conv_fft *p, const float *x, const float *w,
                                   const float *bias, float *scratch, float *y, int32_t part,
                                   int32_t phase) {
  const enn_f32_window *v = &p->window;
  const intptr_t taps = enn_f32_grid_taps(v);
  enn_f32_conv_fft_walk q = {
      enn_f32_grid_of(v->h, v->w, (intptr_t)v->w * v->c, v->c, 1),
      enn_f32_grid_of(v->kh, v->kw, (intptr_t)v->kw * v->c, v->c, taps),
      enn_f32_grid_of(v->oh, v->ow, (intptr_t)v->ow * v->oc, v->oc, 1),
      1, v->c, v->oc, v->n, (intptr_t)v->h * v->w * v->c, (intptr_t)v->oh * v->ow * v->oc};
  q.filter.h.step = -v->dh, q.filter.w.step = -v->dw;
  q.to.h.first = -v->pt, q.to.h.step = v->sh;
  q.to.w.first = -v->pl, q.to.w.step = v->sw;
  enn_f32_conv_fft_walk_part(p, &q, x, w, bias, scratch, y, part, phase);
}

ENN_INLINE int32_t enn_conv2d_grad_input_fft_f32_scratch(const enn_f32_conv_fft *p) {
  return enn_f32_conv_fft_room(p, p->window.oc, p->window.c);
}

ENN_INLINE void enn_conv2d_grad_input_fft_f32(const enn_f32_conv_fft *p, const float *dy,
                                              const float *w, float *scratch, float *dx,
                                              int32_t part, int32_t phase) {
  const enn_f32_window *v = &p->window;
  const intptr_t taps = enn_f32_grid_taps(v);
  enn_f32_conv_fft_walk q = {
      enn_f32_grid_of(v->oh, v->ow, (intptr_t)v->ow * v->oc, v->oc, 1),
      enn_f32_grid_of(v->kh, v->kw, (intptr_t)v->kw * v->c, v->c, 1),
      enn_f32_grid_of(v->h, v->w, (intptr_t)v->w * v->c, v->c, 1),
      taps, v->oc, v->c, v->n, (intptr_t)v->oh * v->ow * v->oc, (intptr_t)v->h * v->w * v->c};
  q.from.h.step = v->sh, q.from.w.step = v->sw;
  q.filter.h.step = v->dh, q.filter.w.step = v->dw;
  q.to.h.first = v->pt, q.to.w.first = v->pl;
  enn_f32_conv_fft_walk_part(p, &q, dy, w, 0, scratch, dx, part, phase);
}

/* Floats of one part: its sums, the spectra of an image and of its gradient, room for one more. */
ENN_INLINE intptr_t enn_f32_grad_weights_fft_part(const enn_f32_conv_fft *p) {
  const int32_t pairs = enn_f32_pairs(p->window.c), oc = p->window.oc;
  return 2 * (intptr_t)enn_f32_plane(p) * (oc * pairs + oc + pairs + 1);
}

ENN_INLINE int32_t enn_conv2d_grad_weights_fft_f32_scratch(const enn_f32_conv_fft *p) {
  return (int32_t)(ENN_SHARDS * enn_f32_grad_weights_fft_part(p));
}

/* sums[o][pair] += the product of the spectra of dy's channel o and of x's pair, for one image. */
static inline void enn_f32_add_image_spectra(const enn_f32_conv_fft *p, const float *x,
                                             const float *dy, float *sums, float *room) {
  const enn_f32_window *v = &p->window;
  const intptr_t size = 2 * (intptr_t)enn_f32_plane(p);
  const int32_t pairs = enn_f32_pairs(v->c);
  float *other = room + (v->oc + pairs) * size;
  enn_f32_grid image = enn_f32_grid_of(v->h, v->w, (intptr_t)v->w * v->c, v->c, 1);
  enn_f32_grid grad = enn_f32_grid_of(v->oh, v->ow, (intptr_t)v->ow * v->oc, v->oc, 1);
  grad.h.step = -v->sh, grad.w.step = -v->sw;
  enn_f32_spectra(p, &grad, dy, v->oc, room, other);
  for (int32_t c = 0; c < pairs; c++) {
    float *pair = room + (v->oc + c) * size;
    enn_f32_pair_spectrum(p, &image, x + 2 * c, v->c - 2 * c < 2 ? 1 : 2, 1.0f, pair, other);
    for (int32_t o = 0; o < v->oc; o++) {
      enn_f32_spectrum_mac(p, room + o * size, size, pair, size, 1, 1,
                           sums + (o * pairs + c) * size);
    }
  }
}

/* Two phases: the shards' sums; these together and back into weights, by output channels. */
ENN_INLINE void enn_conv2d_grad_weights_fft_f32(const enn_f32_conv_fft *p, const float *x,
                                                const float *dy, float *scratch, float *dw,
                                                int32_t part, int32_t phase) {
  const enn_f32_window *v = &p->window;
  const int32_t pairs = enn_f32_pairs(v->c), size = 2 * enn_f32_plane(p);
  const intptr_t all = (intptr_t)v->oc * pairs * size, step = enn_f32_grad_weights_fft_part(p);
  float *sums = scratch + part * step, *room = sums + all;
  if (phase == 0) {
    enn_f32_zero(sums, (int32_t)all);
    const int32_t end = enn_shard_first(v->n, part + 1);
    for (int32_t n = enn_shard_first(v->n, part); n < end; n++) {
      enn_f32_add_image_spectra(p, x + (intptr_t)n * v->h * v->w * v->c,
                                dy + (intptr_t)n * v->oh * v->ow * v->oc, sums, room);
    }
    return;
  }
  const float factor = 1.0f / (float)(p->rows.n * p->columns.n);
  const intptr_t taps = enn_f32_grid_taps(v);
  enn_f32_grid to = enn_f32_grid_of(v->kh, v->kw, (intptr_t)v->kw * v->c, v->c, 1);
  to.h.first = -v->pt, to.h.step = v->dh;
  to.w.first = -v->pl, to.w.step = v->dw;
  const int32_t end = enn_part_first(v->oc, 1, part + 1);
  for (int32_t o = enn_part_first(v->oc, 1, part); o < end; o++) {
    for (int32_t c = 0; c < pairs; c++) {
      const float *spectrum = scratch + (intptr_t)(o * pairs + c) * size;
      for (int32_t i = 0; i < size; i += ENN_LANES) {
        enn_vf_store(room + i, enn_shards_sums(spectrum + i, step, ENN_LANES));
      }
      enn_f32_take_pair(p, &to, room, room + size, 0, v->c - 2 * c < 2 ? 1 : 2,
                        dw + o * taps + 2 * c);
    }
    for (intptr_t i = o * taps; i < (o + 1) * taps; i++) dw[i] *= factor;
  }
}

#endif
