/*
 * enn_f32_math.h: exponential, logarithm and what follows from them, four lanes at a time, and the
 * 8 shards by which every sum over the batch is taken.
 *
 * exp: x = n ln 2 + r with |r| <= ln 2 / 2, e^r by its Taylor series to r^7 (the next term is below
 *   1e-8), 2^n in two factors so that it may over- and underflow gradually.
 * log: x = 2^e m with m in [sqrt 1/2, sqrt 2), log m = 2 artanh(s), s = (m - 1) / (m + 1).
 * Errors stay below 3 units in the last place. Oracle: host/engine/reference.ts.
 */
#ifndef ENN_F32_MATH_H
#define ENN_F32_MATH_H

#include "enn_simd.h"

/* e^r - 1 for |r| <= 0.35. */
ENN_INLINE enn_v4f enn_v4f_expm1_small(enn_v4f r) {
  enn_v4f q = enn_v4f_splat(1.0f / 5040.0f);
  q = enn_v4f_muladd(q, r, enn_v4f_splat(1.0f / 720.0f));
  q = enn_v4f_muladd(q, r, enn_v4f_splat(1.0f / 120.0f));
  q = enn_v4f_muladd(q, r, enn_v4f_splat(1.0f / 24.0f));
  q = enn_v4f_muladd(q, r, enn_v4f_splat(1.0f / 6.0f));
  q = enn_v4f_muladd(q, r, enn_v4f_splat(0.5f));
  return enn_v4f_muladd(enn_v4f_mul(q, r), r, r);
}

typedef struct {
  enn_v4f q;     /* e^r - 1 */
  enn_v4f a, b;  /* 2^n = a b */
} enn_v4f_exp_parts;

ENN_INLINE enn_v4f_exp_parts enn_v4f_exp_split(enn_v4f x) {
  /* Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits. */
  const enn_v4f magic = enn_v4f_splat(12582912.0f);
  const enn_v4f c =
      enn_v4f_min(enn_v4f_max(x, enn_v4f_splat(-104.0f)), enn_v4f_splat(89.0f));
  const enn_v4f t = enn_v4f_muladd(c, enn_v4f_splat(1.44269504f), magic);
  const enn_v4f n = enn_v4f_sub(t, magic);
  /* ln 2 in two parts; the first has few enough bits that n times it is exact. */
  enn_v4f r = enn_v4f_sub(c, enn_v4f_mul(n, enn_v4f_splat(0.693359375f)));
  r = enn_v4f_sub(r, enn_v4f_mul(n, enn_v4f_splat(-2.12194440e-4f)));
  const enn_v4i i = enn_v4i_sub(enn_v4f_bits(t), enn_v4i_splat(0x4B400000));
  const enn_v4i h = enn_v4i_half(i);
  const enn_v4i bias = enn_v4i_splat(127);
  enn_v4f_exp_parts parts;
  parts.q = enn_v4f_expm1_small(r);
  parts.a = enn_v4f_from_bits(enn_v4i_shl23(enn_v4i_add(h, bias)));
  parts.b = enn_v4f_from_bits(enn_v4i_shl23(enn_v4i_add(enn_v4i_sub(i, h), bias)));
  return parts;
}

/* e^x; 0 below -104, +infinity above 88.73. */
ENN_INLINE enn_v4f enn_v4f_exp(enn_v4f x) {
  const enn_v4f_exp_parts e = enn_v4f_exp_split(x);
  return enn_v4f_mul(enn_v4f_mul(enn_v4f_add(e.q, enn_v4f_splat(1.0f)), e.a), e.b);
}

/* e^x - 1 without cancellation near 0. */
ENN_INLINE enn_v4f enn_v4f_expm1(enn_v4f x) {
  const enn_v4f_exp_parts e = enn_v4f_exp_split(x);
  const enn_v4f one = enn_v4f_splat(1.0f);
  const enn_v4f scale = enn_v4f_mul(e.a, e.b);
  return enn_v4f_add(enn_v4f_mul(e.q, scale), enn_v4f_sub(scale, one));
}

/* 2 artanh(s) = log((1 + s) / (1 - s)) for |s| <= 1/3. */
ENN_INLINE enn_v4f enn_v4f_artanh2(enn_v4f s) {
  const enn_v4f z = enn_v4f_mul(s, s);
  enn_v4f q = enn_v4f_splat(2.0f / 15.0f);
  q = enn_v4f_muladd(q, z, enn_v4f_splat(2.0f / 13.0f));
  q = enn_v4f_muladd(q, z, enn_v4f_splat(2.0f / 11.0f));
  q = enn_v4f_muladd(q, z, enn_v4f_splat(2.0f / 9.0f));
  q = enn_v4f_muladd(q, z, enn_v4f_splat(2.0f / 7.0f));
  q = enn_v4f_muladd(q, z, enn_v4f_splat(2.0f / 5.0f));
  q = enn_v4f_muladd(q, z, enn_v4f_splat(2.0f / 3.0f));
  q = enn_v4f_mul(q, z);
  return enn_v4f_muladd(q, s, enn_v4f_add(s, s));
}

/* log(1 + t) for 0 <= t <= 1. */
ENN_INLINE enn_v4f enn_v4f_log1p_unit(enn_v4f t) {
  return enn_v4f_artanh2(enn_v4f_div(t, enn_v4f_add(t, enn_v4f_splat(2.0f))));
}

ENN_INLINE enn_v4f enn_v4f_tanh(enn_v4f x) {
  /* tanh |x| = -m / (m + 2) with m = e^(-2|x|) - 1 */
  const enn_v4f a = enn_v4f_abs(x);
  const enn_v4f m = enn_v4f_expm1(enn_v4f_mul(a, enn_v4f_splat(-2.0f)));
  const enn_v4f t = enn_v4f_div(enn_v4f_sub(enn_v4f_zero(), m), enn_v4f_add(m, enn_v4f_splat(2.0f)));
  return enn_v4f_select(enn_v4f_gt(enn_v4f_zero(), x), enn_v4f_sub(enn_v4f_zero(), t), t);
}

ENN_INLINE enn_v4f enn_v4f_sigmoid(enn_v4f x) {
  const enn_v4f one = enn_v4f_splat(1.0f);
  const enn_v4f e = enn_v4f_exp(enn_v4f_sub(enn_v4f_zero(), x));
  return enn_v4f_div(one, enn_v4f_add(one, e));
}

/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|) */
ENN_INLINE enn_v4f enn_v4f_softplus(enn_v4f x) {
  const enn_v4f e = enn_v4f_exp(enn_v4f_sub(enn_v4f_zero(), enn_v4f_abs(x)));
  return enn_v4f_add(enn_v4f_max(x, enn_v4f_zero()), enn_v4f_log1p_unit(e));
}

/*
 * erf x = sign(x) (1 - (a1 t + ... + a5 t^5) e^-x^2), t = 1 / (1 + p |x|); absolute error below
 * 2e-7 (Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26).
 */
ENN_INLINE enn_v4f enn_v4f_erf(enn_v4f x) {
  const enn_v4f one = enn_v4f_splat(1.0f), a = enn_v4f_abs(x);
  const enn_v4f t = enn_v4f_div(one, enn_v4f_muladd(a, enn_v4f_splat(0.3275911f), one));
  enn_v4f q = enn_v4f_splat(1.061405429f);
  q = enn_v4f_muladd(q, t, enn_v4f_splat(-1.453152027f));
  q = enn_v4f_muladd(q, t, enn_v4f_splat(1.421413741f));
  q = enn_v4f_muladd(q, t, enn_v4f_splat(-0.284496736f));
  q = enn_v4f_muladd(q, t, enn_v4f_splat(0.254829592f));
  const enn_v4f e = enn_v4f_exp(enn_v4f_sub(enn_v4f_zero(), enn_v4f_mul(a, a)));
  const enn_v4f y = enn_v4f_sub(one, enn_v4f_mul(enn_v4f_mul(q, t), e));
  return enn_v4f_select(enn_v4f_gt(enn_v4f_zero(), x), enn_v4f_sub(enn_v4f_zero(), y), y);
}

/* The normal distribution: (1 + erf(x / sqrt 2)) / 2. */
ENN_INLINE enn_v4f enn_v4f_phi(enn_v4f x) {
  const enn_v4f e = enn_v4f_erf(enn_v4f_mul(x, enn_v4f_splat(0.707106781f)));
  return enn_v4f_muladd(e, enn_v4f_splat(0.5f), enn_v4f_splat(0.5f));
}

ENN_INLINE float enn_expf(float x) { return enn_v4f_first(enn_v4f_exp(enn_v4f_splat(x))); }

ENN_INLINE float enn_tanhf(float x) { return enn_v4f_first(enn_v4f_tanh(enn_v4f_splat(x))); }

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
  const float log_m = enn_v4f_first(enn_v4f_artanh2(enn_v4f_splat(s)));
  const float n = (float)e;
  return n * 0.693359375f + (n * -2.12194440e-4f + log_m);
}

/*
 * The 8 shards of a batch: shard s holds the rows from first(s) to first(s + 1). Partial sums meet
 * as ((0+1)+(2+3)) + ((4+5)+(6+7)), whatever the number of threads.
 */
#define ENN_SHARDS 8

/* Buffers that hold partial sums at one time when shards are done one after the other. */
#define ENN_SHARD_LEVELS 4

ENN_INLINE int32_t enn_shard_first(int32_t batch, int32_t shard) {
  return (int32_t)((int64_t)batch * shard / ENN_SHARDS);
}

/*
 * After shard s has been summed into level `top` of a stack of buffers of `count` floats, adds
 * neighbours that are complete; returns the level that the next shard goes into. After shard 7
 * level 0 holds the sum.
 */
ENN_INLINE int32_t enn_shard_merge(float *levels, int32_t count, int32_t top, int32_t shard) {
  for (int32_t s = shard; (s & 1) != 0; s >>= 1, top--) {
    float *into = levels + (intptr_t)(top - 1) * count;
    const float *from = levels + (intptr_t)top * count;
    for (int32_t i = 0; i < count; i++) into[i] += from[i];
  }
  return top + 1;
}

#endif
