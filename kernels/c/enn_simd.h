/*
 * enn_simd.h: vectors of four floats, one set of functions per instruction set.
 *
 * Every function is the same IEEE-754 operation on each lane, so all variants give the same bytes:
 * no fused multiply-add, no approximate reciprocal. The portable variant uses the vector extension
 * of GCC and clang, which compilers map to SSE, NEON or plain scalars.
 *
 * max(a, b) is a < b ? b : a and min(a, b) is b < a ? b : a: a NaN in `a` stays.
 */
#ifndef ENN_SIMD_H
#define ENN_SIMD_H

#include <stdint.h>

#define ENN_INLINE static inline __attribute__((always_inline))

#if defined(__wasm_simd128__)

#include <wasm_simd128.h>

typedef v128_t enn_v4f; /* four floats */
typedef v128_t enn_v4m; /* four masks: all ones or all zeros */
typedef v128_t enn_v4i; /* four 32-bit integers */

ENN_INLINE enn_v4f enn_v4f_load(const float *p) { return wasm_v128_load(p); }
ENN_INLINE void enn_v4f_store(float *p, enn_v4f a) { wasm_v128_store(p, a); }
ENN_INLINE enn_v4f enn_v4f_splat(float a) { return wasm_f32x4_splat(a); }
ENN_INLINE enn_v4f enn_v4f_load_splat(const float *p) { return wasm_v128_load32_splat(p); }
ENN_INLINE enn_v4f enn_v4f_add(enn_v4f a, enn_v4f b) { return wasm_f32x4_add(a, b); }
ENN_INLINE enn_v4f enn_v4f_sub(enn_v4f a, enn_v4f b) { return wasm_f32x4_sub(a, b); }
ENN_INLINE enn_v4f enn_v4f_mul(enn_v4f a, enn_v4f b) { return wasm_f32x4_mul(a, b); }
ENN_INLINE enn_v4f enn_v4f_div(enn_v4f a, enn_v4f b) { return wasm_f32x4_div(a, b); }
ENN_INLINE enn_v4f enn_v4f_max(enn_v4f a, enn_v4f b) { return wasm_f32x4_pmax(a, b); }
ENN_INLINE enn_v4f enn_v4f_min(enn_v4f a, enn_v4f b) { return wasm_f32x4_pmin(a, b); }
ENN_INLINE enn_v4f enn_v4f_sqrt(enn_v4f a) { return wasm_f32x4_sqrt(a); }
ENN_INLINE enn_v4f enn_v4f_abs(enn_v4f a) { return wasm_f32x4_abs(a); }
ENN_INLINE enn_v4m enn_v4f_gt(enn_v4f a, enn_v4f b) { return wasm_f32x4_gt(a, b); }
ENN_INLINE enn_v4m enn_v4f_eq(enn_v4f a, enn_v4f b) { return wasm_f32x4_eq(a, b); }
ENN_INLINE enn_v4f enn_v4f_select(enn_v4m m, enn_v4f yes, enn_v4f no) {
  return wasm_v128_bitselect(yes, no, m);
}
ENN_INLINE enn_v4i enn_v4i_splat(int32_t a) { return wasm_i32x4_splat(a); }
ENN_INLINE enn_v4i enn_v4i_add(enn_v4i a, enn_v4i b) { return wasm_i32x4_add(a, b); }
ENN_INLINE enn_v4i enn_v4i_sub(enn_v4i a, enn_v4i b) { return wasm_i32x4_sub(a, b); }
ENN_INLINE enn_v4i enn_v4i_half(enn_v4i a) { return wasm_i32x4_shr(a, 1); }
ENN_INLINE enn_v4i enn_v4i_shl23(enn_v4i a) { return wasm_i32x4_shl(a, 23); }
ENN_INLINE enn_v4i enn_v4i_xor(enn_v4i a, enn_v4i b) { return wasm_v128_xor(a, b); }
ENN_INLINE enn_v4i enn_v4i_load(const void *p) { return wasm_v128_load(p); }
ENN_INLINE void enn_v4i_store(void *p, enn_v4i a) { wasm_v128_store(p, a); }
ENN_INLINE enn_v4i enn_v4f_bits(enn_v4f a) { return a; }
ENN_INLINE enn_v4f enn_v4f_from_bits(enn_v4i a) { return a; }
ENN_INLINE float enn_v4f_first(enn_v4f a) { return wasm_f32x4_extract_lane(a, 0); }

/* The upper and lower 32 bits of the products of numbers without sign. */
ENN_INLINE enn_v4i enn_v4i_mul_wide(enn_v4i a, enn_v4i b, enn_v4i *low) {
  const v128_t p = wasm_u64x2_extmul_low_u32x4(a, b), q = wasm_u64x2_extmul_high_u32x4(a, b);
  *low = wasm_i32x4_shuffle(p, q, 0, 2, 4, 6);
  return wasm_i32x4_shuffle(p, q, 1, 3, 5, 7);
}

/* The first n (1..3) floats; the other lanes are 0. Reads nothing beyond them. */
ENN_INLINE enn_v4f enn_v4f_load_n(const float *p, int32_t n) {
  if (n == 1) return wasm_v128_load32_zero(p);
  const enn_v4f two = wasm_v128_load64_zero(p);
  return n == 2 ? two : wasm_v128_load32_lane(p + 2, two, 2);
}

/* Stores the first n (1..3) lanes. */
ENN_INLINE void enn_v4f_store_n(float *p, enn_v4f a, int32_t n) {
  if (n == 1) {
    wasm_v128_store32_lane(p, a, 0);
    return;
  }
  wasm_v128_store64_lane(p, a, 0);
  if (n == 3) wasm_v128_store32_lane(p + 2, a, 2);
}

#else

typedef float enn_v4f __attribute__((vector_size(16)));
typedef int32_t enn_v4m __attribute__((vector_size(16)));
typedef int32_t enn_v4i __attribute__((vector_size(16)));
typedef uint32_t enn_v4u __attribute__((vector_size(16)));

ENN_INLINE enn_v4f enn_v4f_load(const float *p) {
  enn_v4f a;
  __builtin_memcpy(&a, p, sizeof a);
  return a;
}
ENN_INLINE void enn_v4f_store(float *p, enn_v4f a) { __builtin_memcpy(p, &a, sizeof a); }
ENN_INLINE enn_v4f enn_v4f_splat(float a) { return (enn_v4f){a, a, a, a}; }
ENN_INLINE enn_v4f enn_v4f_load_splat(const float *p) { return enn_v4f_splat(*p); }
ENN_INLINE enn_v4f enn_v4f_add(enn_v4f a, enn_v4f b) { return a + b; }
ENN_INLINE enn_v4f enn_v4f_sub(enn_v4f a, enn_v4f b) { return a - b; }
ENN_INLINE enn_v4f enn_v4f_mul(enn_v4f a, enn_v4f b) { return a * b; }
ENN_INLINE enn_v4f enn_v4f_div(enn_v4f a, enn_v4f b) { return a / b; }
ENN_INLINE enn_v4f enn_v4f_select(enn_v4m m, enn_v4f yes, enn_v4f no) {
  return (enn_v4f)((m & (enn_v4m)yes) | (~m & (enn_v4m)no));
}
ENN_INLINE enn_v4m enn_v4f_gt(enn_v4f a, enn_v4f b) { return a > b; }
ENN_INLINE enn_v4m enn_v4f_eq(enn_v4f a, enn_v4f b) { return a == b; }
ENN_INLINE enn_v4f enn_v4f_max(enn_v4f a, enn_v4f b) { return enn_v4f_select(b > a, b, a); }
ENN_INLINE enn_v4f enn_v4f_min(enn_v4f a, enn_v4f b) { return enn_v4f_select(a > b, b, a); }
ENN_INLINE enn_v4f enn_v4f_sqrt(enn_v4f a) {
  return (enn_v4f){__builtin_sqrtf(a[0]), __builtin_sqrtf(a[1]), __builtin_sqrtf(a[2]),
                   __builtin_sqrtf(a[3])};
}
ENN_INLINE enn_v4i enn_v4i_splat(int32_t a) { return (enn_v4i){a, a, a, a}; }
ENN_INLINE enn_v4i enn_v4i_add(enn_v4i a, enn_v4i b) {
  return (enn_v4i)((enn_v4u)a + (enn_v4u)b);
}
ENN_INLINE enn_v4i enn_v4i_sub(enn_v4i a, enn_v4i b) {
  return (enn_v4i)((enn_v4u)a - (enn_v4u)b);
}
ENN_INLINE enn_v4i enn_v4i_half(enn_v4i a) { return a >> 1; }
ENN_INLINE enn_v4i enn_v4i_shl23(enn_v4i a) { return (enn_v4i)((enn_v4u)a << 23); }
ENN_INLINE enn_v4i enn_v4i_xor(enn_v4i a, enn_v4i b) { return a ^ b; }
ENN_INLINE enn_v4i enn_v4i_load(const void *p) {
  enn_v4i a;
  __builtin_memcpy(&a, p, sizeof a);
  return a;
}
ENN_INLINE void enn_v4i_store(void *p, enn_v4i a) { __builtin_memcpy(p, &a, sizeof a); }

/* The upper and lower 32 bits of the products of numbers without sign. */
ENN_INLINE enn_v4i enn_v4i_mul_wide(enn_v4i a, enn_v4i b, enn_v4i *low) {
  const enn_v4u x = (enn_v4u)a, y = (enn_v4u)b;
  enn_v4u high;
  for (int i = 0; i < 4; i++) high[i] = (uint32_t)((uint64_t)x[i] * y[i] >> 32);
  *low = (enn_v4i)(x * y);
  return (enn_v4i)high;
}

ENN_INLINE enn_v4i enn_v4f_bits(enn_v4f a) { return (enn_v4i)a; }
ENN_INLINE enn_v4f enn_v4f_from_bits(enn_v4i a) { return (enn_v4f)a; }
ENN_INLINE enn_v4f enn_v4f_abs(enn_v4f a) {
  return (enn_v4f)((enn_v4i)a & enn_v4i_splat(0x7fffffff));
}
ENN_INLINE float enn_v4f_first(enn_v4f a) { return a[0]; }

/* The first n (1..3) floats; the other lanes are 0. Reads nothing beyond them. */
ENN_INLINE enn_v4f enn_v4f_load_n(const float *p, int32_t n) {
  return (enn_v4f){p[0], n > 1 ? p[1] : 0.0f, n > 2 ? p[2] : 0.0f, 0.0f};
}

/* Stores the first n (1..3) lanes. */
ENN_INLINE void enn_v4f_store_n(float *p, enn_v4f a, int32_t n) {
  p[0] = a[0];
  if (n > 1) p[1] = a[1];
  if (n > 2) p[2] = a[2];
}

#endif

ENN_INLINE enn_v4f enn_v4f_zero(void) { return enn_v4f_splat(0.0f); }

/* a * b + c, each rounded. */
ENN_INLINE enn_v4f enn_v4f_muladd(enn_v4f a, enn_v4f b, enn_v4f c) {
  return enn_v4f_add(enn_v4f_mul(a, b), c);
}

/* As the two above, for any n: all four lanes from n = 4 on. */
ENN_INLINE enn_v4f enn_v4f_load_upto(const float *p, int32_t n) {
  return n >= 4 ? enn_v4f_load(p) : enn_v4f_load_n(p, n);
}
ENN_INLINE void enn_v4f_store_upto(float *p, enn_v4f a, int32_t n) {
  if (n >= 4) {
    enn_v4f_store(p, a);
  } else {
    enn_v4f_store_n(p, a, n);
  }
}

#endif
