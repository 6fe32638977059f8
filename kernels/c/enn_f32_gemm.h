/*
 * enn_f32_gemm.h: the tile that all matrix products and convolutions are made of, and matmul.
 *
 * A tile is 4 rows by 8 columns of the result in registers; columns lie along the lanes. Each
 * element is one chain acc = acc + a * b over ascending k, so the result does not depend on how
 * the work is cut into tiles.
 *
 * B is packed in panels of 8 columns, [ceil(N / 8)][K][8], the last one filled up with zeros.
 */
#ifndef ENN_F32_GEMM_H
#define ENN_F32_GEMM_H

#include "enn_f32_math.h"

#define ENN_PANEL 8

typedef struct {
  enn_v4f v[4][2];
} enn_f32_tile;

/* Where the four rows of A begin. */
typedef struct {
  const float *row[4];
} enn_f32_rows;

ENN_INLINE void enn_f32_tile_set(enn_f32_tile *t, enn_v4f left, enn_v4f right) {
  for (int i = 0; i < 4; i++) {
    t->v[i][0] = left;
    t->v[i][1] = right;
  }
}

/* t += a b over `count` steps of k; `as` and `bs` are the floats from one k to the next. */
ENN_INLINE void enn_f32_tile_mac(enn_f32_tile *t, const enn_f32_rows *a, intptr_t as,
                                 const float *b, intptr_t bs, int32_t count) {
  enn_f32_tile acc = *t;
  const float *a0 = a->row[0], *a1 = a->row[1], *a2 = a->row[2], *a3 = a->row[3];
  for (int32_t k = 0; k < count; k++) {
    const enn_v4f b0 = enn_v4f_load(b), b1 = enn_v4f_load(b + 4);
    enn_v4f s = enn_v4f_load_splat(a0);
    acc.v[0][0] = enn_v4f_muladd(s, b0, acc.v[0][0]);
    acc.v[0][1] = enn_v4f_muladd(s, b1, acc.v[0][1]);
    s = enn_v4f_load_splat(a1);
    acc.v[1][0] = enn_v4f_muladd(s, b0, acc.v[1][0]);
    acc.v[1][1] = enn_v4f_muladd(s, b1, acc.v[1][1]);
    s = enn_v4f_load_splat(a2);
    acc.v[2][0] = enn_v4f_muladd(s, b0, acc.v[2][0]);
    acc.v[2][1] = enn_v4f_muladd(s, b1, acc.v[2][1]);
    s = enn_v4f_load_splat(a3);
    acc.v[3][0] = enn_v4f_muladd(s, b0, acc.v[3][0]);
    acc.v[3][1] = enn_v4f_muladd(s, b1, acc.v[3][1]);
    a0 += as;
    a1 += as;
    a2 += as;
    a3 += as;
    b += bs;
  }
  *t = acc;
}

/* Stores `rows` rows (1..4) of `columns` columns (1..8); `ys` floats from row to row. */
ENN_INLINE void enn_f32_tile_store(const enn_f32_tile *t, float *y, intptr_t ys, int32_t rows,
                                   int32_t columns) {
  for (int32_t i = 0; i < rows; i++) {
    float *to = y + i * ys;
    if (columns >= ENN_PANEL) {
      enn_v4f_store(to, t->v[i][0]);
      enn_v4f_store(to + 4, t->v[i][1]);
    } else {
      enn_v4f_store_upto(to, t->v[i][0], columns);
      if (columns > 4) enn_v4f_store_n(to + 4, t->v[i][1], columns - 4);
    }
  }
}

/* The sum of two tiles. */
ENN_INLINE void enn_f32_tile_add(enn_f32_tile *into, const enn_f32_tile *from) {
  for (int i = 0; i < 4; i++) {
    into->v[i][0] = enn_v4f_add(into->v[i][0], from->v[i][0]);
    into->v[i][1] = enn_v4f_add(into->v[i][1], from->v[i][1]);
  }
}

/* The panel of the bias that belongs to columns j.., or zeros. */
ENN_INLINE void enn_f32_tile_bias(enn_f32_tile *t, const float *bias, int32_t j, int32_t n) {
  enn_v4f left = enn_v4f_zero(), right = enn_v4f_zero();
  if (bias) {
    left = enn_v4f_load_upto(bias + j, n - j);
    if (n - j > 4) right = enn_v4f_load_upto(bias + j + 4, n - j - 4);
  }
  enn_f32_tile_set(t, left, right);
}

/* Floats of B[k][n] packed. */
ENN_INLINE int32_t enn_f32_packed_size(int32_t k, int32_t n) {
  return (n + ENN_PANEL - 1) / ENN_PANEL * ENN_PANEL * k;
}

/* Packs B[k][n], whose element (k, j) lies at b[k * ks + j * js]. */
ENN_INLINE void enn_f32_pack(const float *b, intptr_t ks, intptr_t js, int32_t k, int32_t n,
                             float *packed) {
  for (int32_t j = 0; j < n; j += ENN_PANEL) {
    const int32_t width = n - j < ENN_PANEL ? n - j : ENN_PANEL;
    for (int32_t i = 0; i < k; i++) {
      const float *from = b + i * ks + j * js;
      for (int32_t l = 0; l < width; l++) packed[l] = from[l * js];
      for (int32_t l = width; l < ENN_PANEL; l++) packed[l] = 0.0f;
      packed += ENN_PANEL;
    }
  }
}

typedef struct {
  int32_t m, k, n;      /* y[m][n] = a[m][k] b[k][n] + bias[n] */
  int32_t a_row, a_k;   /* a's element (i, k) lies at a[i * a_row + k * a_k] */
  int32_t b_k, b_col;   /* b's element (k, j) lies at b[k * b_k + j * b_col] */
  int32_t sharded;      /* k is the batch: its sum is taken in 8 shards */
} enn_f32_matmul;

/* Floats of scratch of enn_matmul_f32. */
ENN_INLINE int32_t enn_matmul_f32_scratch(const enn_f32_matmul *p) {
  return enn_f32_packed_size(p->k, p->n);
}

ENN_INLINE void enn_f32_tile_sharded(enn_f32_tile *t, const enn_f32_rows *a, intptr_t as,
                                     const float *b, int32_t k) {
  enn_f32_tile levels[ENN_SHARD_LEVELS];
  int32_t top = 0;
  for (int32_t shard = 0; shard < ENN_SHARDS; shard++) {
    const int32_t first = enn_shard_first(k, shard);
    const int32_t count = enn_shard_first(k, shard + 1) - first;
    enn_f32_rows rows;
    for (int i = 0; i < 4; i++) rows.row[i] = a->row[i] + first * as;
    enn_f32_tile_set(t, enn_v4f_zero(), enn_v4f_zero());
    enn_f32_tile_mac(t, &rows, as, b + (intptr_t)first * ENN_PANEL, ENN_PANEL, count);
    levels[top] = *t;
    for (int32_t s = shard; (s & 1) != 0; s >>= 1, top--) {
      enn_f32_tile_add(&levels[top - 1], &levels[top]);
    }
    top++;
  }
  *t = levels[0];
}

/* y = a b + bias; bias may be null. */
ENN_INLINE void enn_matmul_f32(const enn_f32_matmul *p, const float *a, const float *b,
                               const float *bias, float *scratch, float *y) {
  enn_f32_pack(b, p->b_k, p->b_col, p->k, p->n, scratch);
  for (int32_t j = 0; j < p->n; j += ENN_PANEL) {
    const float *panel = scratch + (intptr_t)j * p->k;
    enn_f32_tile bias_tile;
    enn_f32_tile_bias(&bias_tile, bias, j, p->n);
    for (int32_t i = 0; i < p->m; i += 4) {
      const int32_t rows = p->m - i < 4 ? p->m - i : 4;
      enn_f32_rows at;
      for (int r = 0; r < 4; r++) {
        at.row[r] = a + (intptr_t)(i + (r < rows ? r : 0)) * p->a_row;
      }
      enn_f32_tile t = bias_tile;
      if (p->sharded) {
        enn_f32_tile_sharded(&t, &at, p->a_k, panel, p->k);
      } else if (p->a_k == 1) {
        enn_f32_tile_mac(&t, &at, 1, panel, ENN_PANEL, p->k);
      } else {
        enn_f32_tile_mac(&t, &at, p->a_k, panel, ENN_PANEL, p->k);
      }
      enn_f32_tile_store(&t, y + (intptr_t)i * p->n + j, p->n, rows, p->n - j);
    }
  }
}

#endif
