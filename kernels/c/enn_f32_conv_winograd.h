/*
 * enn_f32_conv_winograd.h: conv2d with 3x3 kernels and stride 1, and its two gradients, in 16
 * multiplications for 2x2 outputs where direct kernels take 36 (Lavin and Gray, "Fast algorithms
 * for convolutional neural networks", 2016, section 4.1: F(2x2, 3x3)). Operands and results are
 * those of enn_f32_conv.h; both numbers of channels are multiples of ENN_WINOGRAD_CHANNELS.
 *
 *   conv2d              y  = A' [(G w G') . (B' x B)] A    . is a product per place and channel,
 *   conv2d_grad_input   dx = conv2d of dy, kernel turned     summed over input channels
 *   conv2d_grad_weights dw = G' [(A dy A') . (B' x B)] G   summed over tiles
 *
 *   B' = 1  0 -1  0    G = 1    0    0     A' = 1  1  1  0
 *        0  1  1  0        1/2  1/2  1/2        0  1 -1 -1
 *        0 -1  1  0        1/2 -1/2  1/2
 *        0  1  0 -1        0    0    1
 *
 * A tile is 4x4 of x, 2x2 of y; a line is a row of tiles of one image. The transforms of a few
 * lines lie by place, [16][tiles][channels], so that a product per place is one of matrices. Where
 * y has an odd height or width, the last tiles reach one row or column beyond it.
 *
 * Parts are shards of the batch; phase 0 of the first two transforms the weights, phase 1 of the
 * last adds the shards' sums up and transforms them.
 */
#ifndef ENN_F32_CONV_WINOGRAD_H
#define ENN_F32_CONV_WINOGRAD_H

#include "enn_f32_conv.h"

#define ENN_WINOGRAD_CHANNELS 16
#define ENN_PLACES 16
/* Floats of one place of a few lines, x and y together: 16 of them stay in a second-level cache. */
#define ENN_LINES_FLOATS 2048
/* Tiles that are worth reading the transformed weights for once more. */
#define ENN_LINES_TILES 32

/* The same convolution with an even height and width of y. */
ENN_INLINE enn_f32_window enn_f32_even_window(const enn_f32_window *p) {
  enn_f32_window q = *p;
  q.oh += q.oh & 1;
  q.ow += q.ow & 1;
  return q;
}

/* Lines that are transformed together. */
ENN_INLINE int32_t enn_f32_lines_at_once(const enn_f32_window *p) {
  const int32_t across = (p->ow + 1) / 2, few = (ENN_LINES_TILES + across - 1) / across;
  const int32_t lines = ENN_LINES_FLOATS / ((p->c + p->oc) * across);
  const int32_t wanted = lines < few ? few : lines;
  const int32_t most = (p->n + ENN_SHARDS - 1) / ENN_SHARDS * ((p->oh + 1) / 2);
  return wanted > most ? most : wanted;
}

/* Floats from place to place of so many lines: odd in lines of a cache of 64 bytes, so that the 16
 * places of a tile do not all fall into one of its sets. */
ENN_INLINE int32_t enn_f32_place_floats(const enn_f32_window *p, int32_t channels) {
  const int32_t floats = enn_f32_lines_at_once(p) * ((p->ow + 1) / 2) * channels;
  return (floats / 16 | 1) * 16;
}

/* B' d of one column: four floats `step` apart, each of ENN_LANES channels. */
ENN_INLINE void enn_f32_column(const float *d, intptr_t step, enn_vf t[4]) {
  const enn_vf d0 = enn_vf_load(d), d1 = enn_vf_load(d + step);
  const enn_vf d2 = enn_vf_load(d + 2 * step), d3 = enn_vf_load(d + 3 * step);
  t[0] = enn_vf_sub(d0, d2);
  t[1] = enn_vf_add(d1, d2);
  t[2] = enn_vf_sub(d2, d1);
  t[3] = enn_vf_sub(d1, d3);
}

/* v[place][tile][c] = B' x B of a line; `image` is its first row, `row` floats to the next. */
ENN_INLINE void enn_f32_winograd_input(const float *image, intptr_t row, int32_t channels,
                                       int32_t tiles, intptr_t place, float *v) {
  for (int32_t c = 0; c < channels; c += ENN_LANES) {
    enn_vf left[2][4], right[2][4];
    enn_f32_column(image + c, row, left[0]);
    enn_f32_column(image + channels + c, row, left[1]);
    for (int32_t t = 0; t < tiles; t++) {
      const float *from = image + (intptr_t)(2 * t + 2) * channels + c;
      float *to = v + (intptr_t)t * channels + c;
      enn_f32_column(from, row, right[0]);
      enn_f32_column(from + channels, row, right[1]);
      ENN_UNROLL for (int i = 0; i < 4; i++) {
        enn_vf_store(to, enn_vf_sub(left[0][i], right[0][i]));
        enn_vf_store(to + place, enn_vf_add(left[1][i], right[0][i]));
        enn_vf_store(to + 2 * place, enn_vf_sub(right[0][i], left[1][i]));
        enn_vf_store(to + 3 * place, enn_vf_sub(left[1][i], right[1][i]));
        to += 4 * place;
        left[0][i] = right[0][i];
        left[1][i] = right[1][i];
      }
    }
  }
}

/* One row of A' m A: the two outputs of four places. */
typedef struct {
  enn_vf first, second;
} enn_f32_pair;

ENN_INLINE enn_f32_pair enn_f32_outputs(const enn_vf m[4]) {
  const enn_f32_pair y = {enn_vf_add(enn_vf_add(m[0], m[1]), m[2]),
                          enn_vf_sub(enn_vf_sub(m[1], m[2]), m[3])};
  return y;
}

/* y[2 rows][width][OC] = A' m A of a line, and the bias; `rows` is 1 where y ends with the first. */
ENN_INLINE void enn_f32_winograd_output(const float *m, intptr_t place, const float *bias,
                                        const enn_f32_window *p, int32_t rows, float *y) {
  const int32_t tiles = (p->ow + 1) / 2;
  const intptr_t down = (intptr_t)p->ow * p->oc;
  for (int32_t o = 0; o < p->oc; o += ENN_LANES) {
    const enn_vf start = bias ? enn_vf_load(bias + o) : enn_vf_zero();
    for (int32_t t = 0; t < tiles; t++) {
      const float *from = m + (intptr_t)t * p->oc + o;
      float *to = y + (intptr_t)2 * t * p->oc + o;
      enn_vf upper[4], lower[4];
      ENN_UNROLL for (int j = 0; j < 4; j++) {
        const enn_vf column[4] = {enn_vf_load(from + j * place),
                                  enn_vf_load(from + (4 + j) * place),
                                  enn_vf_load(from + (8 + j) * place),
                                  enn_vf_load(from + (12 + j) * place)};
        const enn_f32_pair pair = enn_f32_outputs(column);
        upper[j] = pair.first;
        lower[j] = pair.second;
      }
      const enn_f32_pair a = enn_f32_outputs(upper), b = enn_f32_outputs(lower);
      const int both = 2 * t + 1 < p->ow;
      enn_vf_store(to, enn_vf_add(a.first, start));
      if (both) enn_vf_store(to + p->oc, enn_vf_add(a.second, start));
      if (rows < 2) continue;
      enn_vf_store(to + down, enn_vf_add(b.first, start));
      if (both) enn_vf_store(to + down + p->oc, enn_vf_add(b.second, start));
    }
  }
}

/* One row of A z A': four places of two outputs. */
ENN_INLINE void enn_f32_spread(enn_vf first, enn_vf second, enn_vf z[4]) {
  z[0] = first;
  z[1] = enn_vf_add(first, second);
  z[2] = enn_vf_sub(first, second);
  z[3] = enn_vf_sub(enn_vf_zero(), second);
}

/* z[place][tile][o] = A dy A' of a line; what lies beyond dy is 0. */
ENN_INLINE void enn_f32_winograd_dy(const float *dy, const enn_f32_window *p, int32_t rows,
                                    intptr_t place, float *z) {
  const int32_t tiles = (p->ow + 1) / 2;
  const intptr_t down = (intptr_t)p->ow * p->oc;
  const enn_vf none = enn_vf_zero();
  for (int32_t o = 0; o < p->oc; o += ENN_LANES) {
    for (int32_t t = 0; t < tiles; t++) {
      const float *from = dy + (intptr_t)2 * t * p->oc + o;
      float *to = z + (intptr_t)t * p->oc + o;
      const int wide = 2 * t + 1 < p->ow, high = rows == 2;
      enn_vf left[4], right[4];
      enn_f32_spread(enn_vf_load(from), high ? enn_vf_load(from + down) : none, left);
      enn_f32_spread(wide ? enn_vf_load(from + p->oc) : none,
                     wide && high ? enn_vf_load(from + down + p->oc) : none, right);
      ENN_UNROLL for (int i = 0; i < 4; i++) {
        enn_vf line[4];
        enn_f32_spread(left[i], right[i], line);
        ENN_UNROLL for (int j = 0; j < 4; j++) enn_vf_store(to + (4 * i + j) * place, line[j]);
      }
    }
  }
}

/* Where the weight of an output, an input and a tap lies, and how many there are of the first two. */
typedef struct {
  int32_t outputs, inputs;
  intptr_t output_step, input_step, tap_step;
} enn_f32_filters;

/* G g of three floats. */
ENN_INLINE void enn_f32_filter_line(const float *g, intptr_t step, float to[4]) {
  const float ends = g[0] + g[2 * step];
  to[0] = g[0];
  to[1] = 0.5f * (ends + g[step]);
  to[2] = 0.5f * (ends - g[step]);
  to[3] = g[2 * step];
}

/* u[place] = the panels of G w G', those of `part`; w is the first tap of the first filter. */
static inline void enn_f32_winograd_weights(const enn_f32_filters *f, const float *w, float *u,
                                            int32_t part) {
  const intptr_t place = (intptr_t)f->outputs * f->inputs;
  const int32_t end = enn_part_first(f->outputs, ENN_PANEL, part + 1);
  for (int32_t o = enn_part_first(f->outputs, ENN_PANEL, part); o < end; o++) {
    const int32_t panel = o / ENN_PANEL * ENN_PANEL;
    const int32_t width = enn_f32_panel_width(f->outputs, panel);
    for (int32_t i = 0; i < f->inputs; i++) {
      const float *g = w + o * f->output_step + i * f->input_step;
      float *to = u + (intptr_t)panel * f->inputs + (intptr_t)i * width + (o - panel);
      float lines[3][4], columns[4];
      for (int r = 0; r < 3; r++) enn_f32_filter_line(g + 3 * r * f->tap_step, f->tap_step, lines[r]);
      for (int j = 0; j < 4; j++) {
        enn_f32_filter_line(&lines[0][j], 4, columns);
        for (int r = 0; r < 4; r++) to[(4 * r + j) * place] = columns[r];
      }
    }
  }
}

/* Floats of one part: a padded image, and 16 places of x and of y. */
ENN_INLINE int32_t enn_f32_winograd_part(const enn_f32_window *p) {
  const enn_f32_window q = enn_f32_even_window(p);
  return enn_f32_padded_size(&q) + ENN_PLACES * (enn_f32_place_floats(p, p->c) + enn_f32_place_floats(p, p->oc));
}

ENN_INLINE int32_t enn_conv2d_winograd_f32_scratch(const enn_f32_window *p) {
  return ENN_PLACES * p->c * p->oc + ENN_SHARDS * enn_f32_winograd_part(p);
}

/* Work of one part: lines [first, end) of the batch, and where its transforms lie. */
typedef struct {
  int32_t first, end;
  float *padded, *v, *m;
} enn_f32_lines;

ENN_INLINE enn_f32_lines enn_f32_lines_of(const enn_f32_window *p, float *own, int32_t part) {
  const enn_f32_window q = enn_f32_even_window(p);
  const int32_t down = q.oh / 2;
  float *v = own + enn_f32_padded_size(&q);
  return (enn_f32_lines){enn_shard_first(p->n, part) * down, enn_shard_first(p->n, part + 1) * down,
                         own, v, v + ENN_PLACES * enn_f32_place_floats(p, p->c)};
}

/* Transforms x of `count` lines from `first`; images are read in ascending order. */
static inline void enn_f32_lines_input(const enn_f32_window *p, const enn_f32_lines *lines,
                                       const float *x, int32_t first, int32_t count) {
  const enn_f32_window q = enn_f32_even_window(p);
  const int32_t down = q.oh / 2, tiles = q.ow / 2;
  const intptr_t row = enn_f32_row(&q), place = enn_f32_place_floats(p, p->c);
  for (int32_t l = 0; l < count; l++) {
    const int32_t n = (first + l) / down, i = (first + l) % down;
    const float *image = x + (intptr_t)n * p->h * p->w * p->c;
    if (enn_f32_is_padded(&q)) {
      if (i == 0) enn_f32_copy_inside(&q, image, lines->padded);
      image = lines->padded;
    }
    enn_f32_winograd_input(image + 2 * i * row, row, p->c, tiles, place,
                           lines->v + (intptr_t)l * tiles * p->c);
  }
}

/* The convolution of one shard with the transformed weights u. */
static inline void enn_f32_winograd_shard(const enn_f32_window *p, const float *x, const float *u,
                                          const float *bias, float *own, float *y, int32_t part) {
  const enn_f32_window q = enn_f32_even_window(p);
  const enn_f32_lines lines = enn_f32_lines_of(p, own, part);
  const int32_t down = q.oh / 2, tiles = q.ow / 2, most = enn_f32_lines_at_once(p);
  const intptr_t x_place = enn_f32_place_floats(p, p->c), y_place = enn_f32_place_floats(p, p->oc);
  enn_f32_zero(lines.padded, enn_f32_padded_size(&q));
  for (int32_t first = lines.first; first < lines.end; first += most) {
    const int32_t count = lines.end - first < most ? lines.end - first : most;
    enn_f32_lines_input(p, &lines, x, first, count);
    for (int32_t k = 0; k < ENN_PLACES; k++) {
      for (int32_t o = 0; o < p->oc; o += ENN_PANEL) {
        const enn_f32_walk walk = {1, 1, p->c, 0, 0, 1, p->c, enn_f32_panel_width(p->oc, o)};
        const enn_f32_target t = {lines.m + k * y_place + o, p->oc, 0, 0, p->oc - o};
        const float *panel = u + ((intptr_t)k * p->oc + o) * p->c;
        enn_f32_rows_of_panel(&walk, lines.v + k * x_place, panel, &t, count * tiles);
      }
    }
    for (int32_t l = 0; l < count; l++) {
      const int32_t n = (first + l) / down, i = 2 * ((first + l) % down);
      enn_f32_winograd_output(lines.m + (intptr_t)l * tiles * p->oc, y_place, bias, p,
                              p->oh - i < 2 ? 1 : 2,
                              y + ((intptr_t)n * p->oh + i) * p->ow * p->oc);
    }
  }
}

/* bias may be null. */
ENN_INLINE void enn_conv2d_winograd_f32(const enn_f32_window *p, const float *x, const float *w,
                                        const float *bias, float *scratch, float *y, int32_t part,
                                        int32_t phase) {
  if (phase == 0) {
    const enn_f32_filters f = {p->oc, p->c, 9 * (intptr_t)p->c, 1, p->c};
    enn_f32_winograd_weights(&f, w, scratch, part);
    return;
  }
  float *own = scratch + ENN_PLACES * p->c * p->oc + (intptr_t)part * enn_f32_winograd_part(p);
  enn_f32_winograd_shard(p, x, scratch, bias, own, y, part);
}

ENN_INLINE int32_t enn_conv2d_grad_input_winograd_f32_scratch(const enn_f32_window *p) {
  const enn_f32_window q = enn_f32_turned_window(p);
  return enn_conv2d_winograd_f32_scratch(&q);
}

ENN_INLINE void enn_conv2d_grad_input_winograd_f32(const enn_f32_window *p, const float *dy,
                                                   const float *w, float *scratch, float *dx,
                                                   int32_t part, int32_t phase) {
  const enn_f32_window q = enn_f32_turned_window(p);
  if (phase == 0) {
    const enn_f32_filters f = {p->c, p->oc, 1, 9 * (intptr_t)p->c, -(intptr_t)p->c};
    enn_f32_winograd_weights(&f, w + 8 * (intptr_t)p->c, scratch, part);
    return;
  }
  float *own = scratch + ENN_PLACES * p->c * p->oc + (intptr_t)part * enn_f32_winograd_part(&q);
  enn_f32_winograd_shard(&q, dy, scratch, 0, own, dx, part);
}

/* Floats of scratch of one part: its sums[place][C][OC], then as above. */
ENN_INLINE int32_t enn_f32_winograd_sums_part(const enn_f32_window *p) {
  return ENN_PLACES * p->c * p->oc + enn_f32_winograd_part(p);
}

ENN_INLINE int32_t enn_conv2d_grad_weights_winograd_f32_scratch(const enn_f32_window *p) {
  return ENN_SHARDS * enn_f32_winograd_sums_part(p);
}

/* sums[place][c][o] += v[place][tile][c] z[place][tile][o] over the tiles of one shard. */
static inline void enn_f32_winograd_sums(const enn_f32_window *p, const float *x, const float *dy,
                                         float *sums, int32_t part) {
  const enn_f32_window q = enn_f32_even_window(p);
  const int32_t size = p->c * p->oc, down = q.oh / 2, tiles = q.ow / 2;
  const enn_f32_lines lines = enn_f32_lines_of(p, sums + ENN_PLACES * size, part);
  const int32_t most = enn_f32_lines_at_once(p);
  const intptr_t x_place = enn_f32_place_floats(p, p->c), y_place = enn_f32_place_floats(p, p->oc);
  enn_f32_zero(sums, ENN_PLACES * size);
  enn_f32_zero(lines.padded, enn_f32_padded_size(&q));
  for (int32_t first = lines.first; first < lines.end; first += most) {
    const int32_t count = lines.end - first < most ? lines.end - first : most;
    enn_f32_lines_input(p, &lines, x, first, count);
    for (int32_t l = 0; l < count; l++) {
      const int32_t n = (first + l) / down, i = 2 * ((first + l) % down);
      enn_f32_winograd_dy(dy + ((intptr_t)n * p->oh + i) * p->ow * p->oc, p, p->oh - i < 2 ? 1 : 2,
                          y_place, lines.m + (intptr_t)l * tiles * p->oc);
    }
    const enn_f32_walk walk = {1, 1, count * tiles, 0, 0, p->c, 1, p->oc};
    for (int32_t k = 0; k < ENN_PLACES; k++) {
      for (int32_t o = 0; o < p->oc; o += ENN_PANEL) {
        float *to = sums + (intptr_t)k * size + o;
        const enn_f32_target t = {to, p->oc, to, p->oc, p->oc - o};
        enn_f32_rows_of_panel(&walk, lines.v + k * x_place, lines.m + k * y_place + o, &t, p->c);
      }
    }
  }
}

/* G' s of four sums. */
ENN_INLINE void enn_f32_filter_gradient(const enn_vf s[4], enn_vf g[3]) {
  const enn_vf half = enn_vf_splat(0.5f);
  const enn_vf middle = enn_vf_mul(half, enn_vf_add(s[1], s[2]));
  g[0] = enn_vf_add(s[0], middle);
  g[1] = enn_vf_mul(half, enn_vf_sub(s[1], s[2]));
  g[2] = enn_vf_add(middle, s[3]);
}

/* dw = G' s G of the shards' sums together, the input channels that are `part`'s. */
static inline void enn_f32_winograd_together(const enn_f32_window *p, const float *sums, float *dw,
                                             int32_t part) {
  const intptr_t size = (intptr_t)p->c * p->oc, step = enn_f32_winograd_sums_part(p);
  const int32_t end = enn_part_first(p->c, 1, part + 1);
  for (int32_t c = enn_part_first(p->c, 1, part); c < end; c++) {
    for (int32_t o = 0; o < p->oc; o += ENN_LANES) {
      enn_vf columns[4][3];
      for (int j = 0; j < 4; j++) {
        enn_vf s[4];
        for (int i = 0; i < 4; i++) {
          s[i] = enn_shards_sums(sums + (4 * i + j) * size + (intptr_t)c * p->oc + o, step,
                                 ENN_LANES);
        }
        enn_f32_filter_gradient(s, columns[j]);
      }
      for (int u = 0; u < 3; u++) {
        const enn_vf s[4] = {columns[0][u], columns[1][u], columns[2][u], columns[3][u]};
        enn_vf g[3];
        enn_f32_filter_gradient(s, g);
        for (int v = 0; v < 3; v++) {
          float lanes[ENN_LANES];
          enn_vf_store(lanes, g[v]);
          for (int32_t l = 0; l < ENN_LANES; l++) {
            dw[((intptr_t)(o + l) * 9 + 3 * u + v) * p->c + c] = lanes[l];
          }
        }
      }
    }
  }
}

ENN_INLINE void enn_conv2d_grad_weights_winograd_f32(const enn_f32_window *p, const float *x,
                                                     const float *dy, float *scratch, float *dw,
                                                     int32_t part, int32_t phase) {
  if (phase == 0) {
    enn_f32_winograd_sums(p, x, dy, scratch + (intptr_t)part * enn_f32_winograd_sums_part(p), part);
  }
  if (phase == 1) enn_f32_winograd_together(p, scratch, dw, part);
}

#endif
