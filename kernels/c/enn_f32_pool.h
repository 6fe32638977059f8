/*
 * enn_f32_pool.h: max and average pools and their gradients, channels along the lanes.
 *
 * Elements outside the image neither win nor count. The gradient of max goes to the first maximum
 * in ascending (u, v).
 */
#ifndef ENN_F32_POOL_H
#define ENN_F32_POOL_H

#include "enn_f32_math.h"
#include "enn_f32_window.h"

/* The part of a window that lies inside the image. */
typedef struct {
  int32_t top, bottom, left, right; /* rows [top, bottom), columns [left, right) */
} enn_f32_box;

ENN_INLINE enn_f32_box enn_f32_box_of(const enn_f32_window *p, int32_t i, int32_t j) {
  const int32_t top = i * p->sh - p->pt, left = j * p->sw - p->pl;
  enn_f32_box b = {top < 0 ? 0 : top, top + p->kh, left < 0 ? 0 : left, left + p->kw};
  if (b.bottom > p->h) b.bottom = p->h;
  if (b.right > p->w) b.right = p->w;
  return b;
}

ENN_INLINE enn_vf enn_f32_box_max(const enn_f32_window *p, const enn_f32_box *b, const float *x,
                                   int32_t lanes) {
  enn_vf best = enn_vf_splat(-__builtin_inff());
  for (int32_t i = b->top; i < b->bottom; i++) {
    for (int32_t j = b->left; j < b->right; j++) {
      const float *at = x + ((intptr_t)i * p->w + j) * p->c;
      best = enn_vf_max(best, enn_vf_load_upto(at, lanes));
    }
  }
  return best;
}

ENN_INLINE enn_vf enn_f32_box_mean(const enn_f32_window *p, const enn_f32_box *b, const float *x,
                                    int32_t lanes) {
  enn_vf sum = enn_vf_zero();
  for (int32_t i = b->top; i < b->bottom; i++) {
    for (int32_t j = b->left; j < b->right; j++) {
      const float *at = x + ((intptr_t)i * p->w + j) * p->c;
      sum = enn_vf_add(sum, enn_vf_load_upto(at, lanes));
    }
  }
  const int32_t count = (b->bottom - b->top) * (b->right - b->left);
  return enn_vf_div(sum, enn_vf_splat((float)count));
}

/* The gradient goes to the first element that equals the maximum. */
ENN_INLINE void enn_f32_box_max_grad(const enn_f32_window *p, const enn_f32_box *b, const float *x,
                                     enn_vf dy, int32_t lanes, float *dx) {
  const enn_vf zero = enn_vf_zero(), best = enn_f32_box_max(p, b, x, lanes);
  enn_vf left = dy; /* what has not found its maximum yet */
  for (int32_t i = b->top; i < b->bottom; i++) {
    for (int32_t j = b->left; j < b->right; j++) {
      const intptr_t at = ((intptr_t)i * p->w + j) * p->c;
      const enn_vm below = enn_vf_gt(best, enn_vf_load_upto(x + at, lanes));
      const enn_vf share = enn_vf_select(below, zero, left);
      left = enn_vf_select(below, left, zero);
      const enn_vf sum = enn_vf_add(enn_vf_load_upto(dx + at, lanes), share);
      enn_vf_store_upto(dx + at, sum, lanes);
    }
  }
}

ENN_INLINE void enn_f32_box_mean_grad(const enn_f32_window *p, const enn_f32_box *b, enn_vf dy,
                                      int32_t lanes, float *dx) {
  const int32_t count = (b->bottom - b->top) * (b->right - b->left);
  const enn_vf share = enn_vf_div(dy, enn_vf_splat((float)count));
  for (int32_t i = b->top; i < b->bottom; i++) {
    for (int32_t j = b->left; j < b->right; j++) {
      float *at = dx + ((intptr_t)i * p->w + j) * p->c;
      enn_vf_store_upto(at, enn_vf_add(enn_vf_load_upto(at, lanes), share), lanes);
    }
  }
}

typedef enum { ENN_MAX, ENN_MEAN, ENN_MAX_GRAD, ENN_MEAN_GRAD } enn_f32_pool_pass;

/* Four channels (or the last few) of one window. */
ENN_INLINE void enn_f32_pool_lanes(const enn_f32_window *p, enn_f32_pool_pass pass,
                                   const enn_f32_box *b, const float *x, const float *dy,
                                   float *out, int32_t lanes) {
  if (pass == ENN_MAX) {
    enn_vf_store_upto(out, enn_f32_box_max(p, b, x, lanes), lanes);
  } else if (pass == ENN_MEAN) {
    enn_vf_store_upto(out, enn_f32_box_mean(p, b, x, lanes), lanes);
  } else if (pass == ENN_MAX_GRAD) {
    enn_f32_box_max_grad(p, b, x, enn_vf_load_upto(dy, lanes), lanes, out);
  } else {
    enn_f32_box_mean_grad(p, b, enn_vf_load_upto(dy, lanes), lanes, out);
  }
}

/* One shard of the batch. x and dx hold images, y and dy one pixel per window. */
ENN_INLINE void enn_f32_pool(const enn_f32_window *p, enn_f32_pool_pass pass, const float *x,
                             const float *dy, float *out, int32_t part) {
  const int forward = pass == ENN_MAX || pass == ENN_MEAN;
  const int32_t x_size = p->h * p->w * p->c;
  const int32_t end = enn_shard_first(p->n, part + 1);
  for (int32_t n = enn_shard_first(p->n, part); n < end; n++) {
    const intptr_t at_x = (intptr_t)n * x_size;
    if (!forward) enn_f32_zero(out + at_x, x_size);
    for (int32_t i = 0; i < p->oh; i++) {
      for (int32_t j = 0; j < p->ow; j++) {
        const enn_f32_box b = enn_f32_box_of(p, i, j);
        const intptr_t at_y = (((intptr_t)n * p->oh + i) * p->ow + j) * p->c;
        float *to = out + (forward ? at_y : at_x);
        int32_t c = 0;
        for (; c + ENN_LANES <= p->c; c += ENN_LANES) {
          enn_f32_pool_lanes(p, pass, &b, x + at_x + c, dy + at_y + c, to + c,
                             ENN_LANES);
        }
        if (c < p->c) {
          enn_f32_pool_lanes(p, pass, &b, x + at_x + c, dy + at_y + c, to + c, p->c - c);
        }
      }
    }
  }
}

#endif
