/*
 * enn_f32_tiles.h: many element-by-element operations in one pass over memory.
 *
 * Operations that work on values of one length run one after the other on a tile of it, which lies
 * in the cache; what only they use never leaves it. A value is one of:
 *
 *   flat      n floats in memory, read or written tile by tile
 *   own       a tile of scratch
 *   repeated  `period` floats in memory, one row of every so many elements: written out once per
 *             part into a tile of scratch, of which every tile is the same
 *   fixed     an address, for what an operation reads as one number
 *
 * Sums over all rows of a value with `period` channels are taken along the way: per shard of the
 * batch in ascending order, `copies` rows side by side. The same operations happen to every element
 * as if each were a pass of its own.
 */
#ifndef ENN_F32_TILES_H
#define ENN_F32_TILES_H

#include "enn_f32_map.h"
#include "enn_f32_moments.h"

#define ENN_TILE_VALUES 48

typedef enum { ENN_FLAT, ENN_OWN, ENN_REPEATED, ENN_FIXED } enn_tile_kind;

typedef struct {
  int32_t kind;
  int32_t at;     /* the buffer's number among the call's, or the tile's in scratch */
  int32_t from;   /* of a repeated value: its buffer */
  int32_t period;
} enn_tile_value;

typedef struct {
  int32_t op, y, from[4]; /* values by number */
  float factor;
} enn_tile_step;

typedef struct {
  int32_t value, channels, copies;
  int32_t at;    /* its shards' sums in scratch: floats behind the tiles */
  int32_t to;    /* the buffer of the result */
  float divisor;
} enn_tile_sum;

typedef struct {
  int32_t n;      /* elements */
  int32_t unit;   /* parts begin at multiples of it */
  int32_t shares; /* parts that have scratch: 8, or 1 where one part has it all */
  int32_t tile;   /* elements of a tile: a multiple of all periods */
  int32_t tiles;  /* tiles of scratch of one part */
  int32_t totals; /* floats of all sums of one shard */
  int32_t scratch; /* the buffer's number */
  int32_t values, steps, sums;
  int32_t words[]; /* the values, steps and sums */
} enn_f32_tiles;

typedef struct {
  const char *name;
  void (*run)(const enn_f32_map *p, const float *const *from, float *y);
} enn_tile_op;

ENN_INLINE const enn_tile_value *enn_tile_values_of(const enn_f32_tiles *p) {
  return (const enn_tile_value *)(const void *)p->words;
}
ENN_INLINE const enn_tile_step *enn_tile_steps_of(const enn_f32_tiles *p) {
  return (const enn_tile_step *)(const void *)(enn_tile_values_of(p) + p->values);
}
ENN_INLINE const enn_tile_sum *enn_tile_sums_of(const enn_f32_tiles *p) {
  return (const enn_tile_sum *)(const void *)(enn_tile_steps_of(p) + p->steps);
}

/* Floats from the scratch of one part to the next. */
ENN_INLINE intptr_t enn_f32_tiles_size(const enn_f32_tiles *p) {
  return (intptr_t)p->tiles * p->tile + p->totals;
}

ENN_INLINE int32_t enn_tiles_f32_scratch(const enn_f32_tiles *p) {
  return (int32_t)(p->shares * enn_f32_tiles_size(p));
}

/* Where the values of a part lie at its first tile, and how far the next tile is. */
static inline void enn_f32_tiles_place(const enn_f32_tiles *p, void *const *v, float *own,
                                       int32_t first, float **at, int32_t *step) {
  const enn_tile_value *values = enn_tile_values_of(p);
  for (int32_t i = 0; i < p->values; i++) {
    const enn_tile_value *q = &values[i];
    float *room = own + (intptr_t)q->at * p->tile;
    step[i] = q->kind == ENN_FLAT ? p->tile : 0;
    if (q->kind == ENN_FLAT) {
      at[i] = (float *)v[q->at] + first;
    } else if (q->kind == ENN_FIXED) {
      at[i] = (float *)v[q->at];
    } else {
      at[i] = room;
    }
    if (q->kind != ENN_REPEATED) continue;
    const float *from = v[q->from];
    for (int32_t j = 0; j < p->tile; j += q->period) {
      for (int32_t k = 0; k < q->period; k++) room[j + k] = from[k];
    }
  }
}

/* Adds the rows of a tile to a sum. */
ENN_INLINE void enn_f32_tile_add(const enn_tile_sum *s, const float *x, int32_t n, float *total) {
  const int32_t width = s->channels * s->copies, rows = n / width;
  enn_f32_columns_sum(x, 0, rows, width, total);
  enn_f32_columns_sum(x + (intptr_t)rows * width, 0, 1, n - rows * width, total);
}

static inline void enn_f32_tiles_part(const enn_f32_tiles *p, const enn_tile_op *ops,
                                      void *const *v, int32_t part) {
  const enn_tile_step *steps = enn_tile_steps_of(p);
  const enn_tile_sum *sums = enn_tile_sums_of(p);
  const int32_t first = enn_part_first(p->n, p->unit, part);
  const int32_t end = enn_part_first(p->n, p->unit, part + 1);
  if (p->shares == 1 && first == end) return;
  float *own = (float *)v[p->scratch] + (p->shares == 1 ? 0 : part * enn_f32_tiles_size(p));
  float *totals = own + (intptr_t)p->tiles * p->tile;
  for (int32_t i = 0; i < p->totals; i++) totals[i] = 0.0f;
  if (first == end) return;
  float *at[ENN_TILE_VALUES];
  int32_t step[ENN_TILE_VALUES];
  enn_f32_tiles_place(p, v, own, first, at, step);
  for (int32_t i = first; i < end; i += p->tile) {
    const int32_t n = end - i < p->tile ? end - i : p->tile;
    for (int32_t k = 0; k < p->steps; k++) {
      const enn_tile_step *s = &steps[k];
      const enn_f32_map map = {n, s->factor};
      const float *from[4];
      for (int j = 0; j < 4; j++) from[j] = s->from[j] < 0 ? 0 : at[s->from[j]];
      ops[s->op].run(&map, from, at[s->y]);
    }
    for (int32_t k = 0; k < p->sums; k++) {
      enn_f32_tile_add(&sums[k], at[sums[k].value], n, totals + sums[k].at);
    }
    for (int32_t j = 0; j < p->values; j++) at[j] += step[j];
  }
}

/* The shards' sums together. */
static inline void enn_f32_tiles_finish(const enn_f32_tiles *p, void *const *v) {
  const enn_tile_sum *sums = enn_tile_sums_of(p);
  const intptr_t size = enn_f32_tiles_size(p);
  float *totals = (float *)v[p->scratch] + (intptr_t)p->tiles * p->tile;
  for (int32_t k = 0; k < p->sums; k++) {
    const enn_tile_sum *s = &sums[k];
    float *y = v[s->to];
    for (int32_t shard = 0; shard < ENN_SHARDS; shard++) {
      float *at = totals + shard * size + s->at;
      enn_f32_fold(at, s->copies, s->channels, at);
    }
    for (int32_t c = 0; c < s->channels; c++) {
      const float sum = enn_shards_sum(totals + s->at + c, size);
      y[c] = s->divisor == 1.0f ? sum : sum / s->divisor;
    }
  }
}

#endif
