/*
 * enn_f32_math.h: exponential, logarithm and what follows from them, a vector at a time, and the
 * 8 shards by which every sum over the batch is taken.
 *
 * exp: x = n ln 2 + r with |r| <= ln 2 / 2, e^r by its Taylor series to r^7 (the next term is below
 *   1e-8), 2^n in two factors so that it may over- and underflow gradually.
 * log: x = 2^e m with m in [sqrt 1/2, sqrt 2), log m = 2 artanh(s), s = (m - 1) / (m + 1).
 * Errors stay below 3 units in the last place. Oracle: test/reference/reference.ts.
 */
#ifndef ENN_F32_MATH_H
#define ENN_F32_MATH_H

#include "enn_vec.h"

/* e^r - 1 for |r| <= 0.35. */
ENN_INLINE enn_vf enn_vf_expm1_small(enn_vf r) {
  enn_vf q = enn_vf_splat(1.0f / 5040.0f);
  q = enn_vf_muladd(q, r, enn_vf_splat(1.0f / 720.0f));
  q = enn_vf_muladd(q, r, enn_vf_splat(1.0f / 120.0f));
  q = enn_vf_muladd(q, r, enn_vf_splat(1.0f / 24.0f));
  q = enn_vf_muladd(q, r, enn_vf_splat(1.0f / 6.0f));
  q = enn_vf_muladd(q, r, enn_vf_splat(0.5f));
  return enn_vf_muladd(enn_vf_mul(q, r), r, r);
}

typedef struct {
  enn_vf q;     /* e^r - 1 */
  enn_vf a, b;  /* 2^n = a b */
} enn_vf_exp_parts;

ENN_INLINE enn_vf_exp_parts enn_vf_exp_split(enn_vf x) {
  /* Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits. */
  const enn_vf magic = enn_vf_splat(12582912.0f);
  const enn_vf c =
      enn_vf_min(enn_vf_max(x, enn_vf_splat(-104.0f)), enn_vf_splat(89.0f));
  const enn_vf t = enn_vf_muladd(c, enn_vf_splat(1.44269504f), magic);
  const enn_vf n = enn_vf_sub(t, magic);
  /* ln 2 in two parts; the first has few enough bits that n times it is exact. */
  enn_vf r = enn_vf_sub(c, enn_vf_mul(n, enn_vf_splat(0.693359375f)));
  r = enn_vf_sub(r, enn_vf_mul(n, enn_vf_splat(-2.12194440e-4f)));
  const enn_vi i = enn_vi_sub(enn_vf_bits(t), enn_vi_splat(0x4B400000));
  const enn_vi h = enn_vi_half(i);
  const enn_vi bias = enn_vi_splat(127);
  enn_vf_exp_parts parts;
  parts.q = enn_vf_expm1_small(r);
  parts.a = enn_vf_from_bits(enn_vi_shl23(enn_vi_add(h, bias)));
  parts.b = enn_vf_from_bits(enn_vi_shl23(enn_vi_add(enn_vi_sub(i, h), bias)));
  return parts;
}

/* e^x; 0 below -104, +infinity above 88.73. */
ENN_INLINE enn_vf enn_vf_exp(enn_vf x) {
  const enn_vf_exp_parts e = enn_vf_exp_split(x);
  return enn_vf_mul(enn_vf_mul(enn_vf_add(e.q, enn_vf_splat(1.0f)), e.a), e.b);
}

/* e^x - 1 without cancellation near 0. */
ENN_INLINE enn_vf enn_vf_expm1(enn_vf x) {
  const enn_vf_exp_parts e = enn_vf_exp_split(x);
  const enn_vf one = enn_vf_splat(1.0f);
  const enn_vf scale = enn_vf_mul(e.a, e.b);
  return enn_vf_add(enn_vf_mul(e.q, scale), enn_vf_sub(scale, one));
}

/* 2 artanh(s) = log((1 + s) / (1 - s)) for |s| <= 1/3. */
ENN_INLINE enn_vf enn_vf_artanh2(enn_vf s) {
  const enn_vf z = enn_vf_mul(s, s);
  enn_vf q = enn_vf_splat(2.0f / 15.0f);
  q = enn_vf_muladd(q, z, enn_vf_splat(2.0f / 13.0f));
  q = enn_vf_muladd(q, z, enn_vf_splat(2.0f / 11.0f));
  q = enn_vf_muladd(q, z, enn_vf_splat(2.0f / 9.0f));
  q = enn_vf_muladd(q, z, enn_vf_splat(2.0f / 7.0f));
  q = enn_vf_muladd(q, z, enn_vf_splat(2.0f / 5.0f));
  q = enn_vf_muladd(q, z, enn_vf_splat(2.0f / 3.0f));
  q = enn_vf_mul(q, z);
  return enn_vf_muladd(q, s, enn_vf_add(s, s));
}

/* log(1 + t) for 0 <= t <= 1. */
ENN_INLINE enn_vf enn_vf_log1p_unit(enn_vf t) {
  return enn_vf_artanh2(enn_vf_div(t, enn_vf_add(t, enn_vf_splat(2.0f))));
}

ENN_INLINE enn_vf enn_vf_tanh(enn_vf x) {
  /* tanh |x| = -m / (m + 2) with m = e^(-2|x|) - 1 */
  const enn_vf a = enn_vf_abs(x);
  const enn_vf m = enn_vf_expm1(enn_vf_mul(a, enn_vf_splat(-2.0f)));
  const enn_vf t = enn_vf_div(enn_vf_sub(enn_vf_zero(), m), enn_vf_add(m, enn_vf_splat(2.0f)));
  return enn_vf_select(enn_vf_gt(enn_vf_zero(), x), enn_vf_sub(enn_vf_zero(), t), t);
}

ENN_INLINE enn_vf enn_vf_sigmoid(enn_vf x) {
  const enn_vf one = enn_vf_splat(1.0f);
  const enn_vf e = enn_vf_exp(enn_vf_sub(enn_vf_zero(), x));
  return enn_vf_div(one, enn_vf_add(one, e));
}

/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|) */
ENN_INLINE enn_vf enn_vf_softplus(enn_vf x) {
  const enn_vf e = enn_vf_exp(enn_vf_sub(enn_vf_zero(), enn_vf_abs(x)));
  return enn_vf_add(enn_vf_max(x, enn_vf_zero()), enn_vf_log1p_unit(e));
}

/*
 * erf x = sign(x) (1 - (a1 t + ... + a5 t^5) e^-x^2), t = 1 / (1 + p |x|); absolute error below
 * 2e-7 (Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26).
 */
ENN_INLINE enn_vf enn_vf_erf(enn_vf x) {
  const enn_vf one = enn_vf_splat(1.0f), a = enn_vf_abs(x);
  const enn_vf t = enn_vf_div(one, enn_vf_muladd(a, enn_vf_splat(0.3275911f), one));
  enn_vf q = enn_vf_splat(1.061405429f);
  q = enn_vf_muladd(q, t, enn_vf_splat(-1.453152027f));
  q = enn_vf_muladd(q, t, enn_vf_splat(1.421413741f));
  q = enn_vf_muladd(q, t, enn_vf_splat(-0.284496736f));
  q = enn_vf_muladd(q, t, enn_vf_splat(0.254829592f));
  const enn_vf e = enn_vf_exp(enn_vf_sub(enn_vf_zero(), enn_vf_mul(a, a)));
  const enn_vf y = enn_vf_sub(one, enn_vf_mul(enn_vf_mul(q, t), e));
  return enn_vf_select(enn_vf_gt(enn_vf_zero(), x), enn_vf_sub(enn_vf_zero(), y), y);
}

/* The normal distribution: (1 + erf(x / sqrt 2)) / 2. */
ENN_INLINE enn_vf enn_vf_phi(enn_vf x) {
  const enn_vf e = enn_vf_erf(enn_vf_mul(x, enn_vf_splat(0.707106781f)));
  return enn_vf_muladd(e, enn_vf_splat(0.5f), enn_vf_splat(0.5f));
}

ENN_INLINE float enn_expf(float x) { return enn_vf_first(enn_vf_exp(enn_vf_splat(x))); }

ENN_INLINE float enn_tanhf(float x) { return enn_vf_first(enn_vf_tanh(enn_vf_splat(x))); }

/* The natural logarithm of a positive, finite, normal number. */
ENN_INLINE float enn_logf(float x) {
  union {
    float f;
    uint32_t u;
  } m = {x};
  /* 0x3f3504f3 is sqrt 1/2: the difference's exponent field is e, biased by nothing. */
  const int32_t e = (int32_t)(m.u - 0x3f3504f3u) >> 23;
  m.u -= (uint32_t)e << 23;
  const float s = (m.f - 1.0f) / (m.f + 1.0f);
  const float log_m = enn_vf_first(enn_vf_artanh2(enn_vf_splat(s)));
  const float n = (float)e;
  return n * 0.693359375f + (n * -2.12194440e-4f + log_m);
}

/*
 * The 8 shards of a batch: shard s holds the rows from first(s) to first(s + 1). Partial sums meet
 * as ((0+1)+(2+3)) + ((4+5)+(6+7)), whatever the number of threads.
 */
#define ENN_SHARDS 8

ENN_INLINE int32_t enn_shard_first(int32_t batch, int32_t shard) {
  return (int32_t)((int64_t)batch * shard / ENN_SHARDS);
}

/* The sum of one number of every shard; `step` floats from shard to shard. */
ENN_INLINE float enn_shards_sum(const float *x, intptr_t step) {
  const float left = (x[0] + x[step]) + (x[2 * step] + x[3 * step]);
  const float right = (x[4 * step] + x[5 * step]) + (x[6 * step] + x[7 * step]);
  return left + right;
}

/* The same for up to ENN_LANES neighbours. */
ENN_INLINE enn_vf enn_shards_sums(const float *x, intptr_t step, int32_t lanes) {
  enn_vf pair[4];
  for (int32_t i = 0; i < 4; i++) {
    pair[i] = enn_vf_add(enn_vf_load_upto(x + 2 * i * step, lanes),
                         enn_vf_load_upto(x + (2 * i + 1) * step, lanes));
  }
  return enn_vf_add(enn_vf_add(pair[0], pair[1]), enn_vf_add(pair[2], pair[3]));
}

/* What part of n elements is `part`'s; it begins at a multiple of `unit`. */
ENN_INLINE int32_t enn_part_first(int32_t n, int32_t unit, int32_t part) {
  const int32_t units = (n + unit - 1) / unit, first = enn_shard_first(units, part) * unit;
  return first < n ? first : n;
}

#endif
