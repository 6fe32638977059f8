/*
 * enn_f32_depthwise.h: depthwiseConv2d and its two gradients. Weights w[KH][KW][C * M]; output
 * channel o reads input channel o / M. With M = 1 channels lie along the lanes.
 *
 * Taps outside the image are skipped. Sums run over ascending (u, v), respectively over windows in
 * ascending order; the weights' gradient is summed in 8 shards of the batch.
 */
#ifndef ENN_F32_DEPTHWISE_H
#define ENN_F32_DEPTHWISE_H

#include "enn_f32_math.h"
#include "enn_f32_window.h"

/* The taps [first, last) of a window that begins at `at` which fall inside 0 .. size - 1. */
ENN_INLINE int32_t enn_f32_first_tap(int32_t at, int32_t dilation) {
  return at >= 0 ? 0 : (-at + dilation - 1) / dilation;
}
ENN_INLINE int32_t enn_f32_last_tap(int32_t at, int32_t dilation, int32_t taps, int32_t size) {
  const int32_t inside = at >= size ? 0 : (size - at + dilation - 1) / dilation;
  return inside < taps ? inside : taps;
}

/* a[o] += x[o / M] w[o] */
ENN_INLINE void enn_f32_channels_mac(const float *x, const float *w, float *a, int32_t channels,
                                     int32_t multiplier) {
  int32_t o = 0;
  if (multiplier == 1) {
    for (; o + 4 <= channels; o += 4) {
      const enn_v4f sum = enn_v4f_load(a + o);
      enn_v4f_store(a + o, enn_v4f_muladd(enn_v4f_load(x + o), enn_v4f_load(w + o), sum));
    }
    for (; o < channels; o++) a[o] += x[o] * w[o];
    return;
  }
  for (const float *end = x + channels / multiplier; x < end; x++) {
    for (int32_t i = 0; i < multiplier; i++, o++) a[o] += *x * w[o];
  }
}

/* a[o / M] += x[o] w[o] */
ENN_INLINE void enn_f32_channels_mac_back(const float *x, const float *w, float *a,
                                          int32_t channels, int32_t multiplier) {
  if (multiplier == 1) {
    enn_f32_channels_mac(x, w, a, channels, 1);
    return;
  }
  for (int32_t o = 0; o < channels; o++) a[o / multiplier] += x[o] * w[o];
}

typedef enum { ENN_FORWARD, ENN_GRAD_INPUT, ENN_GRAD_WEIGHTS } enn_f32_depthwise_pass;

/* One image: y += x w, dx += dy w or dw += x dy. */
ENN_INLINE void enn_f32_depthwise_image(const enn_f32_window *p, enn_f32_depthwise_pass pass,
                                        const float *x, const float *w, const float *dy,
                                        float *out) {
  const int32_t multiplier = p->oc / p->c;
  for (int32_t m = 0; m < p->oh * p->ow; m++) {
    const int32_t top = m / p->ow * p->sh - p->pt, left = m % p->ow * p->sw - p->pl;
    const intptr_t at_y = (intptr_t)m * p->oc;
    const int32_t last_u = enn_f32_last_tap(top, p->dh, p->kh, p->h);
    const int32_t last_v = enn_f32_last_tap(left, p->dw, p->kw, p->w);
    for (int32_t u = enn_f32_first_tap(top, p->dh); u < last_u; u++) {
      for (int32_t v = enn_f32_first_tap(left, p->dw); v < last_v; v++) {
        const intptr_t at_w = ((intptr_t)u * p->kw + v) * p->oc;
        const intptr_t at_x =
            ((intptr_t)(top + u * p->dh) * p->w + left + v * p->dw) * p->c;
        if (pass == ENN_FORWARD) {
          enn_f32_channels_mac(x + at_x, w + at_w, out + at_y, p->oc, multiplier);
        } else if (pass == ENN_GRAD_INPUT) {
          enn_f32_channels_mac_back(dy + at_y, w + at_w, out + at_x, p->oc, multiplier);
        } else {
          enn_f32_channels_mac(x + at_x, dy + at_y, out + at_w, p->oc, multiplier);
        }
      }
    }
  }
}

/* bias may be null. */
ENN_INLINE void enn_depthwise_conv2d_f32(const enn_f32_window *p, const float *x, const float *w,
                                         const float *bias, float *y) {
  const int32_t y_size = p->oh * p->ow * p->oc;
  for (int32_t n = 0; n < p->n; n++) {
    float *out = y + (intptr_t)n * y_size;
    for (int32_t m = 0; m < p->oh * p->ow; m++) {
      for (int32_t o = 0; o < p->oc; o++) out[m * p->oc + o] = bias ? bias[o] : 0.0f;
    }
    const float *image = x + (intptr_t)n * p->h * p->w * p->c;
    enn_f32_depthwise_image(p, ENN_FORWARD, image, w, w, out);
  }
}

ENN_INLINE void enn_depthwise_conv2d_grad_input_f32(const enn_f32_window *p, const float *dy,
                                                    const float *w, float *dx) {
  const int32_t x_size = p->h * p->w * p->c;
  for (int32_t n = 0; n < p->n; n++) {
    float *out = dx + (intptr_t)n * x_size;
    enn_f32_zero(out, x_size);
    const float *gradient = dy + (intptr_t)n * p->oh * p->ow * p->oc;
    enn_f32_depthwise_image(p, ENN_GRAD_INPUT, dy, w, gradient, out);
  }
}

ENN_INLINE int32_t enn_depthwise_conv2d_grad_weights_f32_scratch(const enn_f32_window *p) {
  return p->kh * p->kw * p->oc * ENN_SHARD_LEVELS;
}

ENN_INLINE void enn_depthwise_conv2d_grad_weights_f32(const enn_f32_window *p, const float *x,
                                                      const float *dy, float *scratch, float *dw) {
  const int32_t count = p->kh * p->kw * p->oc;
  int32_t top = 0;
  for (int32_t shard = 0; shard < ENN_SHARDS; shard++) {
    float *sums = scratch + (intptr_t)top * count;
    enn_f32_zero(sums, count);
    const int32_t end = enn_shard_first(p->n, shard + 1);
    for (int32_t n = enn_shard_first(p->n, shard); n < end; n++) {
      const float *image = x + (intptr_t)n * p->h * p->w * p->c;
      const float *gradient = dy + (intptr_t)n * p->oh * p->ow * p->oc;
      enn_f32_depthwise_image(p, ENN_GRAD_WEIGHTS, image, x, gradient, sums);
    }
    top = enn_shard_merge(scratch, count, top, shard);
  }
  for (int32_t i = 0; i < count; i++) dw[i] = scratch[i];
}

#endif
