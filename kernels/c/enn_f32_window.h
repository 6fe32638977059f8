/*
 * enn_f32_window.h: the geometry of a sliding window, shared by convolutions and pools.
 *
 * x[N][H][W][C] -> y[N][OH][OW][OC]; output (i, j) sees rows i*SH - PT + u*DH and columns
 * j*SW - PL + v*DW for u < KH, v < KW.
 */
#ifndef ENN_F32_WINDOW_H
#define ENN_F32_WINDOW_H

#include "enn_simd.h"

typedef struct {
  int32_t n, h, w, c;     /* x */
  int32_t oh, ow, oc;     /* y */
  int32_t kh, kw;         /* kernel */
  int32_t sh, sw;         /* stride */
  int32_t pt, pl;         /* padding above and left; what lies below and right follows */
  int32_t dh, dw;         /* dilation */
} enn_f32_window;

/* Height and width of the part of the padded image that windows see. */
ENN_INLINE int32_t enn_f32_seen_h(const enn_f32_window *p) {
  return (p->oh - 1) * p->sh + (p->kh - 1) * p->dh + 1;
}
ENN_INLINE int32_t enn_f32_seen_w(const enn_f32_window *p) {
  return (p->ow - 1) * p->sw + (p->kw - 1) * p->dw + 1;
}

/* Whether windows see anything outside the image. */
ENN_INLINE int enn_f32_is_padded(const enn_f32_window *p) {
  return p->pt > 0 || p->pl > 0 || enn_f32_seen_h(p) > p->h || enn_f32_seen_w(p) > p->w;
}

/* Floats from one row to the next in the image that a kernel reads: the padded copy, or x. */
ENN_INLINE int32_t enn_f32_row(const enn_f32_window *p) {
  return (enn_f32_is_padded(p) ? enn_f32_seen_w(p) : p->w) * p->c;
}

/* Floats of the padded copy of one image; 0 where none is needed. */
ENN_INLINE int32_t enn_f32_padded_size(const enn_f32_window *p) {
  return enn_f32_is_padded(p) ? enn_f32_seen_h(p) * enn_f32_seen_w(p) * p->c : 0;
}

ENN_INLINE void enn_f32_zero(float *y, int32_t n) {
  for (int32_t i = 0; i < n; i++) y[i] = 0.0f;
}

/* The copy of one image in its border of zeros; the border is written once, by the caller. */
ENN_INLINE void enn_f32_copy_inside(const enn_f32_window *p, const float *x, float *padded) {
  const int32_t height = enn_f32_seen_h(p), width = enn_f32_seen_w(p);
  const int32_t rows = height - p->pt < p->h ? height - p->pt : p->h;
  const int32_t columns = width - p->pl < p->w ? width - p->pl : p->w;
  for (int32_t i = 0; i < rows; i++) {
    const float *from = x + (intptr_t)i * p->w * p->c;
    float *to = padded + ((intptr_t)(i + p->pt) * width + p->pl) * p->c;
    for (int32_t k = 0; k < columns * p->c; k++) to[k] = from[k];
  }
}

/* The image that windows can read without looking at borders: x itself, or its padded copy. */
ENN_INLINE const float *enn_f32_readable(const enn_f32_window *p, const float *x, float *padded) {
  if (!enn_f32_is_padded(p)) return x;
  enn_f32_copy_inside(p, x, padded);
  return padded;
}

/* The reverse: the part of a padded image that lies inside; what no window saw becomes 0. */
ENN_INLINE void enn_f32_crop(const enn_f32_window *p, const float *padded, float *x) {
  const int32_t height = enn_f32_seen_h(p), width = enn_f32_seen_w(p);
  for (int32_t i = 0; i < p->h; i++) {
    float *to = x + (intptr_t)i * p->w * p->c;
    const int32_t columns = i + p->pt >= height || width < p->pl ? 0
                            : width - p->pl < p->w               ? width - p->pl
                                                                 : p->w;
    const float *from = padded + ((intptr_t)(i + p->pt) * width + p->pl) * p->c;
    for (int32_t k = 0; k < columns * p->c; k++) to[k] = from[k];
    for (int32_t k = columns * p->c; k < p->w * p->c; k++) to[k] = 0.0f;
  }
}

#endif
