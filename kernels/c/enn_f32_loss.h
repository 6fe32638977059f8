/*
 * enn_f32_loss.h: softmax, losses and their gradients. Rows are x[rows][columns].
 *
 * A loss is summed per row from left to right, rows in 8 shards of the batch.
 */
#ifndef ENN_F32_LOSS_H
#define ENN_F32_LOSS_H

#include "enn_f32_math.h"

typedef struct {
  int32_t rows, columns;
  float count; /* what a sum is divided by: rows, elements, or 1 */
} enn_f32_table;

ENN_INLINE float enn_f32_row_max(const float *x, int32_t n) {
  float best = x[0];
  for (int32_t i = 1; i < n; i++) best = best < x[i] ? x[i] : best;
  return best;
}

/* y = exp(x - max); returns their sum. */
ENN_INLINE float enn_f32_row_exp(const float *x, float best, int32_t n, float *y) {
  const enn_vf top = enn_vf_splat(best);
  for (int32_t i = 0; i < n; i += ENN_LANES) {
    const enn_vf d = enn_vf_sub(enn_vf_load_upto(x + i, n - i), top);
    enn_vf_store_upto(y + i, enn_vf_exp(d), n - i);
  }
  float sum = 0.0f;
  for (int32_t i = 0; i < n; i++) sum += y[i];
  return sum;
}

ENN_INLINE void enn_f32_row_softmax(const float *x, int32_t n, float *y) {
  const float sum = enn_f32_row_exp(x, enn_f32_row_max(x, n), n, y);
  for (int32_t i = 0; i < n; i++) y[i] /= sum;
}

ENN_INLINE void enn_softmax_f32(const enn_f32_table *p, const float *x, float *y) {
  for (int32_t r = 0; r < p->rows; r++) {
    enn_f32_row_softmax(x + (intptr_t)r * p->columns, p->columns, y + (intptr_t)r * p->columns);
  }
}

/* dx = y (dy - sum of y dy) */
ENN_INLINE void enn_softmax_grad_f32(const enn_f32_table *p, const float *y, const float *dy,
                                     float *dx) {
  for (int32_t r = 0; r < p->rows; r++) {
    const intptr_t at = (intptr_t)r * p->columns;
    float sum = 0.0f;
    for (int32_t i = 0; i < p->columns; i++) sum += y[at + i] * dy[at + i];
    for (int32_t i = 0; i < p->columns; i++) dx[at + i] = y[at + i] * (dy[at + i] - sum);
  }
}

/* The shards' sums in their fixed order, divided by the count. */
ENN_INLINE float enn_f32_finish(const enn_f32_table *p, const float sums[ENN_SHARDS]) {
  const float left = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  const float right = (sums[4] + sums[5]) + (sums[6] + sums[7]);
  return (left + right) / p->count;
}

/* A class that does not exist costs NaN, so that it is seen. */
ENN_INLINE void enn_softmax_cross_entropy_f32(const enn_f32_table *p, const float *logits,
                                              const int32_t *labels, float *scratch, float *loss) {
  float sums[ENN_SHARDS];
  for (int32_t shard = 0; shard < ENN_SHARDS; shard++) {
    const int32_t end = enn_shard_first(p->rows, shard + 1);
    sums[shard] = 0.0f;
    for (int32_t r = enn_shard_first(p->rows, shard); r < end; r++) {
      const float *x = logits + (intptr_t)r * p->columns;
      const float best = enn_f32_row_max(x, p->columns);
      const float sum = enn_f32_row_exp(x, best, p->columns, scratch);
      const int known = labels[r] >= 0 && labels[r] < p->columns;
      const float picked = known ? x[labels[r]] : __builtin_nanf("");
      sums[shard] += enn_logf(sum) - (picked - best);
    }
  }
  *loss = enn_f32_finish(p, sums);
}

ENN_INLINE int32_t enn_softmax_cross_entropy_f32_scratch(const enn_f32_table *p) {
  return p->columns;
}

/* dx = dloss (softmax(logits) - onehot(labels)) / count */
ENN_INLINE void enn_softmax_cross_entropy_grad_f32(const enn_f32_table *p, const float *logits,
                                                   const int32_t *labels, const float *dloss,
                                                   float *dx) {
  const float factor = *dloss / p->count;
  for (int32_t r = 0; r < p->rows; r++) {
    float *row = dx + (intptr_t)r * p->columns;
    enn_f32_row_softmax(logits + (intptr_t)r * p->columns, p->columns, row);
    if (labels[r] >= 0 && labels[r] < p->columns) row[labels[r]] -= 1.0f;
    for (int32_t i = 0; i < p->columns; i++) row[i] *= factor;
  }
}

ENN_INLINE int32_t enn_soft_cross_entropy_f32_scratch(const enn_f32_table *p) {
  return p->columns;
}

/* -sum of target log softmax(logits), for targets that are distributions. */
ENN_INLINE void enn_soft_cross_entropy_f32(const enn_f32_table *p, const float *logits,
                                           const float *target, float *scratch, float *loss) {
  float sums[ENN_SHARDS];
  for (int32_t shard = 0; shard < ENN_SHARDS; shard++) {
    const int32_t end = enn_shard_first(p->rows, shard + 1);
    sums[shard] = 0.0f;
    for (int32_t r = enn_shard_first(p->rows, shard); r < end; r++) {
      const float *x = logits + (intptr_t)r * p->columns;
      const float *t = target + (intptr_t)r * p->columns;
      const float best = enn_f32_row_max(x, p->columns);
      const float top = enn_logf(enn_f32_row_exp(x, best, p->columns, scratch));
      for (int32_t i = 0; i < p->columns; i++) sums[shard] += t[i] * (top - (x[i] - best));
    }
  }
  *loss = enn_f32_finish(p, sums);
}

/* dx = dloss (softmax(logits) sum of target - target) / count */
ENN_INLINE void enn_soft_cross_entropy_grad_f32(const enn_f32_table *p, const float *logits,
                                                const float *target, const float *dloss,
                                                float *dx) {
  const float factor = *dloss / p->count;
  for (int32_t r = 0; r < p->rows; r++) {
    const float *t = target + (intptr_t)r * p->columns;
    float *row = dx + (intptr_t)r * p->columns;
    float sum = 0.0f;
    for (int32_t i = 0; i < p->columns; i++) sum += t[i];
    enn_f32_row_softmax(logits + (intptr_t)r * p->columns, p->columns, row);
    for (int32_t i = 0; i < p->columns; i++) row[i] = factor * (row[i] * sum - t[i]);
  }
}

typedef enum { ENN_SIGMOID_CROSS_ENTROPY, ENN_SQUARES } enn_f32_loss_kind;

/* max(x, 0) - x z + log(1 + e^-|x|) = softplus(x) - x z, or (x - z)^2 */
ENN_INLINE enn_vf enn_f32_cost(enn_f32_loss_kind kind, enn_vf x, enn_vf z) {
  if (kind == ENN_SIGMOID_CROSS_ENTROPY) {
    return enn_vf_sub(enn_vf_softplus(x), enn_vf_mul(x, z));
  }
  const enn_vf d = enn_vf_sub(x, z);
  return enn_vf_mul(d, d);
}

ENN_INLINE float enn_f32_element_loss(const enn_f32_table *p, enn_f32_loss_kind kind,
                                      const float *x, const float *target) {
  float sums[ENN_SHARDS];
  for (int32_t shard = 0; shard < ENN_SHARDS; shard++) {
    const int32_t end = enn_shard_first(p->rows, shard + 1);
    sums[shard] = 0.0f;
    for (int32_t r = enn_shard_first(p->rows, shard); r < end; r++) {
      for (int32_t i = 0; i < p->columns; i += ENN_LANES) {
        const int32_t lanes = p->columns - i < ENN_LANES ? p->columns - i : ENN_LANES;
        const intptr_t at = (intptr_t)r * p->columns + i;
        float cost[ENN_LANES];
        enn_vf_store(cost, enn_f32_cost(kind, enn_vf_load_upto(x + at, lanes),
                                         enn_vf_load_upto(target + at, lanes)));
        for (int32_t l = 0; l < lanes; l++) sums[shard] += cost[l];
      }
    }
  }
  return enn_f32_finish(p, sums);
}

ENN_INLINE void enn_sigmoid_cross_entropy_f32(const enn_f32_table *p, const float *x,
                                              const float *target, float *loss) {
  *loss = enn_f32_element_loss(p, ENN_SIGMOID_CROSS_ENTROPY, x, target);
}

/* meanSquares with count = elements, sumSquares with count = 1. */
ENN_INLINE void enn_squares_f32(const enn_f32_table *p, const float *x, const float *target,
                                float *loss) {
  *loss = enn_f32_element_loss(p, ENN_SQUARES, x, target);
}

/* dx = dloss (sigmoid(x) - target) / count */
ENN_INLINE void enn_sigmoid_cross_entropy_grad_f32(const enn_f32_table *p, const float *x,
                                                   const float *target, const float *dloss,
                                                   float *dx) {
  const enn_vf factor = enn_vf_splat(*dloss / p->count);
  const int32_t n = p->rows * p->columns;
  for (int32_t i = 0; i < n; i += ENN_LANES) {
    const enn_vf s = enn_vf_sigmoid(enn_vf_load_upto(x + i, n - i));
    const enn_vf d = enn_vf_sub(s, enn_vf_load_upto(target + i, n - i));
    enn_vf_store_upto(dx + i, enn_vf_mul(d, factor), n - i);
  }
}

#endif
