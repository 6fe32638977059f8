/*
 * enn_f32_taps.h: which taps of a kernel meet which rows and columns, for kernels that keep sums in
 * registers over all taps.
 *
 * Lines are rows or columns. Line o of y sees line o * stride - pad + t * dilation of x through tap
 * t. Neighbouring columns that see the same taps form a run: the inside of an image is one (one per
 * phase of the stride where a gradient is gathered), a column at its border mostly one of its own.
 */
#ifndef ENN_F32_TAPS_H
#define ENN_F32_TAPS_H

#include "enn_f32_window.h"

typedef struct {
  int32_t size, out; /* lines of x and of y */
  int32_t kernel, stride, pad, dilation;
} enn_f32_tap_lines;

ENN_INLINE enn_f32_tap_lines enn_f32_rows_of(const enn_f32_window *p) {
  return (enn_f32_tap_lines){p->h, p->oh, p->kh, p->sh, p->pt, p->dh};
}
ENN_INLINE enn_f32_tap_lines enn_f32_columns_of(const enn_f32_window *p) {
  return (enn_f32_tap_lines){p->w, p->ow, p->kw, p->sw, p->pl, p->dw};
}

/* Tap `tap` + i * `tap_step` meets line `at` + i * `at_step`, for i < count. */
typedef struct {
  int32_t tap, tap_step, at, at_step, count;
} enn_f32_met;

/* The lines of x that line `o` of y sees, ascending. */
static inline enn_f32_met enn_f32_met_by_output(const enn_f32_tap_lines *l, int32_t o) {
  const int32_t from = o * l->stride - l->pad, d = l->dilation;
  const int32_t first = from >= 0 ? 0 : (-from + d - 1) / d;
  int32_t end = from >= l->size ? 0 : (l->size - from + d - 1) / d;
  if (end > l->kernel) end = l->kernel;
  return (enn_f32_met){first, 1, from + first * d, d, end > first ? end - first : 0};
}

/* The lines of y that see line `s` of x, ascending. */
static inline enn_f32_met enn_f32_met_by_input(const enn_f32_tap_lines *l, int32_t s) {
  const int32_t from = s + l->pad, d = l->dilation;
  int32_t tap = l->kernel - 1, step = 1;
  while (tap >= 0 && (from < tap * d || (from - tap * d) % l->stride != 0)) tap--;
  while (step * d % l->stride != 0) step++;
  const enn_f32_met none = {0, 0, 0, 0, 0};
  if (tap < 0) return none;
  const int32_t at = (from - tap * d) / l->stride, at_step = step * d / l->stride;
  if (at >= l->out) return none;
  const int32_t taps = tap / step + 1, lines = (l->out - 1 - at) / at_step + 1;
  return (enn_f32_met){tap, -step, at, at_step, taps < lines ? taps : lines};
}

typedef enum { ENN_BY_OUTPUT, ENN_BY_INPUT } enn_f32_side;

ENN_INLINE enn_f32_met enn_f32_met_by(const enn_f32_tap_lines *l, enn_f32_side side, int32_t line) {
  return side == ENN_BY_OUTPUT ? enn_f32_met_by_output(l, line) : enn_f32_met_by_input(l, line);
}

/* `columns` columns from `first` on, each `apart` from the one before, where `met` is the first's;
 * from column to column the lines move by `ahead`. */
typedef struct {
  int32_t first, columns;
  enn_f32_met met;
} enn_f32_run;

typedef struct {
  int32_t apart, ahead, count;
  enn_f32_run runs[];
} enn_f32_runs; /* begins with less than 16 words */

ENN_INLINE int32_t enn_f32_count_lines(const enn_f32_tap_lines *l, enn_f32_side side) {
  return side == ENN_BY_OUTPUT ? l->out : l->size;
}

/* Floats that the runs of so many columns may take. */
ENN_INLINE int32_t enn_f32_runs_size(const enn_f32_tap_lines *l, enn_f32_side side) {
  const int32_t words = (int32_t)(sizeof(enn_f32_run) / sizeof(float));
  return 16 + (enn_f32_count_lines(l, side) * words + 15) / 16 * 16;
}

static inline void enn_f32_find_runs(const enn_f32_tap_lines *l, enn_f32_side side, enn_f32_runs *to) {
  const int32_t lines = enn_f32_count_lines(l, side);
  to->apart = side == ENN_BY_OUTPUT ? 1 : l->stride;
  to->ahead = side == ENN_BY_OUTPUT ? l->stride : 1;
  to->count = 0;
  for (int32_t phase = 0; phase < to->apart; phase++) {
    enn_f32_run *last = 0;
    for (int32_t i = phase; i < lines; i += to->apart) {
      const enn_f32_met met = enn_f32_met_by(l, side, i);
      if (last && last->met.count == met.count && last->met.tap == met.tap &&
          (met.count == 0 || last->met.at + last->columns * to->ahead == met.at)) {
        last->columns++;
      } else {
        last = &to->runs[to->count++];
        *last = (enn_f32_run){i, 1, met};
      }
    }
  }
}

#endif
