/*
 * enn_f32_fft.h: discrete Fourier transforms y[k] = sum x[i] e^(-2 pi j i k / n) of any length.
 *
 * Lengths whose prime factors are at most 13 go through one pass per factor (Stockham's order: the
 * result needs no reordering; Van Loan, "Computational Frameworks for the FFT", 1992, section 1.7).
 * Other lengths are a circular convolution with a chirp (Bluestein, 1970), whose length is a power
 * of two. Numbers lie as two planes, real and imaginary; many transforms run side by side along
 * the lanes. Tables come from host/engine/kernels/fft-tables.ts.
 * Oracle: test/reference/reference.ts.
 */
#ifndef ENN_F32_FFT_H
#define ENN_F32_FFT_H

#include "enn_f32_math.h"

#define ENN_FFT_STAGES 16
#define ENN_FFT_RADIX 13

/* A length as the product of its factors, the passes in their order. */
typedef struct {
  int32_t n, stages, radix[ENN_FFT_STAGES];
} enn_f32_fft_length;

/* Real and imaginary parts. */
typedef struct {
  float *re, *im;
} enn_f32_complex;

typedef struct {
  enn_vf re, im;
} enn_vc;

ENN_INLINE enn_vc enn_vc_add(enn_vc a, enn_vc b) {
  return (enn_vc){enn_vf_add(a.re, b.re), enn_vf_add(a.im, b.im)};
}
ENN_INLINE enn_vc enn_vc_sub(enn_vc a, enn_vc b) {
  return (enn_vc){enn_vf_sub(a.re, b.re), enn_vf_sub(a.im, b.im)};
}
ENN_INLINE enn_vc enn_vc_mul(enn_vc a, enn_vc b) {
  return (enn_vc){enn_vf_sub(enn_vf_mul(a.re, b.re), enn_vf_mul(a.im, b.im)),
                   enn_vf_add(enn_vf_mul(a.re, b.im), enn_vf_mul(a.im, b.re))};
}
ENN_INLINE enn_vc enn_vc_splat(const float *pair) {
  return (enn_vc){enn_vf_splat(pair[0]), enn_vf_splat(pair[1])};
}
/* -j a */
ENN_INLINE enn_vc enn_vc_turn(enn_vc a) {
  return (enn_vc){a.im, enn_vf_sub(enn_vf_zero(), a.re)};
}
ENN_INLINE enn_vc enn_vc_scale(enn_vc a, float by) {
  const enn_vf factor = enn_vf_splat(by);
  return (enn_vc){enn_vf_mul(a.re, factor), enn_vf_mul(a.im, factor)};
}

/* One butterfly: the transform of r numbers, in place. `root` is the index of the r-th root of unity
 * among the roots of the whole length; `sign` is -1 where these are conjugates. */
ENN_INLINE void enn_f32_butterfly(enn_vc *a, int32_t r, const float *roots, int32_t root,
                                  float sign) {
  if (r == 2) {
    const enn_vc b = enn_vc_sub(a[0], a[1]);
    a[0] = enn_vc_add(a[0], a[1]);
    a[1] = b;
  } else if (r == 4) {
    const enn_vc s = enn_vc_add(a[0], a[2]), d = enn_vc_sub(a[0], a[2]);
    const enn_vc t = enn_vc_add(a[1], a[3]);
    const enn_vc e = enn_vc_scale(enn_vc_turn(enn_vc_sub(a[1], a[3])), sign);
    a[0] = enn_vc_add(s, t);
    a[1] = enn_vc_add(d, e);
    a[2] = enn_vc_sub(s, t);
    a[3] = enn_vc_sub(d, e);
  } else {
    /* Pairs (k, r - k): a sum that meets cosines and a difference that meets sines. */
    enn_vc out[ENN_FFT_RADIX];
    const int32_t half = r / 2;
    out[0] = a[0];
    for (int32_t k = 1; k <= half; k++) {
      const enn_vc s = enn_vc_add(a[k], a[r - k]);
      a[r - k] = enn_vc_sub(a[k], a[r - k]);
      a[k] = s;
      out[0] = enn_vc_add(out[0], s);
    }
    for (int32_t j = 1; j <= half; j++) {
      enn_vc even = a[0], odd = {enn_vf_zero(), enn_vf_zero()};
      for (int32_t k = 1; k <= half; k++) {
        const float *w = roots + 2 * (intptr_t)(j * k % r) * root;
        even = enn_vc_add(even, enn_vc_scale(a[k], w[0]));
        odd = enn_vc_add(odd, enn_vc_scale(a[r - k], -w[1]));
      }
      odd = enn_vc_turn(odd);
      out[j] = enn_vc_add(even, odd);
      out[r - j] = enn_vc_sub(even, odd);
    }
    for (int32_t j = 0; j < r; j++) a[j] = out[j];
  }
}

/* One butterfly of each of `count` (1..ENN_LANES) lanes: x[r] at distance m s, y[r] at distance s. */
ENN_INLINE void enn_f32_fft_lanes(enn_f32_complex x, intptr_t ms, enn_f32_complex y, intptr_t s,
                                  int32_t r, const float *roots, int32_t step, int32_t root,
                                  float sign, int32_t count) {
  enn_vc a[ENN_FFT_RADIX];
  for (int32_t j = 0; j < r; j++) {
    a[j].re = enn_vf_load_upto(x.re + j * ms, count);
    a[j].im = enn_vf_load_upto(x.im + j * ms, count);
  }
  enn_f32_butterfly(a, r, roots, root, sign);
  for (int32_t j = 0; j < r; j++) {
    if (j > 0 && step > 0) a[j] = enn_vc_mul(a[j], enn_vc_splat(roots + 2 * (intptr_t)j * step));
    enn_vf_store_upto(y.re + j * s, a[j].re, count);
    enn_vf_store_upto(y.im + j * s, a[j].im, count);
  }
}

/* One pass: y[q + s (r p + j)] = w^(j p) sum over k of x[q + s (p + m k)] e^(-2 pi j k / r). */
ENN_INLINE void enn_f32_fft_pass(enn_f32_complex x, enn_f32_complex y, int32_t n, int32_t left,
                                 intptr_t s, int32_t r, const float *roots, float sign) {
  const int32_t m = left / r;
  for (int32_t p = 0; p < m; p++) {
    const int32_t step = p * (n / left);
    for (intptr_t q = 0; q < s; q += ENN_LANES) {
      const enn_f32_complex from = {x.re + s * p + q, x.im + s * p + q};
      const enn_f32_complex to = {y.re + s * r * p + q, y.im + s * r * p + q};
      if (s - q >= ENN_LANES) {
        enn_f32_fft_lanes(from, s * m, to, s, r, roots, step, n / r, sign, ENN_LANES);
      } else {
        enn_f32_fft_lanes(from, s * m, to, s, r, roots, step, n / r, sign, (int32_t)(s - q));
      }
    }
  }
}

/*
 * The transforms of x[n][lanes] along n. `roots` are n pairs (cos, sin) of -2 pi k / n (of
 * 2 pi k / n with sign -1). x and `other` are both overwritten; returns the one with the result.
 */
static inline enn_f32_complex enn_f32_fft_run(const enn_f32_fft_length *p, const float *roots,
                                              float sign, intptr_t lanes, enn_f32_complex x,
                                              enn_f32_complex other) {
  int32_t left = p->n;
  intptr_t s = lanes;
  for (int32_t i = 0; i < p->stages; i++) {
    const int32_t r = p->radix[i];
    if (r == 4) {
      enn_f32_fft_pass(x, other, p->n, left, s, 4, roots, sign);
    } else if (r == 2) {
      enn_f32_fft_pass(x, other, p->n, left, s, 2, roots, sign);
    } else if (r == 3) {
      enn_f32_fft_pass(x, other, p->n, left, s, 3, roots, sign);
    } else if (r == 5) {
      enn_f32_fft_pass(x, other, p->n, left, s, 5, roots, sign);
    } else {
      enn_f32_fft_pass(x, other, p->n, left, s, r, roots, sign);
    }
    const enn_f32_complex done = other;
    other = x;
    x = done;
    left /= r;
    s *= r;
  }
  return x;
}

typedef struct {
  int32_t rows, n;
  float scale; /* 1, or 1 / n for the inverse */
  float sign;  /* 1, or -1 for the inverse */
  enn_f32_fft_length length; /* n itself, or the length of the convolution with the chirp */
  /* length.n roots (of the direction if length.n = n, else forward). If length.n is not n: n pairs
   * of the chirp e^(-pi j i^2 / n) (its conjugate for the inverse), then the transform of the
   * conjugate chirp over length.n, divided by length.n. */
  float tables[];
} enn_f32_fft;

ENN_INLINE int32_t enn_fft_f32_scratch(const enn_f32_fft *p) {
  return ENN_SHARDS * 4 * p->length.n;
}

/* y = a b, n pairs that lie in planes (a) and side by side (b). */
ENN_INLINE void enn_f32_fft_times(enn_f32_complex a, const float *b, int32_t n) {
  for (int32_t i = 0; i < n; i++) {
    const float re = a.re[i] * b[2 * i] - a.im[i] * b[2 * i + 1];
    a.im[i] = a.re[i] * b[2 * i + 1] + a.im[i] * b[2 * i];
    a.re[i] = re;
  }
}

/* The convolution with the chirp: of a, whose first n numbers are filled. */
ENN_INLINE enn_f32_complex enn_f32_fft_chirp(const enn_f32_fft *p, enn_f32_complex a,
                                             enn_f32_complex b) {
  const int32_t m = p->length.n;
  const float *chirp = p->tables + 2 * (intptr_t)m, *spectrum = chirp + 2 * (intptr_t)p->n;
  enn_f32_fft_times(a, chirp, p->n);
  for (int32_t i = p->n; i < m; i++) a.re[i] = a.im[i] = 0.0f;
  enn_f32_complex done = enn_f32_fft_run(&p->length, p->tables, 1.0f, 1, a, b);
  const enn_f32_complex other = done.re == a.re ? b : a;
  enn_f32_fft_times(done, spectrum, m);
  /* Real and imaginary parts exchanged before and after, a transform is its inverse. */
  done = enn_f32_fft_run(&p->length, p->tables, 1.0f, 1, (enn_f32_complex){done.im, done.re},
                         (enn_f32_complex){other.im, other.re});
  done = (enn_f32_complex){done.im, done.re};
  enn_f32_fft_times(done, chirp, p->n);
  return done;
}

/* x[rows][n][2], real and imaginary parts, to y of the same shape; parts are rows. */
ENN_INLINE void enn_fft_f32(const enn_f32_fft *p, const float *x, float *scratch, float *y,
                            int32_t part) {
  const int32_t m = p->length.n, end = enn_part_first(p->rows, 1, part + 1);
  scratch += (intptr_t)part * 4 * m;
  const enn_f32_complex a = {scratch, scratch + m};
  const enn_f32_complex b = {scratch + 2 * (intptr_t)m, scratch + 3 * (intptr_t)m};
  for (int32_t r = enn_part_first(p->rows, 1, part); r < end; r++) {
    const float *from = x + (intptr_t)r * p->n * 2;
    float *to = y + (intptr_t)r * p->n * 2;
    for (int32_t i = 0; i < p->n; i++) a.re[i] = from[2 * i], a.im[i] = from[2 * i + 1];
    const enn_f32_complex done = m == p->n
                                     ? enn_f32_fft_run(&p->length, p->tables, p->sign, 1, a, b)
                                     : enn_f32_fft_chirp(p, a, b);
    for (int32_t i = 0; i < p->n; i++) {
      to[2 * i] = done.re[i] * p->scale;
      to[2 * i + 1] = done.im[i] * p->scale;
    }
  }
}

#endif
