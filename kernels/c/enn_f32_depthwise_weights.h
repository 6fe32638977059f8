/*
 * enn_f32_depthwise_weights.h: the gradient of depthwiseConv2d's weights; what it computes is said
 * in enn_f32_depthwise.h.
 *
 * Up to 3 x 3 taps have their sums in registers while a row of columns runs by: dy is read once for
 * all of them. A row's sums are then added to those of the shard. Where columns are put together to
 * wider pixels, so are sums, and they meet in the end.
 */
#ifndef ENN_F32_DEPTHWISE_WEIGHTS_H
#define ENN_F32_DEPTHWISE_WEIGHTS_H

#include "enn_f32_depthwise.h"

#define ENN_TAP_BLOCK 3

/* sums[u][v] += sum over columns of x dy, for `rows` x `across` taps, constants, of one vector. */
ENN_INLINE void enn_f32_tap_sums(const enn_f32_tapped *t, int rows, int across, const float *x,
                                 const float *dy, float *sums, int32_t lanes) {
  enn_vf sum[ENN_TAP_BLOCK][ENN_TAP_BLOCK];
  ENN_UNROLL for (int u = 0; u < rows; u++) {
    ENN_UNROLL for (int v = 0; v < across; v++) sum[u][v] = enn_vf_zero();
  }
  const intptr_t row = t->row, column = t->column;
  for (int32_t j = 0; j < t->columns; j++, x += t->next, dy += t->y_next) {
    const enn_vf d = enn_vf_load_upto(dy, lanes);
    ENN_UNROLL for (int u = 0; u < rows; u++) {
      ENN_UNROLL for (int v = 0; v < across; v++) {
        sum[u][v] = enn_vf_muladd(enn_vf_load_upto(x + u * row + v * column, lanes), d, sum[u][v]);
      }
    }
  }
  ENN_UNROLL for (int u = 0; u < rows; u++) {
    ENN_UNROLL for (int v = 0; v < across; v++) {
      float *to = sums + u * t->w_row + v * t->w_column;
      enn_vf_store_upto(to, enn_vf_add(enn_vf_load_upto(to, lanes), sum[u][v]), lanes);
    }
  }
}

ENN_INLINE void enn_f32_tap_channels(const enn_f32_tapped *t, int rows, int across, const float *x,
                                     const float *dy, float *sums) {
  int32_t c = 0;
  for (; c + ENN_LANES <= t->width; c += ENN_LANES) {
    enn_f32_tap_sums(t, rows, across, x + c, dy + c, sums + c, ENN_LANES);
  }
  if (c < t->width) {
    enn_f32_tap_sums(t, rows, across, x + c, dy + c, sums + c, t->width - c);
  }
}

/* All taps of a row of columns, block by block. */
static inline void enn_f32_tap_blocks(const enn_f32_tapped *t, const float *x, const float *dy,
                                      float *sums) {
  if (t->columns == 0) return;
  for (int32_t u = 0; u < t->rows; u += ENN_TAP_BLOCK) {
    for (int32_t v = 0; v < t->across; v += ENN_TAP_BLOCK) {
      const float *from = x + u * t->row + v * t->column;
      float *to = sums + u * t->w_row + v * t->w_column;
      const int32_t rows = t->rows - u, across = t->across - v;
#define ENN_TAPS(R, A) enn_f32_tap_channels(t, R, A, from, dy, to)
      if (rows >= 3) {
        if (across >= 3) ENN_TAPS(3, 3);
        if (across == 2) ENN_TAPS(3, 2);
        if (across == 1) ENN_TAPS(3, 1);
      } else if (rows == 2) {
        if (across >= 3) ENN_TAPS(2, 3);
        if (across == 2) ENN_TAPS(2, 2);
        if (across == 1) ENN_TAPS(2, 1);
      } else {
        if (across >= 3) ENN_TAPS(1, 3);
        if (across == 2) ENN_TAPS(1, 2);
        if (across == 1) ENN_TAPS(1, 1);
      }
#undef ENN_TAPS
    }
  }
}

/* Row i of the windows of one image. */
static inline void enn_f32_tap_row(const enn_f32_window *p, const enn_f32_runs *runs,
                                   const enn_f32_met *rows, const float *x, const float *dy,
                                   float *sums) {
  const intptr_t c = p->oc;
  const int32_t copies = enn_f32_copies(p, runs), wide = copies * p->oc;
  for (int32_t i = 0; i < runs->count; i++) {
    const enn_f32_run *run = &runs->runs[i];
    const enn_f32_met *met = &run->met;
    if (met->count == 0) continue;
    enn_f32_tapped t = {run->columns / copies,
                        wide,
                        rows->count,
                        met->count,
                        runs->ahead * c * copies,
                        c * copies,
                        (intptr_t)rows->at_step * p->w * c,
                        met->at_step * c,
                        (intptr_t)p->kw * wide,
                        wide};
    const float *from = x + ((intptr_t)rows->at * p->w + met->at) * c, *of = dy + run->first * c;
    float *to = sums + ((intptr_t)rows->tap * p->kw + met->tap) * wide;
    enn_f32_tap_blocks(&t, from, of, to);
    from += t.columns * t.next;
    of += t.columns * t.y_next;
    t.columns = run->columns - t.columns * copies;
    t.width = p->oc;
    t.next = runs->ahead * c;
    t.y_next = c;
    enn_f32_tap_blocks(&t, from, of, to);
  }
}

/* Floats of one part: its sums, and an image where channels are multiplied. */
ENN_INLINE int32_t enn_f32_tap_part(const enn_f32_window *p) {
  return p->kh * p->kw * enn_f32_widest(p) + enn_f32_multiplied_size(p);
}

ENN_INLINE int32_t enn_depthwise_conv2d_grad_weights_f32_scratch(const enn_f32_window *p) {
  const enn_f32_tap_lines columns = enn_f32_columns_of(p);
  return enn_f32_runs_size(&columns, ENN_BY_OUTPUT) + ENN_SHARDS * enn_f32_tap_part(p);
}

/* The sums of one shard, sums[KH][KW][OC]. */
ENN_INLINE void enn_f32_tap_shard(const enn_f32_window *p, const enn_f32_runs *runs,
                                  const float *x, const float *dy, float *sums, int32_t part) {
  const enn_f32_tap_lines lines = enn_f32_rows_of(p);
  const int32_t taps = p->kh * p->kw, copies = enn_f32_copies(p, runs), wide = copies * p->oc;
  float *own = sums + (intptr_t)taps * enn_f32_widest(p);
  enn_f32_zero(sums, taps * wide);
  const int32_t end = enn_shard_first(p->n, part + 1);
  for (int32_t n = enn_shard_first(p->n, part); n < end; n++) {
    const float *image = enn_f32_multiplied(p, x + (intptr_t)n * p->h * p->w * p->c, own);
    const float *from = dy + (intptr_t)n * p->oh * p->ow * p->oc;
    for (int32_t i = 0; i < p->oh; i++) {
      const enn_f32_met rows = enn_f32_met_by_output(&lines, i);
      enn_f32_tap_row(p, runs, &rows, image, from + (intptr_t)i * p->ow * p->oc, sums);
    }
  }
  for (int32_t t = 0; t < taps; t++) {
    for (int32_t o = 0; o < p->oc; o++) {
      float sum = sums[(intptr_t)t * wide + o];
      for (int32_t k = 1; k < copies; k++) sum += sums[(intptr_t)t * wide + k * p->oc + o];
      sums[t * p->oc + o] = sum;
    }
  }
}

/* Three phases: runs of columns; the shards' sums; their sum. */
ENN_INLINE void enn_depthwise_conv2d_grad_weights_f32(const enn_f32_window *p, const float *x,
                                                      const float *dy, float *scratch, float *dw,
                                                      int32_t part, int32_t phase) {
  const enn_f32_tap_lines columns = enn_f32_columns_of(p);
  enn_f32_runs *runs = (enn_f32_runs *)(void *)scratch;
  float *sums = scratch + enn_f32_runs_size(&columns, ENN_BY_OUTPUT);
  const intptr_t size = enn_f32_tap_part(p);
  const int32_t count = p->kh * p->kw * p->oc;
  if (phase == 0) {
    if (part == 0) enn_f32_find_runs(&columns, ENN_BY_OUTPUT, runs);
  } else if (phase == 1) {
    enn_f32_tap_shard(p, runs, x, dy, sums + part * size, part);
  } else if (part == 0) {
    for (int32_t i = 0; i < count; i += ENN_LANES) {
      const int32_t lanes = count - i;
      enn_vf_store_upto(dw + i, enn_shards_sums(sums + i, size, lanes), lanes);
    }
  }
}

#endif
