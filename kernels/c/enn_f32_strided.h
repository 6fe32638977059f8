/*
 * enn_f32_strided.h: ops over arrays of up to six dimensions with strides: arithmetic with
 * broadcasting, strided copies, reductions. The host merges dimensions where it can and fills up
 * with dimensions of 1.
 */
#ifndef ENN_F32_STRIDED_H
#define ENN_F32_STRIDED_H

#include "enn_f32_math.h"

#define ENN_RANK 6
#define ENN_LAST (ENN_RANK - 1)

typedef struct {
  int32_t dims[ENN_RANK];
  int32_t a[ENN_RANK]; /* strides of the first array, in elements */
  int32_t b[ENN_RANK]; /* strides of the second */
} enn_f32_strided;

/* Calls `row(offset in a, offset in b)` for every index of the first five dimensions, ascending. */
#define ENN_FOR_ROWS(p, at_a, at_b, body)                                                   \
  for (int32_t i0 = 0; i0 < (p)->dims[0]; i0++)                                             \
    for (int32_t i1 = 0; i1 < (p)->dims[1]; i1++)                                           \
      for (int32_t i2 = 0; i2 < (p)->dims[2]; i2++)                                         \
        for (int32_t i3 = 0; i3 < (p)->dims[3]; i3++)                                       \
          for (int32_t i4 = 0; i4 < (p)->dims[4]; i4++) {                                   \
            const intptr_t at_a = (intptr_t)i0 * (p)->a[0] + (intptr_t)i1 * (p)->a[1] +     \
                                  (intptr_t)i2 * (p)->a[2] + (intptr_t)i3 * (p)->a[3] +     \
                                  (intptr_t)i4 * (p)->a[4];                                 \
            const intptr_t at_b = (intptr_t)i0 * (p)->b[0] + (intptr_t)i1 * (p)->b[1] +     \
                                  (intptr_t)i2 * (p)->b[2] + (intptr_t)i3 * (p)->b[3] +     \
                                  (intptr_t)i4 * (p)->b[4];                                 \
            body                                                                            \
          }

/* The lanes of an operand whose last stride is 1, or 0 for one value in all lanes. */
ENN_INLINE enn_vf enn_f32_operand(const float *x, int32_t i, int32_t stride, int32_t lanes) {
  return stride == 0 ? enn_vf_splat(*x) : enn_vf_load_upto(x + i, lanes);
}

/* 1 where a = b, else 0. */
ENN_INLINE enn_vf enn_vf_same(enn_vf a, enn_vf b) {
  return enn_vf_select(enn_vf_eq(a, b), enn_vf_splat(1.0f), enn_vf_zero());
}

/* y, of shape dims and dense, = a op b. y may be an operand that is dense too. */
#define ENN_BINARY(name, function)                                                            \
  ENN_INLINE void enn_##name##_f32(const enn_f32_strided *p, const float *a, const float *b,  \
                                   float *y) {                                                \
    const int32_t n = p->dims[ENN_LAST], sa = p->a[ENN_LAST], sb = p->b[ENN_LAST];            \
    ENN_FOR_ROWS(p, at_a, at_b, {                                                             \
      for (int32_t i = 0; i < n; i += ENN_LANES) {                                            \
        const enn_vf left = enn_f32_operand(a + at_a, i, sa, n - i);                          \
        const enn_vf right = enn_f32_operand(b + at_b, i, sb, n - i);                         \
        enn_vf_store_upto(y + i, function(left, right), n - i);                               \
      }                                                                                       \
      y += n;                                                                                 \
    })                                                                                        \
  }

ENN_BINARY(add, enn_vf_add)
ENN_BINARY(sub, enn_vf_sub)
ENN_BINARY(mul, enn_vf_mul)
ENN_BINARY(div, enn_vf_div)
ENN_BINARY(equal, enn_vf_same)
#undef ENN_BINARY

/* Copies 32-bit elements from a (strides a) to y (strides b). */
ENN_INLINE void enn_copy_b32(const enn_f32_strided *p, const uint32_t *a, uint32_t *y) {
  const int32_t n = p->dims[ENN_LAST];
  const intptr_t sa = p->a[ENN_LAST], sy = p->b[ENN_LAST];
  if (sa == 1 && sy == 1) {
    ENN_FOR_ROWS(p, at_a, at_y, {
      for (int32_t i = 0; i < n; i++) y[at_y + i] = a[at_a + i];
    })
    return;
  }
  ENN_FOR_ROWS(p, at_a, at_y, {
    for (int32_t i = 0; i < n; i++) y[at_y + i * sy] = a[at_a + i * sa];
  })
}

typedef struct {
  enn_f32_strided over; /* dims and strides a of x, strides b of y (0 along reduced axes) */
  int32_t outputs;      /* elements of y */
  int32_t sharded;      /* dims[0] is the batch and is reduced */
  float count;          /* elements that go into one output */
} enn_f32_reduce;

/* Floats of scratch of the reductions: a sum per shard, and the mean. */
ENN_INLINE int32_t enn_reduce_f32_scratch(const enn_f32_reduce *p) {
  return p->outputs * (ENN_SHARDS + 1);
}

/* y += x, or y += (x - mean)^2 where a mean is given, over indices [first, end) of dims[0]. */
ENN_INLINE void enn_f32_accumulate(const enn_f32_reduce *p, const float *x, const float *mean,
                                   int32_t first, int32_t end, float *y) {
  enn_f32_strided part = p->over;
  const int32_t n = part.dims[ENN_LAST], step = part.b[ENN_LAST];
  part.dims[0] = end - first;
  x += (intptr_t)first * part.a[0];
  y += (intptr_t)first * part.b[0];
  if (mean) mean += (intptr_t)first * part.b[0];
  for (int32_t i = 0; i < part.dims[0]; i++) {
    enn_f32_strided rest = part;
    rest.dims[0] = 1;
    const float *from = x + (intptr_t)i * part.a[0];
    float *to = y + (intptr_t)i * part.b[0];
    const float *centre = mean ? mean + (intptr_t)i * part.b[0] : to;
    ENN_FOR_ROWS(&rest, at_x, at_y, {
      if (step == 0) {
        float sum = to[at_y];
        for (int32_t k = 0; k < n; k++) {
          const float v = mean ? from[at_x + k] - centre[at_y] : from[at_x + k];
          sum += mean ? v * v : v;
        }
        to[at_y] = sum;
      } else {
        for (int32_t k = 0; k < n; k++) {
          const float v = mean ? from[at_x + k] - centre[at_y + k] : from[at_x + k];
          to[at_y + k] += mean ? v * v : v;
        }
      }
    })
  }
}

ENN_INLINE void enn_f32_set(float *y, int32_t n, float value) {
  for (int32_t i = 0; i < n; i++) y[i] = value;
}

/* One shard's sum into its own part of `sums`; what is not cut into shards is all in the first. */
ENN_INLINE void enn_f32_partial(const enn_f32_reduce *p, const float *x, const float *mean,
                                float *sums, int32_t shard) {
  const int32_t batch = p->over.dims[0];
  float *to = sums + (intptr_t)shard * p->outputs;
  if (!p->sharded && shard > 0) return;
  enn_f32_set(to, p->outputs, 0.0f);
  enn_f32_accumulate(p, x, mean, p->sharded ? enn_shard_first(batch, shard) : 0,
                     p->sharded ? enn_shard_first(batch, shard + 1) : batch, to);
}

/* y = the shards' sums together, divided. */
ENN_INLINE void enn_f32_together(const enn_f32_reduce *p, const float *sums, float divisor,
                                 float *y) {
  for (int32_t i = 0; i < p->outputs; i++) {
    const float sum = p->sharded ? enn_shards_sum(sums + i, p->outputs) : sums[i];
    y[i] = divisor == 1.0f ? sum : sum / divisor;
  }
}

/* Two phases: the shards, each a part of its own; their sum. */
ENN_INLINE void enn_total_f32(const enn_f32_reduce *p, float divisor, const float *x, float *scratch,
                              float *y, int32_t part, int32_t phase) {
  if (phase == 0) enn_f32_partial(p, x, 0, scratch, part);
  if (phase == 1 && part == 0) enn_f32_together(p, scratch, divisor, y);
}

/* mean((x - mean(x))^2) in four phases: the mean in two, the variance in two. */
ENN_INLINE void enn_variance_f32(const enn_f32_reduce *p, const float *x, float *scratch, float *y,
                                 int32_t part, int32_t phase) {
  float *mean = scratch + (intptr_t)p->outputs * ENN_SHARDS;
  if (phase < 2) enn_total_f32(p, p->count, x, scratch, mean, part, phase);
  if (phase == 2) enn_f32_partial(p, x, mean, scratch, part);
  if (phase == 3 && part == 0) enn_f32_together(p, scratch, p->count, y);
}

#endif
