/*
 * enn_f32_fake.h: fake quantization: what is left of a number that is stored as an integer, its
 * gradient straight through the rounding, and its derivative by the scale.
 *
 *   v = x / scale, r = v rounded to the nearest integer, halves away from 0 (as the quantizer does)
 *   fake_quantize        scale * min(max(r, low), high)
 *   fake_quantize_grad   dy where low <= v <= high, else 0 (Jacob et al., 2018)
 *   fake_quantize_slope  low where v <= low, high where v >= high, else r - v (Esser et al., 2020)
 *
 * limits[2] = {low, high}, relative to the zero point. There is one scale; or, with `_axis`, one for
 * each of `channels`, of which every one has `inner` elements in a row. A scale below 1e-30 counts
 * as that. Oracle: host/scheme/affine.ts.
 */
#ifndef ENN_F32_FAKE_H
#define ENN_F32_FAKE_H

#include "enn_f32_map.h"

/* Halves away from 0. From 2^23 on there are no fractions; below, a + 2^23 rounds halves to even. */
ENN_INLINE enn_vf enn_vf_round_away(enn_vf v) {
  const enn_vf a = enn_vf_abs(v), big = enn_vf_splat(8388608.0f);
  const enn_vf even = enn_vf_sub(enn_vf_add(a, big), big);
  const enn_vm is_half = enn_vf_eq(enn_vf_sub(a, even), enn_vf_splat(0.5f));
  const enn_vf up = enn_vf_select(is_half, enn_vf_add(even, enn_vf_splat(1.0f)), even);
  const enn_vf r = enn_vf_select(enn_vf_gt(big, a), up, a);
  return enn_vf_select(enn_vf_gt(enn_vf_zero(), v), enn_vf_sub(enn_vf_zero(), r), r);
}

/* The three functions, of x / s; g stands for dy. */
ENN_INLINE enn_vf enn_vf_fake_quantize(enn_vf v, enn_vf s, enn_vf low, enn_vf high, enn_vf g) {
  (void)g;
  return enn_vf_mul(s, enn_vf_min(enn_vf_max(enn_vf_round_away(v), low), high));
}
ENN_INLINE enn_vf enn_vf_fake_quantize_grad(enn_vf v, enn_vf s, enn_vf low, enn_vf high,
                                            enn_vf g) {
  (void)s;
  const enn_vf zero = enn_vf_zero(), below = enn_vf_select(enn_vf_gt(low, v), zero, g);
  return enn_vf_select(enn_vf_gt(v, high), zero, below);
}
ENN_INLINE enn_vf enn_vf_fake_quantize_slope(enn_vf v, enn_vf s, enn_vf low, enn_vf high,
                                             enn_vf g) {
  (void)s, (void)g;
  const enn_vf inside = enn_vf_sub(enn_vf_round_away(v), v);
  return enn_vf_select(enn_vf_gt(v, low), enn_vf_select(enn_vf_gt(high, v), inside, high), low);
}

typedef struct {
  int32_t n, inner, channels;
} enn_f32_fake;

/*
 * A function over an array: with one scale, and with one for each of many channels. `dy` may be
 * null. Where inner is 1, channels lie along the lanes.
 */
#define ENN_FAKE(name)                                                                       \
  ENN_INLINE void enn_##name##_lanes_f32(int32_t lanes, const float *x, enn_vf scale,        \
                                         const float *limits, const float *dy, float *y) {   \
    const enn_vf s = enn_vf_max(scale, enn_vf_splat(1e-30f));                                \
    const enn_vf g = dy ? enn_vf_load_upto(dy, lanes) : enn_vf_zero();                       \
    const enn_vf v = enn_vf_div(enn_vf_load_upto(x, lanes), s);                              \
    const enn_vf low = enn_vf_splat(limits[0]), high = enn_vf_splat(limits[1]);              \
    enn_vf_store_upto(y, enn_vf_##name(v, s, low, high, g), lanes);                          \
  }                                                                                          \
  ENN_INLINE void enn_##name##_f32(const enn_f32_map *p, const float *x, const float *scale, \
                                   const float *limits, const float *dy, float *y) {         \
    const enn_vf s = enn_vf_splat(*scale);                                                   \
    for (int32_t i = 0; i < p->n; i += ENN_LANES) {                                          \
      enn_##name##_lanes_f32(p->n - i, x + i, s, limits, dy ? dy + i : 0, y + i);            \
    }                                                                                        \
  }                                                                                          \
  ENN_INLINE void enn_##name##_axis_f32(const enn_f32_fake *p, const float *x,               \
                                        const float *scale, const float *limits,             \
                                        const float *dy, float *y) {                         \
    const enn_f32_map run = {p->inner, 0.0f};                                                \
    for (int32_t i = 0; i < p->n; i += p->inner * p->channels) {                             \
      for (int32_t c = 0; c < p->channels; c += p->inner == 1 ? ENN_LANES : 1) {             \
        const int32_t at = i + c * p->inner;                                                 \
        const float *g = dy ? dy + at : 0;                                                   \
        if (p->inner > 1) {                                                                  \
          enn_##name##_f32(&run, x + at, scale + c, limits, g, y + at);                      \
        } else {                                                                             \
          const int32_t lanes = p->channels - c;                                             \
          const enn_vf s = enn_vf_load_upto(scale + c, lanes);                               \
          enn_##name##_lanes_f32(lanes, x + at, s, limits, g, y + at);                       \
        }                                                                                    \
      }                                                                                      \
    }                                                                                        \
  }

ENN_FAKE(fake_quantize)
ENN_FAKE(fake_quantize_grad)
ENN_FAKE(fake_quantize_slope)

#undef ENN_FAKE

#endif
