/*
 * enn_vec.h: vectors of ENN_LANES floats, as wide as the instruction set has them: 16 with AVX-512,
 * 8 with AVX2 and FMA, else the 4 of enn_simd.h. Kernels that use them lay channels or elements
 * along the lanes, so that no sum depends on the width.
 *
 * enn_vf_muladd is one fused operation where the target has it in hardware (FMA, NEON, relaxed
 * WebAssembly SIMD) and two rounded ones elsewhere: bytes are equal per instruction-set variant.
 */
#ifndef ENN_VEC_H
#define ENN_VEC_H

#include "enn_simd.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__)

#include <immintrin.h>

#define ENN_LANES 16
#define ENN_VARIANT "avx512"
typedef __m512 enn_vf;    /* ENN_LANES floats */
typedef __mmask16 enn_vm; /* as many truths */
typedef __m512i enn_vi;   /* as many 32-bit integers */

ENN_INLINE enn_vf enn_vf_load(const float *p) { return _mm512_loadu_ps(p); }
ENN_INLINE void enn_vf_store(float *p, enn_vf a) { _mm512_storeu_ps(p, a); }
ENN_INLINE enn_vf enn_vf_splat(float a) { return _mm512_set1_ps(a); }
ENN_INLINE enn_vf enn_vf_add(enn_vf a, enn_vf b) { return _mm512_add_ps(a, b); }
ENN_INLINE enn_vf enn_vf_sub(enn_vf a, enn_vf b) { return _mm512_sub_ps(a, b); }
ENN_INLINE enn_vf enn_vf_mul(enn_vf a, enn_vf b) { return _mm512_mul_ps(a, b); }
ENN_INLINE enn_vf enn_vf_div(enn_vf a, enn_vf b) { return _mm512_div_ps(a, b); }
ENN_INLINE enn_vf enn_vf_max(enn_vf a, enn_vf b) { return _mm512_max_ps(b, a); }
ENN_INLINE enn_vf enn_vf_min(enn_vf a, enn_vf b) { return _mm512_min_ps(b, a); }
ENN_INLINE enn_vf enn_vf_sqrt(enn_vf a) { return _mm512_sqrt_ps(a); }
ENN_INLINE enn_vf enn_vf_abs(enn_vf a) { return _mm512_abs_ps(a); }
ENN_INLINE enn_vf enn_vf_muladd(enn_vf a, enn_vf b, enn_vf c) { return _mm512_fmadd_ps(a, b, c); }
ENN_INLINE enn_vm enn_vf_gt(enn_vf a, enn_vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
ENN_INLINE enn_vm enn_vf_eq(enn_vf a, enn_vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
ENN_INLINE enn_vf enn_vf_select(enn_vm m, enn_vf yes, enn_vf no) {
  return _mm512_mask_blend_ps(m, no, yes);
}
ENN_INLINE enn_vi enn_vi_splat(int32_t a) { return _mm512_set1_epi32(a); }
ENN_INLINE enn_vi enn_vi_add(enn_vi a, enn_vi b) { return _mm512_add_epi32(a, b); }
ENN_INLINE enn_vi enn_vi_sub(enn_vi a, enn_vi b) { return _mm512_sub_epi32(a, b); }
ENN_INLINE enn_vi enn_vi_half(enn_vi a) { return _mm512_srai_epi32(a, 1); }
ENN_INLINE enn_vi enn_vi_shl23(enn_vi a) { return _mm512_slli_epi32(a, 23); }
ENN_INLINE enn_vi enn_vi_xor(enn_vi a, enn_vi b) { return _mm512_xor_si512(a, b); }
ENN_INLINE enn_vi enn_vi_load(const void *p) { return _mm512_loadu_si512(p); }
ENN_INLINE void enn_vi_store(void *p, enn_vi a) { _mm512_storeu_si512(p, a); }

/* The upper and lower 32 bits of the products of numbers without sign. */
ENN_INLINE enn_vi enn_vi_mul_wide(enn_vi a, enn_vi b, enn_vi *low) {
  const enn_vi even = _mm512_mul_epu32(a, b);
  const enn_vi odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32));
  *low = _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
  return _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
}

ENN_INLINE enn_vi enn_vf_bits(enn_vf a) { return _mm512_castps_si512(a); }
ENN_INLINE enn_vf enn_vf_from_bits(enn_vi a) { return _mm512_castsi512_ps(a); }
ENN_INLINE float enn_vf_first(enn_vf a) { return _mm512_cvtss_f32(a); }

/* The first n lanes (all from n = 16 on); the others are 0. Touches nothing beyond them. */
ENN_INLINE enn_vf enn_vf_load_upto(const float *p, int32_t n) {
  if (n >= 16) return _mm512_loadu_ps(p);
  return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1u), p);
}
ENN_INLINE void enn_vf_store_upto(float *p, enn_vf a, int32_t n) {
  if (n >= 16) {
    _mm512_storeu_ps(p, a);
  } else {
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1u), a);
  }
}

#elif defined(__AVX2__) && defined(__FMA__)

#include <immintrin.h>

#define ENN_LANES 8
#define ENN_VARIANT "avx2"
typedef __m256 enn_vf;
typedef __m256 enn_vm;
typedef __m256i enn_vi;

ENN_INLINE enn_vf enn_vf_load(const float *p) { return _mm256_loadu_ps(p); }
ENN_INLINE void enn_vf_store(float *p, enn_vf a) { _mm256_storeu_ps(p, a); }
ENN_INLINE enn_vf enn_vf_splat(float a) { return _mm256_set1_ps(a); }
ENN_INLINE enn_vf enn_vf_add(enn_vf a, enn_vf b) { return _mm256_add_ps(a, b); }
ENN_INLINE enn_vf enn_vf_sub(enn_vf a, enn_vf b) { return _mm256_sub_ps(a, b); }
ENN_INLINE enn_vf enn_vf_mul(enn_vf a, enn_vf b) { return _mm256_mul_ps(a, b); }
ENN_INLINE enn_vf enn_vf_div(enn_vf a, enn_vf b) { return _mm256_div_ps(a, b); }
ENN_INLINE enn_vf enn_vf_max(enn_vf a, enn_vf b) { return _mm256_max_ps(b, a); }
ENN_INLINE enn_vf enn_vf_min(enn_vf a, enn_vf b) { return _mm256_min_ps(b, a); }
ENN_INLINE enn_vf enn_vf_sqrt(enn_vf a) { return _mm256_sqrt_ps(a); }
ENN_INLINE enn_vf enn_vf_abs(enn_vf a) {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}
ENN_INLINE enn_vf enn_vf_muladd(enn_vf a, enn_vf b, enn_vf c) { return _mm256_fmadd_ps(a, b, c); }
ENN_INLINE enn_vm enn_vf_gt(enn_vf a, enn_vf b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
ENN_INLINE enn_vm enn_vf_eq(enn_vf a, enn_vf b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
ENN_INLINE enn_vf enn_vf_select(enn_vm m, enn_vf yes, enn_vf no) {
  return _mm256_blendv_ps(no, yes, m);
}
ENN_INLINE enn_vi enn_vi_splat(int32_t a) { return _mm256_set1_epi32(a); }
ENN_INLINE enn_vi enn_vi_add(enn_vi a, enn_vi b) { return _mm256_add_epi32(a, b); }
ENN_INLINE enn_vi enn_vi_sub(enn_vi a, enn_vi b) { return _mm256_sub_epi32(a, b); }
ENN_INLINE enn_vi enn_vi_half(enn_vi a) { return _mm256_srai_epi32(a, 1); }
ENN_INLINE enn_vi enn_vi_shl23(enn_vi a) { return _mm256_slli_epi32(a, 23); }
ENN_INLINE enn_vi enn_vi_xor(enn_vi a, enn_vi b) { return _mm256_xor_si256(a, b); }
ENN_INLINE enn_vi enn_vi_load(const void *p) { return _mm256_loadu_si256(p); }
ENN_INLINE void enn_vi_store(void *p, enn_vi a) { _mm256_storeu_si256(p, a); }

/* The upper and lower 32 bits of the products of numbers without sign. */
ENN_INLINE enn_vi enn_vi_mul_wide(enn_vi a, enn_vi b, enn_vi *low) {
  const enn_vi even = _mm256_mul_epu32(a, b);
  const enn_vi odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
  *low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

ENN_INLINE enn_vi enn_vf_bits(enn_vf a) { return _mm256_castps_si256(a); }
ENN_INLINE enn_vf enn_vf_from_bits(enn_vi a) { return _mm256_castsi256_ps(a); }
ENN_INLINE float enn_vf_first(enn_vf a) { return _mm256_cvtss_f32(a); }

/* All ones in the first n lanes. */
ENN_INLINE __m256i enn_first_lanes(int32_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* The first n lanes (all from n = 8 on); the others are 0. Touches nothing beyond them. */
ENN_INLINE enn_vf enn_vf_load_upto(const float *p, int32_t n) {
  return n >= 8 ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, enn_first_lanes(n));
}
ENN_INLINE void enn_vf_store_upto(float *p, enn_vf a, int32_t n) {
  if (n >= 8) {
    _mm256_storeu_ps(p, a);
  } else {
    _mm256_maskstore_ps(p, enn_first_lanes(n), a);
  }
}

#else

#if defined(__aarch64__)
#include <arm_neon.h>
#define ENN_VARIANT "neon"
#elif defined(__wasm_relaxed_simd__)
#define ENN_VARIANT "relaxed"
#elif defined(__wasm_simd128__)
#define ENN_VARIANT "simd128"
#else
#define ENN_VARIANT "base"
#endif

#define ENN_LANES 4
typedef enn_v4f enn_vf;
typedef enn_v4m enn_vm;
typedef enn_v4i enn_vi;

#define enn_vf_load enn_v4f_load
#define enn_vf_store enn_v4f_store
#define enn_vf_splat enn_v4f_splat
#define enn_vf_add enn_v4f_add
#define enn_vf_sub enn_v4f_sub
#define enn_vf_mul enn_v4f_mul
#define enn_vf_div enn_v4f_div
#define enn_vf_max enn_v4f_max
#define enn_vf_min enn_v4f_min
#define enn_vf_sqrt enn_v4f_sqrt
#define enn_vf_abs enn_v4f_abs
#define enn_vf_gt enn_v4f_gt
#define enn_vf_eq enn_v4f_eq
#define enn_vf_select enn_v4f_select
#define enn_vi_splat enn_v4i_splat
#define enn_vi_add enn_v4i_add
#define enn_vi_sub enn_v4i_sub
#define enn_vi_half enn_v4i_half
#define enn_vi_shl23 enn_v4i_shl23
#define enn_vi_xor enn_v4i_xor
#define enn_vi_load enn_v4i_load
#define enn_vi_store enn_v4i_store
#define enn_vi_mul_wide enn_v4i_mul_wide
#define enn_vf_bits enn_v4f_bits
#define enn_vf_from_bits enn_v4f_from_bits
#define enn_vf_first enn_v4f_first
#define enn_vf_load_upto enn_v4f_load_upto
#define enn_vf_store_upto enn_v4f_store_upto

ENN_INLINE enn_vf enn_vf_muladd(enn_vf a, enn_vf b, enn_vf c) {
#if defined(__aarch64__)
  return (enn_vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#elif defined(__wasm_relaxed_simd__)
  return wasm_f32x4_relaxed_madd(a, b, c);
#else
  return enn_v4f_muladd(a, b, c);
#endif
}

#endif

/* Before a loop of a constant, small count. */
#if defined(__clang__)
#define ENN_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define ENN_UNROLL _Pragma("GCC unroll 16")
#else
#define ENN_UNROLL
#endif

ENN_INLINE enn_vf enn_vf_zero(void) { return enn_vf_splat(0.0f); }

#endif
