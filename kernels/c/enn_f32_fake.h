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

ENN_INLINE enn_vf enn_fake_scale(const float *scale) {
  return enn_vf_max(enn_vf_splat(*scale), enn_vf_splat(1e-30f));
}

ENN_INLINE void enn_fake_quantize_f32(const enn_f32_map *p, const float *x, const float *scale,
                                      const float *limits, float *y) {
  const enn_vf s = enn_fake_scale(scale);
  const enn_vf low = enn_vf_splat(limits[0]), high = enn_vf_splat(limits[1]);
  for (int32_t i = 0; i < p->n; i += ENN_LANES) {
    const int32_t lanes = p->n - i;
    const enn_vf r = enn_vf_round_away(enn_vf_div(enn_vf_load_upto(x + i, lanes), s));
    enn_vf_store_upto(y + i, enn_vf_mul(s, enn_vf_min(enn_vf_max(r, low), high)), lanes);
  }
}

ENN_INLINE void enn_fake_quantize_grad_f32(const enn_f32_map *p, const float *x,
                                           const float *scale, const float *limits,
                                           const float *dy, float *dx) {
  const enn_vf s = enn_fake_scale(scale), zero = enn_vf_zero();
  const enn_vf low = enn_vf_splat(limits[0]), high = enn_vf_splat(limits[1]);
  for (int32_t i = 0; i < p->n; i += ENN_LANES) {
    const int32_t lanes = p->n - i;
    const enn_vf v = enn_vf_div(enn_vf_load_upto(x + i, lanes), s);
    const enn_vf below = enn_vf_select(enn_vf_gt(low, v), zero, enn_vf_load_upto(dy + i, lanes));
    enn_vf_store_upto(dx + i, enn_vf_select(enn_vf_gt(v, high), zero, below), lanes);
  }
}

ENN_INLINE void enn_fake_quantize_slope_f32(const enn_f32_map *p, const float *x,
                                            const float *scale, const float *limits, float *y) {
  const enn_vf s = enn_fake_scale(scale);
  const enn_vf low = enn_vf_splat(limits[0]), high = enn_vf_splat(limits[1]);
  for (int32_t i = 0; i < p->n; i += ENN_LANES) {
    const int32_t lanes = p->n - i;
    const enn_vf v = enn_vf_div(enn_vf_load_upto(x + i, lanes), s);
    const enn_vf inside = enn_vf_sub(enn_vf_round_away(v), v);
    const enn_vf above = enn_vf_select(enn_vf_gt(high, v), inside, high);
    enn_vf_store_upto(y + i, enn_vf_select(enn_vf_gt(v, low), above, low), lanes);
  }
}

typedef struct {
  int32_t n, inner, channels;
} enn_f32_fake;

/* The formula for every run of `inner` elements; `i` is where it begins, `c` its channel. */
#define ENN_FAKE_AXIS(formula)                                  \
  const enn_f32_map map = {p->inner, 0.0f};                     \
  for (int32_t i = 0, c = 0; i < p->n; i += p->inner, c++) {    \
    if (c == p->channels) c = 0;                                \
    formula;                                                    \
  }

ENN_INLINE void enn_fake_quantize_axis_f32(const enn_f32_fake *p, const float *x,
                                           const float *scale, const float *limits, float *y) {
  ENN_FAKE_AXIS(enn_fake_quantize_f32(&map, x + i, scale + c, limits, y + i))
}

ENN_INLINE void enn_fake_quantize_grad_axis_f32(const enn_f32_fake *p, const float *x,
                                                const float *scale, const float *limits,
                                                const float *dy, float *dx) {
  ENN_FAKE_AXIS(enn_fake_quantize_grad_f32(&map, x + i, scale + c, limits, dy + i, dx + i))
}

ENN_INLINE void enn_fake_quantize_slope_axis_f32(const enn_f32_fake *p, const float *x,
                                                 const float *scale, const float *limits,
                                                 float *y) {
  ENN_FAKE_AXIS(enn_fake_quantize_slope_f32(&map, x + i, scale + c, limits, y + i))
}

#undef ENN_FAKE_AXIS

#endif
