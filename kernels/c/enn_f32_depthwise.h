/*
 * enn_f32_depthwise.h: depthwiseConv2d and its two gradients. Weights w[KH][KW][C * M]; output
 * channel o reads input channel o / M. With M = 1 channels lie along the lanes.
 *
 * Taps outside the image are skipped. Work goes by rows: for every tap (u, v), the columns of one
 * row whose tap lies inside. Sums run over ascending (u, v), respectively over windows in ascending
 * order, four columns side by side; parts are shards of the batch.
 */
#ifndef ENN_F32_DEPTHWISE_H
#define ENN_F32_DEPTHWISE_H

#include "enn_f32_math.h"
#include "enn_f32_window.h"

/* The windows [first, last) whose tap at `offset` from their beginning falls inside 0 .. size - 1. */
typedef struct {
  int32_t first, last;
} enn_f32_span;

ENN_INLINE enn_f32_span enn_f32_span_of(int32_t offset, int32_t stride, int32_t windows,
                                        int32_t size) {
  enn_f32_span s = {offset >= 0 ? 0 : (-offset + stride - 1) / stride,
                    offset >= size ? 0 : (size - offset + stride - 1) / stride};
  if (s.last > windows) s.last = windows;
  return s;
}

/* One row of windows and one tap: where x and y begin, and how far the next window is. */
typedef struct {
  const float *x, *w, *dy;
  float *out;
  intptr_t x_step;
  int32_t count, channels;
} enn_f32_taprow;

/* y[j][c] += x[j][c] w[c] */
ENN_INLINE void enn_f32_taprow_forward(const enn_f32_taprow *l) {
  for (int32_t c = 0; c < l->channels; c += ENN_LANES) {
    const int32_t lanes = l->channels - c;
    const enn_vf w = enn_vf_load_upto(l->w + c, lanes);
    const float *x = l->x + c;
    float *y = l->out + c;
    if (lanes >= ENN_LANES) {
      for (int32_t j = 0; j < l->count; j++, x += l->x_step, y += l->channels) {
        enn_vf_store(y, enn_vf_muladd(enn_vf_load(x), w, enn_vf_load(y)));
      }
    } else {
      for (int32_t j = 0; j < l->count; j++, x += l->x_step, y += l->channels) {
        const enn_vf sum = enn_vf_load_upto(y, lanes);
        enn_vf_store_upto(y, enn_vf_muladd(enn_vf_load_upto(x, lanes), w, sum), lanes);
      }
    }
  }
}

/* dx[j][c] += dy[j][c] w[c] */
ENN_INLINE void enn_f32_taprow_grad_input(const enn_f32_taprow *l) {
  for (int32_t c = 0; c < l->channels; c += ENN_LANES) {
    const int32_t lanes = l->channels - c;
    const enn_vf w = enn_vf_load_upto(l->w + c, lanes);
    const float *dy = l->dy + c;
    float *dx = l->out + c;
    for (int32_t j = 0; j < l->count; j++, dx += l->x_step, dy += l->channels) {
      const enn_vf sum = enn_vf_load_upto(dx, lanes);
      enn_vf_store_upto(dx, enn_vf_muladd(enn_vf_load_upto(dy, lanes), w, sum), lanes);
    }
  }
}

/* dw[c] += sum over j of x[j][c] dy[j][c], in four sums by j mod 4. */
ENN_INLINE void enn_f32_taprow_grad_weights(const enn_f32_taprow *l) {
  for (int32_t c = 0; c < l->channels; c += ENN_LANES) {
    const int32_t lanes = l->channels - c;
    const float *x = l->x + c, *dy = l->dy + c;
    const intptr_t x_step = l->x_step, dy_step = l->channels;
    enn_vf a = enn_vf_zero(), b = a, d = a, e = a;
    int32_t j = 0;
    if (lanes >= ENN_LANES) {
      for (; j + 4 <= l->count; j += 4, x += 4 * x_step, dy += 4 * dy_step) {
        a = enn_vf_muladd(enn_vf_load(x), enn_vf_load(dy), a);
        b = enn_vf_muladd(enn_vf_load(x + x_step), enn_vf_load(dy + dy_step), b);
        d = enn_vf_muladd(enn_vf_load(x + 2 * x_step), enn_vf_load(dy + 2 * dy_step), d);
        e = enn_vf_muladd(enn_vf_load(x + 3 * x_step), enn_vf_load(dy + 3 * dy_step), e);
      }
    }
    for (; j < l->count; j++, x += x_step, dy += dy_step) {
      a = enn_vf_muladd(enn_vf_load_upto(x, lanes), enn_vf_load_upto(dy, lanes), a);
    }
    const enn_vf sum = enn_vf_add(enn_vf_add(a, b), enn_vf_add(d, e));
    enn_vf_store_upto(l->out + c, enn_vf_add(enn_vf_load_upto(l->out + c, lanes), sum), lanes);
  }
}

typedef enum { ENN_FORWARD, ENN_GRAD_INPUT, ENN_GRAD_WEIGHTS } enn_f32_depthwise_pass;

/* The same for any multiplier, an element at a time. */
ENN_INLINE void enn_f32_taprow_multiplied(const enn_f32_taprow *l, enn_f32_depthwise_pass pass,
                                        int32_t multiplier) {
  for (int32_t j = 0; j < l->count; j++) {
    const intptr_t at_x = j * l->x_step, at_y = (intptr_t)j * l->channels;
    for (int32_t o = 0; o < l->channels; o++) {
      const int32_t c = o / multiplier;
      if (pass == ENN_FORWARD) l->out[at_y + o] += l->x[at_x + c] * l->w[o];
      if (pass == ENN_GRAD_INPUT) l->out[at_x + c] += l->dy[at_y + o] * l->w[o];
      if (pass == ENN_GRAD_WEIGHTS) l->out[o] += l->x[at_x + c] * l->dy[at_y + o];
    }
  }
}

ENN_INLINE void enn_f32_taprow_run(const enn_f32_taprow *l, enn_f32_depthwise_pass pass,
                                 int32_t multiplier) {
  if (multiplier != 1) {
    enn_f32_taprow_multiplied(l, pass, multiplier);
  } else if (pass == ENN_FORWARD) {
    enn_f32_taprow_forward(l);
  } else if (pass == ENN_GRAD_INPUT) {
    enn_f32_taprow_grad_input(l);
  } else {
    enn_f32_taprow_grad_weights(l);
  }
}

/* One image: y += x w, dx += dy w or dw += x dy. What a pass does not read may be null. */
ENN_INLINE void enn_f32_depthwise_image(const enn_f32_window *p, enn_f32_depthwise_pass pass,
                                        const float *x, const float *w, const float *dy,
                                        float *out) {
  const int32_t multiplier = p->oc / p->c;
  enn_f32_taprow l = {0};
  l.channels = p->oc;
  l.x_step = (intptr_t)p->sw * p->c;
  for (int32_t i = 0; i < p->oh; i++) {
    for (int32_t u = 0; u < p->kh; u++) {
      const int32_t row = i * p->sh - p->pt + u * p->dh;
      if (row < 0 || row >= p->h) continue;
      for (int32_t v = 0; v < p->kw; v++) {
        const int32_t offset = v * p->dw - p->pl;
        const enn_f32_span s = enn_f32_span_of(offset, p->sw, p->ow, p->w);
        if (s.first >= s.last) continue;
        const intptr_t at_x = ((intptr_t)row * p->w + s.first * p->sw + offset) * p->c;
        const intptr_t at_y = ((intptr_t)i * p->ow + s.first) * p->oc;
        const intptr_t at_w = ((intptr_t)u * p->kw + v) * p->oc;
        l.count = s.last - s.first;
        if (pass != ENN_GRAD_INPUT) l.x = x + at_x;
        if (pass != ENN_GRAD_WEIGHTS) l.w = w + at_w;
        if (pass != ENN_FORWARD) l.dy = dy + at_y;
        l.out = out + (pass == ENN_FORWARD ? at_y : pass == ENN_GRAD_INPUT ? at_x : at_w);
        enn_f32_taprow_run(&l, pass, multiplier);
      }
    }
  }
}

/* bias may be null. */
ENN_INLINE void enn_depthwise_conv2d_f32(const enn_f32_window *p, const float *x, const float *w,
                                         const float *bias, float *y, int32_t part) {
  const intptr_t x_size = (intptr_t)p->h * p->w * p->c, y_size = (intptr_t)p->oh * p->ow * p->oc;
  const int32_t end = enn_shard_first(p->n, part + 1);
  for (int32_t n = enn_shard_first(p->n, part); n < end; n++) {
    float *out = y + n * y_size;
    for (int32_t m = 0; m < p->oh * p->ow; m++) {
      for (int32_t o = 0; o < p->oc; o++) out[m * p->oc + o] = bias ? bias[o] : 0.0f;
    }
    enn_f32_depthwise_image(p, ENN_FORWARD, x + n * x_size, w, 0, out);
  }
}

ENN_INLINE void enn_depthwise_conv2d_grad_input_f32(const enn_f32_window *p, const float *dy,
                                                    const float *w, float *dx, int32_t part) {
  const intptr_t x_size = (intptr_t)p->h * p->w * p->c, y_size = (intptr_t)p->oh * p->ow * p->oc;
  const int32_t end = enn_shard_first(p->n, part + 1);
  for (int32_t n = enn_shard_first(p->n, part); n < end; n++) {
    enn_f32_zero(dx + n * x_size, (int32_t)x_size);
    enn_f32_depthwise_image(p, ENN_GRAD_INPUT, 0, w, dy + n * y_size, dx + n * x_size);
  }
}

ENN_INLINE int32_t enn_depthwise_conv2d_grad_weights_f32_scratch(const enn_f32_window *p) {
  return p->kh * p->kw * p->oc * ENN_SHARDS;
}

/* Two phases: the shards' sums; their sum. */
ENN_INLINE void enn_depthwise_conv2d_grad_weights_f32(const enn_f32_window *p, const float *x,
                                                      const float *dy, float *scratch, float *dw,
                                                      int32_t part, int32_t phase) {
  const intptr_t x_size = (intptr_t)p->h * p->w * p->c, y_size = (intptr_t)p->oh * p->ow * p->oc;
  const int32_t count = p->kh * p->kw * p->oc, end = enn_shard_first(p->n, part + 1);
  if (phase == 0) {
    float *sums = scratch + (intptr_t)part * count;
    enn_f32_zero(sums, count);
    for (int32_t n = enn_shard_first(p->n, part); n < end; n++) {
      enn_f32_depthwise_image(p, ENN_GRAD_WEIGHTS, x + n * x_size, 0, dy + n * y_size, sums);
    }
  } else if (part == 0) {
    for (int32_t i = 0; i < count; i += ENN_LANES) {
      const int32_t lanes = count - i;
      enn_vf_store_upto(dw + i, enn_shards_sums(scratch + i, count, lanes), lanes);
    }
  }
}

#endif
