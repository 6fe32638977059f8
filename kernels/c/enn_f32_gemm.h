/*
 * enn_f32_gemm.h: the block that all matrix products and convolutions are made of, and matmul.
 *
 * A block is R rows by V vectors of columns of the result, in registers; columns lie along the
 * lanes. Each element is one chain acc = acc + a * b over ascending k, so the result does not
 * depend on how the work is cut into blocks.
 *
 * B is packed in panels of two vectors of columns, [K][2 * ENN_LANES], the last of one vector where
 * that is enough; what is beyond N is zeros. The panel of column j begins at j * K.
 */
#ifndef ENN_F32_GEMM_H
#define ENN_F32_GEMM_H

#include "enn_f32_math.h"

#define ENN_PANEL (2 * ENN_LANES)

/* How a block walks: k = (outer, inner, length), the last runs fastest. Steps are in floats. */
typedef struct {
  int32_t outer, inner, length;
  intptr_t outer_step, inner_step, k_step; /* of A along k */
  intptr_t row_step;                       /* of A from row to row of the result */
  intptr_t b_step;                         /* of B from k to k */
} enn_f32_walk;

/* Where the result goes: `columns` of it count; it begins at the values of `start`, or at 0. */
typedef struct {
  float *y;
  intptr_t y_step;
  const float *start; /* may be null; may be y */
  intptr_t start_step;
  int32_t columns;
} enn_f32_target;

#define ENN_EACH(R, V) \
  ENN_UNROLL for (int r = 0; r < R; r++) ENN_UNROLL for (int v = 0; v < V; v++)

/* One k of a block: p[r * rs] times a row of B. */
#define ENN_STEP(R, V, p, rs, b)                                                                \
  {                                                                                             \
    enn_vf columns[V];                                                                          \
    columns[0] = enn_vf_load(b);                                                                \
    if (V > 1) columns[V - 1] = enn_vf_load(b + ENN_LANES);                                     \
    ENN_UNROLL for (int r = 0; r < R; r++) {                                                    \
      const enn_vf s = enn_vf_splat(p[r * (rs)]);                                               \
      ENN_UNROLL for (int v = 0; v < V; v++) {                                                  \
        acc[r][v] = enn_vf_muladd(s, columns[v], acc[r][v]);                                    \
      }                                                                                         \
    }                                                                                           \
  }

/*
 * A piece of contiguous k. It stays one k to a turn: runtimes of WebAssembly put whole chains of
 * sums after one another where a turn has several, and then wait for each.
 */
#define ENN_PIECE(R, V, rs)                                                                     \
  for (int32_t k = 0; k < w->length; k++) {                                                     \
    ENN_STEP(R, V, p, rs, b)                                                                    \
    p += ks;                                                                                    \
    b += bs;                                                                                    \
  }

#define ENN_BLOCK(R, V)                                                                         \
  static __attribute__((noinline)) void enn_f32_block_##R##x##V(                                \
      const enn_f32_walk *w, const float *a, const float *b, const enn_f32_target *t) {         \
    enn_vf acc[R][V];                                                                           \
    const intptr_t rs = w->row_step, ks = w->k_step, bs = w->b_step;                            \
    const int whole = t->columns >= V * ENN_LANES;                                              \
    if (!t->start) {                                                                            \
      ENN_EACH(R, V) acc[r][v] = enn_vf_zero();                                                 \
    } else if (whole) {                                                                         \
      ENN_EACH(R, V) acc[r][v] = enn_vf_load(t->start + r * t->start_step + v * ENN_LANES);     \
    } else {                                                                                    \
      ENN_EACH(R, V) {                                                                          \
        acc[r][v] = enn_vf_load_upto(t->start + r * t->start_step + v * ENN_LANES,              \
                                     t->columns - v * ENN_LANES);                               \
      }                                                                                         \
    }                                                                                           \
    for (int32_t i = 0; i < w->outer; i++) {                                                    \
      for (int32_t j = 0; j < w->inner; j++) {                                                  \
        const float *p = a + i * w->outer_step + j * w->inner_step;                             \
        if (rs == 1) {                                                                   \
          ENN_PIECE(R, V, 1)                                                                    \
        } else {                                                                                \
          ENN_PIECE(R, V, rs)                                                                   \
        }                                                                                       \
      }                                                                                         \
    }                                                                                           \
    if (whole) {                                                                                \
      ENN_EACH(R, V) enn_vf_store(t->y + r * t->y_step + v * ENN_LANES, acc[r][v]);             \
    } else {                                                                                    \
      ENN_EACH(R, V) {                                                                          \
        enn_vf_store_upto(t->y + r * t->y_step + v * ENN_LANES, acc[r][v],                      \
                          t->columns - v * ENN_LANES);                                          \
      }                                                                                         \
    }                                                                                           \
  }

/* As many rows as the registers hold: 32 of them, or 16 (and WebAssembly's engines take one). */
#if ENN_LANES == 16 || defined(__aarch64__)
#define ENN_ROWS 12
ENN_BLOCK(12, 1)
ENN_BLOCK(12, 2)
ENN_BLOCK(8, 1)
ENN_BLOCK(8, 2)
#elif ENN_LANES == 8
#define ENN_ROWS 6
ENN_BLOCK(6, 1)
ENN_BLOCK(6, 2)
#else
#define ENN_ROWS 4
#endif
ENN_BLOCK(4, 1)
ENN_BLOCK(4, 2)
ENN_BLOCK(2, 1)
ENN_BLOCK(2, 2)
ENN_BLOCK(1, 1)
ENN_BLOCK(1, 2)

/* `rows` rows of a panel: the largest blocks that fit. */
static inline void enn_f32_rows_of_panel(const enn_f32_walk *w, const float *a, const float *b,
                                         const enn_f32_target *target, int32_t rows) {
  enn_f32_target t = *target;
  const int wide = t.columns > ENN_LANES;
  while (rows > 0) {
    int32_t done = 1;
#define ENN_USE(R)                                 \
  if (rows >= R) {                                 \
    if (wide) {                                    \
      enn_f32_block_##R##x2(w, a, b, &t);          \
    } else {                                       \
      enn_f32_block_##R##x1(w, a, b, &t);          \
    }                                              \
    done = R;                                      \
  } else
#if ENN_ROWS == 12
    ENN_USE(12) ENN_USE(8)
#elif ENN_ROWS == 6
    ENN_USE(6)
#endif
    ENN_USE(4) ENN_USE(2) ENN_USE(1) {}
#undef ENN_USE
    a += done * w->row_step;
    t.y += done * t.y_step;
    if (t.start) t.start += done * t.start_step;
    rows -= done;
  }
}

/* Columns of the panel that begins at column j, filled up to whole vectors. */
ENN_INLINE int32_t enn_f32_panel_width(int32_t n, int32_t j) {
  return n - j > ENN_LANES ? ENN_PANEL : ENN_LANES;
}

/* n filled up to whole vectors: the columns of all panels together. */
ENN_INLINE int32_t enn_f32_filled(int32_t n) {
  return (n + ENN_LANES - 1) / ENN_LANES * ENN_LANES;
}

/* Floats of B[k][n] packed. */
ENN_INLINE int32_t enn_f32_packed_size(int32_t k, int32_t n) { return enn_f32_filled(n) * k; }

/* A part of B's rows to be packed: `count` of them from `first`, of `k` in all. */
typedef struct {
  int32_t first, count, k;
} enn_f32_packed_rows;

/* Packs rows of B, whose element (first + i, j) lies at b[i * ks + j * js], of one panel. */
ENN_INLINE void enn_f32_pack_panel(const float *b, intptr_t ks, intptr_t js,
                                   const enn_f32_packed_rows *rows, int32_t n, int32_t j,
                                   float *packed) {
  const int32_t width = enn_f32_panel_width(n, j), used = n - j < width ? n - j : width;
  float *to = packed + (intptr_t)j * rows->k + (intptr_t)rows->first * width;
  for (int32_t i = 0; i < rows->count; i++) {
    const float *from = b + i * ks + j * js;
    for (int32_t l = 0; l < used; l++) to[l] = from[l * js];
    for (int32_t l = used; l < width; l++) to[l] = 0.0f;
    to += width;
  }
}

/* Packs the panels of B that are `part`'s. */
ENN_INLINE void enn_f32_pack(const float *b, intptr_t ks, intptr_t js, int32_t k, int32_t n,
                             float *packed, int32_t part) {
  const enn_f32_packed_rows all = {0, k, k};
  const int32_t end = enn_part_first(n, ENN_PANEL, part + 1);
  for (int32_t j = enn_part_first(n, ENN_PANEL, part); j < end; j += ENN_PANEL) {
    enn_f32_pack_panel(b, ks, js, &all, n, j, packed);
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

/* Up to ENN_ROWS rows of a panel whose k is the batch: every shard's sum, then all together. */
static inline void enn_f32_rows_sharded(const enn_f32_walk *all, const float *a, const float *b,
                                        const enn_f32_target *target, int32_t rows) {
  float sums[ENN_SHARDS * ENN_ROWS * ENN_PANEL];
  const intptr_t size = ENN_ROWS * ENN_PANEL;
  for (int32_t shard = 0; shard < ENN_SHARDS; shard++) {
    const int32_t first = enn_shard_first(all->length, shard);
    enn_f32_walk w = *all;
    w.length = enn_shard_first(all->length, shard + 1) - first;
    const enn_f32_target t = {sums + shard * size, ENN_PANEL, 0, 0,
                              target->columns < ENN_PANEL ? target->columns : ENN_PANEL};
    enn_f32_rows_of_panel(&w, a + first * w.k_step, b + first * w.b_step, &t, rows);
  }
  for (int32_t r = 0; r < rows; r++) {
    for (int32_t j = 0; j < target->columns && j < ENN_PANEL; j += ENN_LANES) {
      const int32_t lanes = target->columns - j;
      enn_vf_store_upto(target->y + r * target->y_step + j,
                        enn_shards_sums(sums + r * ENN_PANEL + j, size, lanes), lanes);
    }
  }
}

/*
 * y = a b + bias; bias may be null, and is where k is sharded. Two phases: packing, by panels; the
 * product, by rows.
 */
ENN_INLINE void enn_matmul_f32(const enn_f32_matmul *p, const float *a, const float *b,
                               const float *bias, float *scratch, float *y, int32_t part,
                               int32_t phase) {
  if (phase == 0) {
    enn_f32_pack(b, p->b_k, p->b_col, p->k, p->n, scratch, part);
    return;
  }
  const int32_t first = enn_part_first(p->m, ENN_ROWS, part);
  const int32_t end = enn_part_first(p->m, ENN_ROWS, part + 1);
  for (int32_t j = 0; j < p->n; j += ENN_PANEL) {
    const float *panel = scratch + (intptr_t)j * p->k;
    const enn_f32_walk w = {1, 1, p->k, 0, 0, p->a_k, p->a_row, enn_f32_panel_width(p->n, j)};
    for (int32_t i = first; i < end; i += ENN_ROWS) {
      const int32_t rows = end - i < ENN_ROWS ? end - i : ENN_ROWS;
      const enn_f32_target t = {y + (intptr_t)i * p->n + j, p->n, bias ? bias + j : 0, 0,
                                p->n - j};
      const float *from = a + (intptr_t)i * p->a_row;
      if (p->sharded) {
        enn_f32_rows_sharded(&w, from, panel, &t, rows);
      } else {
        enn_f32_rows_of_panel(&w, from, panel, &t, rows);
      }
    }
  }
}

#endif
