/*
 * enn_f32_moments.h: mean and population variance of every channel over all rows x[rows][channels],
 * in one pass over memory.
 *
 * A block of rows is read twice while it lies in the cache: its sum, then the squares of what is
 * left without its mean. Blocks, and in the end the shards, are put together by
 *   mean = mean_a + d n_b / (n_a + n_b),  M2 = M2_a + M2_b + d^2 n_a n_b / (n_a + n_b),
 * d = mean_b - mean_a (Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for
 * computing sample variances", 1979).
 */
#ifndef ENN_F32_MOMENTS_H
#define ENN_F32_MOMENTS_H

#include "enn_f32_math.h"

/*
 * to[j] += the sum of x[r][j] over rows; with a centre, of (x[r][j] - centre[j])^2. Rows ascend.
 * Four vectors of columns at a time stay in registers.
 */
ENN_INLINE void enn_f32_columns_sum(const float *x, const float *centre, int32_t rows,
                                    int32_t width, float *to) {
  int32_t j = 0;
  for (; j + 4 * ENN_LANES <= width; j += 4 * ENN_LANES) {
    enn_vf sum[4], c[4];
    for (int i = 0; i < 4; i++) {
      sum[i] = enn_vf_load(to + j + i * ENN_LANES);
      c[i] = centre ? enn_vf_load(centre + j + i * ENN_LANES) : enn_vf_zero();
    }
    const float *row = x + j;
    for (int32_t r = 0; r < rows; r++, row += width) {
      for (int i = 0; i < 4; i++) {
        const enn_vf a = enn_vf_load(row + i * ENN_LANES), d = centre ? enn_vf_sub(a, c[i]) : a;
        sum[i] = centre ? enn_vf_muladd(d, d, sum[i]) : enn_vf_add(sum[i], a);
      }
    }
    for (int i = 0; i < 4; i++) enn_vf_store(to + j + i * ENN_LANES, sum[i]);
  }
  for (; j < width; j += ENN_LANES) {
    const int32_t lanes = width - j;
    enn_vf sum = enn_vf_load_upto(to + j, lanes);
    const enn_vf c = centre ? enn_vf_load_upto(centre + j, lanes) : enn_vf_zero();
    const float *row = x + j;
    for (int32_t r = 0; r < rows; r++, row += width) {
      const enn_vf a = enn_vf_load_upto(row, lanes), d = centre ? enn_vf_sub(a, c) : a;
      sum = centre ? enn_vf_muladd(d, d, sum) : enn_vf_add(sum, a);
    }
    enn_vf_store_upto(to + j, sum, lanes);
  }
}

/* Narrow rows are taken several side by side: how many, so that four vectors of 16 are full. */
ENN_INLINE int32_t enn_f32_side_by_side(int32_t channels) {
  return channels >= 64 ? 1 : 64 / channels;
}

/* to[c] = the sum of the `copies` sums that lie side by side. */
ENN_INLINE void enn_f32_fold(const float *from, int32_t copies, int32_t channels, float *to) {
  for (int32_t c = 0; c < channels; c++) {
    float sum = from[c];
    for (int32_t k = 1; k < copies; k++) sum += from[k * channels + c];
    to[c] = sum;
  }
}

typedef struct {
  int32_t rows, channels;
  int32_t batch; /* rows = batch * rows of one image */
} enn_f32_moments;

/* Floats of scratch of one part: mean and M2 of the shard; of a block: sums side by side, mean side
 * by side, mean and M2. */
ENN_INLINE int32_t enn_f32_moments_part(const enn_f32_moments *p) {
  return (4 + 2 * enn_f32_side_by_side(p->channels)) * p->channels;
}

ENN_INLINE int32_t enn_moments_f32_scratch(const enn_f32_moments *p) {
  return ENN_SHARDS * enn_f32_moments_part(p);
}

/* Puts the moments of n_b rows to those of n_a. */
ENN_INLINE void enn_f32_moments_join(float *mean, float *m2, const float *mean_b,
                                     const float *m2_b, int32_t channels, float n_a, float n_b) {
  if (n_b == 0.0f) return;
  const enn_vf part = enn_vf_splat(n_b / (n_a + n_b));
  const enn_vf weight = enn_vf_splat(n_a * (n_b / (n_a + n_b)));
  for (int32_t c = 0; c < channels; c += ENN_LANES) {
    const int32_t lanes = channels - c;
    const enn_vf a = enn_vf_load_upto(mean + c, lanes);
    const enn_vf d = enn_vf_sub(enn_vf_load_upto(mean_b + c, lanes), a);
    const enn_vf both =
        enn_vf_add(enn_vf_load_upto(m2 + c, lanes), enn_vf_load_upto(m2_b + c, lanes));
    enn_vf_store_upto(mean + c, enn_vf_muladd(d, part, a), lanes);
    enn_vf_store_upto(m2 + c, enn_vf_muladd(enn_vf_mul(d, d), weight, both), lanes);
  }
}

/* Mean and M2 of `rows` rows in `sums` of the scratch of a part. */
ENN_INLINE void enn_f32_moments_block(const float *x, int32_t rows, int32_t channels, float *room,
                                      float *mean, float *m2) {
  const int32_t copies = enn_f32_side_by_side(channels), width = copies * channels;
  const int32_t whole = rows / copies, rest = (rows - whole * copies) * channels;
  const float *tail = x + (intptr_t)whole * width;
  float *centre = room + width;
  for (int32_t i = 0; i < width; i++) room[i] = 0.0f;
  enn_f32_columns_sum(x, 0, whole, width, room);
  enn_f32_columns_sum(tail, 0, 1, rest, room);
  enn_f32_fold(room, copies, channels, mean);
  for (int32_t c = 0; c < channels; c++) mean[c] /= (float)rows;
  for (int32_t i = 0; i < width; i++) centre[i] = mean[i % channels];
  for (int32_t i = 0; i < width; i++) room[i] = 0.0f;
  enn_f32_columns_sum(x, centre, whole, width, room);
  enn_f32_columns_sum(tail, centre, 1, rest, room);
  enn_f32_fold(room, copies, channels, m2);
}

ENN_INLINE void enn_f32_moments_shard(const enn_f32_moments *p, const float *x, float *own,
                                      int32_t first, int32_t end) {
  const int32_t channels = p->channels;
  float *mean = own, *m2 = mean + channels, *block_mean = m2 + channels;
  float *block_m2 = block_mean + channels, *room = block_m2 + channels;
  const int32_t most = channels < 64 ? 64 / channels * 64 : 1 + 4096 / channels;
  for (int32_t i = 0; i < 2 * channels; i++) own[i] = 0.0f;
  for (int32_t r = first; r < end; r += most) {
    const int32_t rows = end - r < most ? end - r : most;
    enn_f32_moments_block(x + (intptr_t)r * channels, rows, channels, room, block_mean, block_m2);
    enn_f32_moments_join(mean, m2, block_mean, block_m2, channels, (float)(r - first),
                         (float)rows);
  }
}

/* Two phases: the shards; the shards put together as a tree. Outputs are [channels]. */
ENN_INLINE void enn_moments_f32(const enn_f32_moments *p, const float *x, float *scratch,
                                float *mean, float *variance, int32_t part, int32_t phase) {
  const int32_t image = p->rows / p->batch, channels = p->channels;
  const intptr_t size = enn_f32_moments_part(p);
  if (phase == 0) {
    enn_f32_moments_shard(p, x, scratch + part * size, enn_shard_first(p->batch, part) * image,
                          enn_shard_first(p->batch, part + 1) * image);
    return;
  }
  if (part > 0) return;
  for (int32_t step = 1; step < ENN_SHARDS; step *= 2) {
    for (int32_t s = 0; s < ENN_SHARDS; s += 2 * step) {
      float *a = scratch + s * size;
      const float *b = a + step * size;
      const int32_t first = enn_shard_first(p->batch, s);
      const int32_t middle = enn_shard_first(p->batch, s + step);
      const int32_t end = enn_shard_first(p->batch, s + 2 * step);
      enn_f32_moments_join(a, a + channels, b, b + channels, channels,
                           (float)((middle - first) * image), (float)((end - middle) * image));
    }
  }
  for (int32_t c = 0; c < channels; c++) {
    mean[c] = scratch[c];
    variance[c] = scratch[channels + c] / (float)p->rows;
  }
}

#endif
