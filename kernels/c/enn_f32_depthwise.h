/*
 * enn_f32_depthwise.h: depthwiseConv2d and its two gradients. Weights w[KH][KW][C * M]; output
 * channel o reads input channel o / M.
 *
 *   forward       y[i][j][c]  = b[c] + sum over (u, v) of x[i SH - PT + u DH][j SW - PL + v DW][c] w[u][v][c]
 *   grad_input    dx[r][s][c] = sum over the windows (i, j) that see (r, s) of dy[i][j][c] w[u][v][c]
 *   grad_weights  dw[u][v][c] = sum over shards of the batch of sum over n, i, j of x dy
 *
 * Channels lie along the lanes; with M > 1 an image of x is first written with every channel M
 * times, and a gradient is added up at the end. Taps outside the image are skipped. Sums over taps
 * and windows stay in registers: the first two take the same form, a few columns at a time, with
 * taps ascending, respectively windows; sums over windows a block of taps at a time, a row after the
 * other. Parts are shards of the batch; phase 0 of the first two prepares what all parts read,
 * phase 1 of the last adds the shards' sums up.
 *
 * Where neighbouring columns lie side by side in both images, several are one wider pixel, so that
 * few channels fill whole vectors too; weights are then written out as often.
 */
#ifndef ENN_F32_DEPTHWISE_H
#define ENN_F32_DEPTHWISE_H

#include "enn_f32_math.h"
#include "enn_f32_taps.h"

/* Columns of results that are computed at a time: one sum each, and a vector of weights. */
#if ENN_LANES == 16 || defined(__aarch64__)
#define ENN_TAPPED 8
#else
#define ENN_TAPPED 4
#endif

/* A row of columns that see the same taps; steps are in floats. */
typedef struct {
  int32_t columns, width;
  int32_t rows, across;              /* taps */
  intptr_t next, y_next;             /* from column to column */
  intptr_t row, column;              /* from tap to tap in the image */
  intptr_t w_row, w_column;          /* ... and in the weights */
} enn_f32_tapped;

/* `count` columns, a constant, of one vector of channels. */
ENN_INLINE void enn_f32_tapped_block(const enn_f32_tapped *t, int count, const float *x,
                                     const float *w, enn_vf start, float *y, int32_t lanes) {
  enn_vf sum[ENN_TAPPED];
  const intptr_t next = t->next, column = t->column, w_column = t->w_column;
  ENN_UNROLL for (int j = 0; j < count; j++) sum[j] = start;
  for (int32_t u = 0; u < t->rows; u++) {
    const float *p = x + u * t->row, *q = w + u * t->w_row;
    for (int32_t v = 0; v < t->across; v++, p += column, q += w_column) {
      const enn_vf weight = enn_vf_load_upto(q, lanes);
      ENN_UNROLL for (int j = 0; j < count; j++) {
        sum[j] = enn_vf_muladd(enn_vf_load_upto(p + j * next, lanes), weight, sum[j]);
      }
    }
  }
  ENN_UNROLL for (int j = 0; j < count; j++) enn_vf_store_upto(y + j * t->y_next, sum[j], lanes);
}

/* All columns of one vector of channels; `lanes` is a constant where it is ENN_LANES. */
ENN_INLINE void enn_f32_tapped_lanes(const enn_f32_tapped *t, const float *x, const float *w,
                                     const float *start, float *y, int32_t lanes) {
  const enn_vf first = start ? enn_vf_load_upto(start, lanes) : enn_vf_zero();
  int32_t j = 0;
  for (; j + ENN_TAPPED <= t->columns; j += ENN_TAPPED) {
    enn_f32_tapped_block(t, ENN_TAPPED, x + j * t->next, w, first, y + j * t->y_next, lanes);
  }
  for (; j + 2 <= t->columns; j += 2) {
    enn_f32_tapped_block(t, 2, x + j * t->next, w, first, y + j * t->y_next, lanes);
  }
  if (j < t->columns) {
    enn_f32_tapped_block(t, 1, x + j * t->next, w, first, y + j * t->y_next, lanes);
  }
}

/* start may be null. The last channels are computed twice rather than in a vector that is not full. */
static inline void enn_f32_tapped_row(const enn_f32_tapped *t, const float *x, const float *w,
                                      const float *start, float *y) {
  for (int32_t c = 0; c < t->width; c += ENN_LANES) {
    const int32_t over = c + ENN_LANES - t->width, at = over > 0 && c > 0 ? c - over : c;
    const float *from = start ? start + at : 0;
    if (at + ENN_LANES <= t->width) {
      enn_f32_tapped_lanes(t, x + at, w + at, from, y + at, ENN_LANES);
    } else {
      enn_f32_tapped_lanes(t, x + at, w + at, from, y + at, t->width - at);
    }
  }
}

ENN_INLINE int32_t enn_f32_multiplier(const enn_f32_window *p) { return p->oc / p->c; }

/* Columns that fill whole vectors together, where they lie side by side. */
static inline int32_t enn_f32_most_copies(const enn_f32_window *p) {
  int32_t copies = 1;
  if (p->sw != 1) return 1;
  while (copies * p->oc % ENN_LANES != 0) copies++;
  return copies;
}

/* How many columns are one pixel: no more than the longest run has. */
static inline int32_t enn_f32_copies(const enn_f32_window *p, const enn_f32_runs *runs) {
  const int32_t copies = enn_f32_most_copies(p);
  int32_t most = 0;
  for (int32_t i = 0; i < runs->count; i++) {
    if (runs->runs[i].columns > most) most = runs->runs[i].columns;
  }
  return copies < most ? copies : most;
}

/* Channels of the widest pixel. */
ENN_INLINE int32_t enn_f32_widest(const enn_f32_window *p) {
  return enn_f32_most_copies(p) * p->oc;
}

/* What the parts of a depthwise kernel share, in its scratch. */
typedef struct {
  enn_f32_runs *runs;
  float *weights; /* w[KH][KW][copies * OC] */
  float *start;
  float *parts;   /* an image of every part, where channels are multiplied */
} enn_f32_depthwise_room;

ENN_INLINE enn_f32_depthwise_room enn_f32_depthwise_room_of(const enn_f32_window *p,
                                                            enn_f32_side side, float *scratch) {
  const enn_f32_tap_lines columns = enn_f32_columns_of(p);
  enn_f32_depthwise_room room;
  room.runs = (enn_f32_runs *)(void *)scratch;
  room.weights = scratch + enn_f32_runs_size(&columns, side);
  room.start = room.weights + (intptr_t)p->kh * p->kw * enn_f32_widest(p);
  room.parts = room.start + enn_f32_widest(p);
  return room;
}

ENN_INLINE int32_t enn_f32_multiplied_size(const enn_f32_window *p) {
  return enn_f32_multiplier(p) > 1 ? p->h * p->w * p->oc : 0;
}

ENN_INLINE int32_t enn_f32_depthwise_scratch(const enn_f32_window *p, enn_f32_side side) {
  const enn_f32_tap_lines columns = enn_f32_columns_of(p);
  return enn_f32_runs_size(&columns, side) + (p->kh * p->kw + 1) * enn_f32_widest(p) +
         ENN_SHARDS * enn_f32_multiplied_size(p);
}

/* rows[rows][channels], each written `copies` times side by side. */
ENN_INLINE void enn_f32_write_copies(const float *x, int32_t rows, int32_t channels,
                                     int32_t copies, float *y) {
  for (int32_t i = 0; i < rows; i++) {
    for (int32_t k = 0; k < copies * channels; k++) *y++ = x[k % channels];
    x += channels;
  }
}

static inline void enn_f32_depthwise_prepare(const enn_f32_window *p, enn_f32_side side,
                                             const float *w, const float *bias, float *scratch) {
  const enn_f32_tap_lines columns = enn_f32_columns_of(p);
  const enn_f32_depthwise_room room = enn_f32_depthwise_room_of(p, side, scratch);
  enn_f32_find_runs(&columns, side, room.runs);
  const int32_t copies = enn_f32_copies(p, room.runs);
  enn_f32_write_copies(w, p->kh * p->kw, p->oc, copies, room.weights);
  if (bias) enn_f32_write_copies(bias, 1, p->oc, copies, room.start);
}

/* x of one image with every channel `multiplier` times. */
ENN_INLINE const float *enn_f32_multiplied(const enn_f32_window *p, const float *x, float *to) {
  const int32_t multiplier = enn_f32_multiplier(p);
  if (multiplier == 1) return x;
  for (int32_t i = 0; i < p->h * p->w * p->c; i++) {
    for (int32_t m = 0; m < multiplier; m++) to[(intptr_t)i * multiplier + m] = x[i];
  }
  return to;
}

/* The gradient of x from that of its channels `multiplier` times. */
ENN_INLINE void enn_f32_add_multiplied(const enn_f32_window *p, const float *from, float *dx) {
  const int32_t multiplier = enn_f32_multiplier(p);
  for (int32_t i = 0; i < p->h * p->w * p->c; i++) {
    float sum = from[(intptr_t)i * multiplier];
    for (int32_t m = 1; m < multiplier; m++) sum += from[(intptr_t)i * multiplier + m];
    dx[i] = sum;
  }
}

/* One row of one image: run after run. `from` is the other image, `from_w` its columns. */
static inline void enn_f32_gather_row(const enn_f32_window *p, const enn_f32_depthwise_room *room,
                                      const enn_f32_met *rows, const float *from, int32_t from_w,
                                      const float *start, float *y) {
  const enn_f32_runs *runs = room->runs;
  const intptr_t c = p->oc;
  const int32_t copies = enn_f32_copies(p, runs), wide = copies * p->oc;
  for (int32_t i = 0; i < runs->count; i++) {
    const enn_f32_run *run = &runs->runs[i];
    const enn_f32_met *met = &run->met;
    enn_f32_tapped t = {run->columns / copies,
                        wide,
                        rows->count,
                        met->count,
                        runs->ahead * c * copies,
                        runs->apart * c * copies,
                        (intptr_t)rows->at_step * from_w * c,
                        met->at_step * c,
                        (intptr_t)rows->tap_step * p->kw * wide,
                        (intptr_t)met->tap_step * wide};
    if (rows->count == 0 || met->count == 0) t.rows = 0;
    const float *x = t.rows == 0 ? from : from + ((intptr_t)rows->at * from_w + met->at) * c;
    const float *w = room->weights;
    if (t.rows > 0) w += ((intptr_t)rows->tap * p->kw + met->tap) * wide;
    float *to = y + run->first * c;
    enn_f32_tapped_row(&t, x, w, start, to);
    x += t.columns * t.next;
    to += t.columns * t.y_next;
    t.columns = run->columns - t.columns * copies;
    t.width = p->oc;
    t.next = runs->ahead * c;
    t.y_next = runs->apart * c;
    enn_f32_tapped_row(&t, x, w, start, to);
  }
}

ENN_INLINE int32_t enn_depthwise_conv2d_f32_scratch(const enn_f32_window *p) {
  return enn_f32_depthwise_scratch(p, ENN_BY_OUTPUT);
}

/* bias may be null. */
ENN_INLINE void enn_depthwise_conv2d_f32(const enn_f32_window *p, const float *x, const float *w,
                                         const float *bias, float *scratch, float *y, int32_t part,
                                         int32_t phase) {
  if (phase == 0) {
    if (part == 0) enn_f32_depthwise_prepare(p, ENN_BY_OUTPUT, w, bias, scratch);
    return;
  }
  const enn_f32_depthwise_room room = enn_f32_depthwise_room_of(p, ENN_BY_OUTPUT, scratch);
  const enn_f32_tap_lines lines = enn_f32_rows_of(p);
  float *own = room.parts + (intptr_t)part * enn_f32_multiplied_size(p);
  const int32_t end = enn_shard_first(p->n, part + 1);
  for (int32_t n = enn_shard_first(p->n, part); n < end; n++) {
    const float *image = enn_f32_multiplied(p, x + (intptr_t)n * p->h * p->w * p->c, own);
    float *to = y + (intptr_t)n * p->oh * p->ow * p->oc;
    for (int32_t i = 0; i < p->oh; i++) {
      const enn_f32_met rows = enn_f32_met_by_output(&lines, i);
      enn_f32_gather_row(p, &room, &rows, image, p->w, bias ? room.start : 0,
                         to + (intptr_t)i * p->ow * p->oc);
    }
  }
}

ENN_INLINE int32_t enn_depthwise_conv2d_grad_input_f32_scratch(const enn_f32_window *p) {
  return enn_f32_depthwise_scratch(p, ENN_BY_INPUT);
}

ENN_INLINE void enn_depthwise_conv2d_grad_input_f32(const enn_f32_window *p, const float *dy,
                                                    const float *w, float *scratch, float *dx,
                                                    int32_t part, int32_t phase) {
  if (phase == 0) {
    if (part == 0) enn_f32_depthwise_prepare(p, ENN_BY_INPUT, w, 0, scratch);
    return;
  }
  const enn_f32_depthwise_room room = enn_f32_depthwise_room_of(p, ENN_BY_INPUT, scratch);
  const enn_f32_tap_lines lines = enn_f32_rows_of(p);
  const int multiplied = enn_f32_multiplier(p) > 1;
  float *own = room.parts + (intptr_t)part * enn_f32_multiplied_size(p);
  const int32_t end = enn_shard_first(p->n, part + 1);
  for (int32_t n = enn_shard_first(p->n, part); n < end; n++) {
    const float *from = dy + (intptr_t)n * p->oh * p->ow * p->oc;
    float *image = dx + (intptr_t)n * p->h * p->w * p->c, *to = multiplied ? own : image;
    for (int32_t i = 0; i < p->h; i++) {
      const enn_f32_met rows = enn_f32_met_by_input(&lines, i);
      enn_f32_gather_row(p, &room, &rows, from, p->ow, 0, to + (intptr_t)i * p->w * p->oc);
    }
    if (multiplied) enn_f32_add_multiplied(p, own, image);
  }
}

#endif
