/* depthwise_conv2d of any window, stride, dilation and multiplier, int8, for Helium: four outputs of
 * one channel at a time, for windows that have no place in a patch (enn_s8_depthwise_mve.h).
 *
 * y as enn_s8_conv.h says. A channel's plane lies in scratch as there. Sixteen taps of a window are
 * multiplied at once: as many whole rows of it as fit a vector ("inner" is its shorter side, "outer"
 * the other). Where they lie in the plane is the same for all these vectors and, moved by a stride, for
 * the four outputs, which are neighbours along the longer side of y; the last four of a line overlap
 * the four before, and where a line has fewer the last one is computed again.
 *
 * Layout: w[channels][outer][inner]. scratch: places[4][16], the channel's vectors of weights with
 * zeros behind rows and window, the plane and the rows that the last vector reads behind it.
 *
 * Block: 4 outputs x 16 taps in 11 instructions; requantization and store of four outputs in 12.
 *
 * y may be x where it is not larger and the multiplier is 1: all of a channel is read before it is
 * written. Accumulator: |acc| < 2^30 and shift in [-22, -1], proven by the compiler.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DEPTHWISE_WINDOWS_MVE_H
#define ENN_S8_DEPTHWISE_WINDOWS_MVE_H

#include "enn_s8_depthwise_mve.h"

/* What all channels share. */
struct enn_mve_windows {
  const uint8_t *places;     /* of the taps of four outputs */
  const int8_t *w;           /* vectors of weights */
  int32_t vectors, skip;     /* how many, and from one's places in the plane to the next one's */
  uint32_t y_place[4];       /* of four outputs */
  int32_t along, lines;      /* outputs */
  int32_t x_step, y_step;    /* from output to output of a line */
  int32_t x_line, y_line;    /* from line to line */
  int32_t zero;
};

#if ENN_HAS_MVE
/* The sums of four outputs, without bias. */
struct enn_mve_sums4 {
  int32_t a, b, c, d;
};

ENN_INLINE struct enn_mve_sums4 enn_mve_window_sums(const struct enn_mve_windows *g, const int8_t *x) {
  register int32_t a __asm__("r0");
  register int32_t b __asm__("r2");
  register int32_t c __asm__("r4");
  register int32_t d __asm__("r6");
  const int8_t *w = g->w;
  __asm__ volatile(
      " vldrb.u8 q4, [%[places]]\n"
      " vldrb.u8 q5, [%[places], #16]\n"
      " vldrb.u8 q6, [%[places], #32]\n"
      " vldrb.u8 q7, [%[places], #48]\n"
      " movs %[a], #0\n movs %[b], #0\n movs %[c], #0\n movs %[d], #0\n"
      " dls lr, %[vectors]\n"
      "1: vldrb.u8 q0, [%[w]], #16\n"
      " vldrb.u8 q1, [%[x], q4]\n"
      " vmladava.s8 %[a], q1, q0\n"
      " vldrb.u8 q2, [%[x], q5]\n"
      " vmladava.s8 %[b], q2, q0\n"
      " vldrb.u8 q3, [%[x], q6]\n"
      " vmladava.s8 %[c], q3, q0\n"
      " vldrb.u8 q1, [%[x], q7]\n"
      " vmladava.s8 %[d], q1, q0\n"
      " add %[x], %[x], %[skip]\n"
      " le lr, 1b\n"
      : [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), [d] "=&r"(d), [x] "+&r"(x), [w] "+&r"(w)
      : [places] "r"(g->places), [vectors] "r"(g->vectors), [skip] "r"(g->skip)
      : "lr", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "cc", "memory");
  return (struct enn_mve_sums4){a, b, c, d};
}

/* All outputs of a channel. */
ENN_OUTLINE void enn_mve_window_outputs(const struct enn_mve_windows *g, const int8_t *x,
                                        int32_t bias, int32_t mult, int32_t shift, int8_t *y) {
  for (int32_t line = 0; line < g->lines; line++, x += g->x_line, y += g->y_line) {
    for (int32_t i = 0;; i += 4) {
      const int32_t first = enn_max(0, enn_min(i, g->along - 4));
      const struct enn_mve_sums4 s = enn_mve_window_sums(g, x + first * g->x_step);
      __asm__ volatile(
          " vmov q1[2], q1[0], %[a], %[c]\n"
          " vmov q1[3], q1[1], %[b], %[d]\n"
          " vldrw.u32 q2, [%[to]]\n"
          " vadd.i32 q1, q1, %[bias]\n"
          " vshr.s32 q0, q1, #31\n"
          " vqrdmulh.s32 q1, q1, %[mult]\n"
          " vadd.i32 q1, q1, q0\n"
          " vrshl.s32 q1, %[shift]\n"
          " vadd.i32 q1, q1, %[zero]\n"
          " vqmovnb.s32 q1, q1\n"
          " vqmovnb.s16 q1, q1\n"
          " vstrb.32 q1, [%[y], q2]\n"
          :
          : [a] "r"(s.a), [b] "r"(s.b), [c] "r"(s.c), [d] "r"(s.d), [bias] "r"(bias),
            [mult] "r"(mult), [shift] "r"(shift), [zero] "r"(g->zero), [to] "r"(g->y_place),
            [y] "r"(y + first * g->y_step)
          : "q0", "q1", "q2", "memory");
      if (i + 4 >= g->along) break;
    }
  }
}
#else
ENN_OUTLINE void enn_mve_window_outputs(const struct enn_mve_windows *g, const int8_t *x,
                                        int32_t bias, int32_t mult, int32_t shift, int8_t *y) {
  for (int32_t line = 0; line < g->lines; line++, x += g->x_line, y += g->y_line) {
    for (int32_t i = 0; i < g->along; i++) {
      const int8_t *from = x + i * g->x_step, *w = g->w;
      int32_t acc = bias;
      for (int32_t n = g->vectors; n > 0; n--, from += g->skip, w += ENN_MVE_BYTES) {
        for (int32_t lane = 0; lane < ENN_MVE_BYTES; lane++)
          acc = enn_wrapping_add(acc, from[g->places[lane]] * w[lane]);
      }
      y[i * g->y_step] =
          (int8_t)enn_narrow(acc, mult, enn_narrow_base(shift, g->zero), -shift);
    }
  }
}
#endif

/* One side of the window: taps and the bytes between them in the plane. */
struct enn_mve_side {
  int32_t taps, step;
};

/* Rows of the window in a vector: their places are bytes, `far` that of the fourth output. */
ENN_INLINE int32_t enn_mve_window_rows(struct enn_mve_side inner, struct enn_mve_side outer,
                                       int32_t far) {
  int32_t rows = enn_min(outer.taps, ENN_MVE_BYTES / inner.taps);
  while ((rows - 1) * outer.step + (inner.taps - 1) * inner.step + far > 255) rows--;
  return rows;
}

/* Where sixteen taps lie for each of four outputs; taps that are not there, at the first. */
ENN_INLINE void enn_mve_window_places(struct enn_mve_side inner, int32_t outer_step, int32_t rows,
                                      int32_t outputs, int32_t x_step, uint8_t *places) {
  for (int32_t i = 0; i < 4 * ENN_MVE_BYTES; i++) {
    const int32_t lane = i % ENN_MVE_BYTES, output = enn_min(i / ENN_MVE_BYTES, outputs - 1);
    const int32_t row = lane / inner.taps;
    const int32_t tap =
        row < rows ? row * outer_step + lane % inner.taps * inner.step : 0;
    places[i] = (uint8_t)(output * x_step + tap);
  }
}

/* A channel's weights by vectors of `count` of them. */
ENN_INLINE void enn_mve_window_weights(const ENN_CONST int8_t *w, int32_t taps, int32_t count,
                                       int8_t *to) {
  for (; taps > 0; taps -= count, w += count, to += ENN_MVE_BYTES)
    enn_mve_copy(w, enn_min(taps, count), to);
}

ENN_INLINE void enn_depthwise_conv2d_s8_windows__mve(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *scratch, int8_t *y) {
  const int32_t multiplier = p->out_c / p->in_c, tall = p->out_h > p->out_w;
  const struct enn_mve_axis rows = {.in = p->in_h,
                                    .out = p->out_h,
                                    .stride = p->stride_h,
                                    .pad = p->pad_top,
                                    .reach = (p->kernel_h - 1) * p->dilation_h + 1,
                                    .x_step = p->in_w * p->in_c,
                                    .y_step = p->out_w * p->out_c};
  const struct enn_mve_axis cols = {.in = p->in_w,
                                    .out = p->out_w,
                                    .stride = p->stride_w,
                                    .pad = p->pad_left,
                                    .reach = (p->kernel_w - 1) * p->dilation_w + 1,
                                    .x_step = p->in_c,
                                    .y_step = p->out_c};
  const struct enn_mve_axis along = tall ? rows : cols, across = tall ? cols : rows;
  const int32_t line = enn_mve_length(&along), lines = enn_mve_length(&across);
  const struct enn_mve_side down = {p->kernel_h, p->dilation_h * (tall ? 1 : line)};
  const struct enn_mve_side right = {p->kernel_w, p->dilation_w * (tall ? line : 1)};
  const int32_t narrow = p->kernel_h < p->kernel_w;
  const struct enn_mve_side inner = narrow ? down : right, outer = narrow ? right : down;
  const int32_t outputs = enn_min(4, along.out);
  const int32_t together = enn_mve_window_rows(inner, outer, (outputs - 1) * along.stride);
  const int32_t vectors = (outer.taps + together - 1) / together, taps = inner.taps * outer.taps;
  int8_t *const weights = scratch + 4 * ENN_MVE_BYTES;
  int8_t *const plane = weights + vectors * ENN_MVE_BYTES;
  int8_t *const inside = plane + across.pad * line + along.pad;
  const int32_t behind = (vectors * together - outer.taps) * outer.step;
  const int32_t count = enn_min(along.in, line - along.pad);
  const int32_t full = enn_min(across.in, lines - across.pad);
  struct enn_mve_windows g = {.places = (const uint8_t *)scratch,
                              .w = weights,
                              .vectors = vectors,
                              .skip = together * outer.step,
                              .along = along.out,
                              .lines = across.out,
                              .x_step = along.stride,
                              .y_step = along.y_step,
                              .x_line = across.stride * line,
                              .y_line = across.y_step,
                              .zero = p->out_zero};
  for (int32_t n = 0; n < 4; n++) g.y_place[n] = (uint32_t)(enn_min(n, outputs - 1) * along.y_step);
  enn_mve_window_places(inner, outer.step, together, outputs, along.stride, (uint8_t *)scratch);
  enn_mve_fill(0, vectors * ENN_MVE_BYTES, weights);
  enn_mve_fill(p->in_zero, line * lines + behind, plane);
  for (int32_t o = 0; o < p->out_c; o++, w += taps) {
    if (o % multiplier == 0 && count > 0 && full > 0)
      enn_mve_gather(x + o / multiplier, count, along.x_step, full, across.x_step, inside, line);
    enn_mve_window_weights(w, taps, together * inner.taps, weights);
    enn_mve_window_outputs(&g, plane, bias[o], mult[o], shift[o], y + o);
  }
  enn_mve_clamp(y, p->out_h * p->out_w * p->out_c, p->clamp_min, p->clamp_max);
}

#endif
