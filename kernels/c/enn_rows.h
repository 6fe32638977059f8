/* Layers by rows: the first layers of a network as one step that keeps a few lines of the images
 * between them instead of all rows.
 *
 *     while ((image = enn_rows_next(g, memory)) >= 0) {
 *       row = enn_rows_row(g, memory, image);
 *       y = enn_rows_room(g, memory, image);
 *       ... the layer's kernel, for an image of one row: x = enn_rows_line(g, memory, feed, row)
 *       enn_rows_done(g, memory, image);
 *     }
 *
 * The result asks for its rows one after the other. A row asks for the rows that it reads, and of all
 * that wait for each other the first that has what it needs is computed: every row once, as late as
 * possible. host/lower/rows/schedule.ts does the same, and counts how many lines each image must keep
 * so that no row goes before it was read for the last time, and how far lines and result may lie over
 * rows of the input that were read.
 *
 * Layout: an image is lines[lines][line_bytes] at `at` of the arena, the oldest line first; a row that
 * is computed when all are taken moves them up by one. Rows of a window are neighbours, so that the
 * kernels are those of whole images: a row is an image of one row over as many rows as its window has
 * of the image, with the rest as padding. At `next` of the arena is a uint16 per image: how many rows
 * it has.
 *
 * Moving lines takes about one instruction a byte and row; the arithmetic is that of the kernels.
 * Oracle: host/quant/interpret/interpret.ts, as for the layers by themselves.
 */
#ifndef ENN_ROWS_H
#define ENN_ROWS_H

#include "enn_fixed.h"

/* An image; without feeds it is an input. */
struct enn_row_image {
  int32_t rows, lines, line_bytes;
  int32_t at;
  int32_t first_feed, feeds;
};

/* Row r reads rows [r stride - before, + span) of image `from`, those that exist. */
struct enn_row_feed {
  int32_t from;
  int32_t stride, before, span;
};

struct enn_row_group {
  const ENN_CONST struct enn_row_image *images; /* the result is the last */
  const ENN_CONST struct enn_row_feed *feeds;
  int32_t count;
  int32_t next;
  int32_t streams; /* the rows of the first image, the only input, arrive (enn_rows_feed) */
};

/* No row can be computed: the result is complete, or an input has not arrived. */
#define ENN_ROWS_DONE (-1)
#define ENN_ROWS_WAITS (-2)

typedef uint16_t __attribute__((may_alias)) enn_rows_count;

ENN_INLINE enn_rows_count *enn_rows_counts(const ENN_CONST struct enn_row_group *g, int8_t *memory) {
  return (enn_rows_count *)(void *)(memory + g->next);
}

/* How many rows an image has, which is the next one's number. */
ENN_INLINE int32_t enn_rows_row(const ENN_CONST struct enn_row_group *g, int8_t *memory,
                                int32_t image) {
  return enn_rows_counts(g, memory)[image];
}

/* Begins an inference; inputs that do not arrive are there with all their rows. */
ENN_OUTLINE void enn_rows_begin(const ENN_CONST struct enn_row_group *g, int8_t *memory) {
  for (int32_t i = 0; i < g->count; i++) {
    const ENN_CONST struct enn_row_image *image = &g->images[i];
    const int32_t there = image->feeds == 0 && !g->streams;
    enn_rows_counts(g, memory)[i] = (enn_rows_count)(there ? image->rows : 0);
  }
}

/* Which image to compute a row of. */
ENN_OUTLINE int32_t enn_rows_next(const ENN_CONST struct enn_row_group *g, int8_t *memory) {
  const enn_rows_count *const next = enn_rows_counts(g, memory);
  int32_t image = g->count - 1;
  if (next[image] == g->images[image].rows) return ENN_ROWS_DONE;
  for (int32_t k = 0; k < g->images[image].feeds;) {
    const ENN_CONST struct enn_row_feed *feed = &g->feeds[g->images[image].first_feed + k];
    const int32_t end = next[image] * feed->stride - feed->before + feed->span;
    if (next[feed->from] >= enn_min(end, g->images[feed->from].rows)) {
      k++;
    } else {
      image = feed->from;
      if (g->images[image].feeds == 0) return ENN_ROWS_WAITS;
      k = 0;
    }
  }
  return image;
}

/* The first of the rows that a row reads from a feed. */
ENN_OUTLINE int8_t *enn_rows_line(const ENN_CONST struct enn_row_group *g, int8_t *memory,
                                  int32_t feed, int32_t row) {
  const ENN_CONST struct enn_row_feed *f = &g->feeds[feed];
  const ENN_CONST struct enn_row_image *image = &g->images[f->from];
  const int32_t oldest = enn_max(enn_rows_row(g, memory, f->from) - image->lines, 0);
  const int32_t first = enn_min(enn_max(row * f->stride - f->before, 0), image->rows - 1);
  return memory + image->at + (first - oldest) * image->line_bytes;
}

/* Where the next row of an image goes; the oldest line makes room. */
ENN_OUTLINE int8_t *enn_rows_room(const ENN_CONST struct enn_row_group *g, int8_t *memory,
                                  int32_t image) {
  const ENN_CONST struct enn_row_image *own = &g->images[image];
  const int32_t row = enn_rows_row(g, memory, image), line = own->line_bytes;
  int8_t *const lines = memory + own->at;
  if (row < own->lines) return lines + row * line;
  const int32_t rest = (own->lines - 1) * line;
  __builtin_memmove(lines, lines + line, (uint32_t)rest);
  return lines + rest;
}

ENN_INLINE void enn_rows_done(const ENN_CONST struct enn_row_group *g, int8_t *memory, int32_t image) {
  enn_rows_counts(g, memory)[image]++;
}

/* Takes bytes of the next row of an input that arrives, when it is waited for; they begin at byte
 * `offset` of the input. Returns how many of `count`. What comes after the result is
 * complete is dropped. */
ENN_OUTLINE uint32_t enn_rows_feed(const ENN_CONST struct enn_row_group *g, int8_t *memory,
                                   uint32_t offset, const uint8_t *bytes, uint32_t count) {
  const ENN_CONST struct enn_row_image *input = &g->images[0];
  const int32_t row = enn_rows_row(g, memory, 0);
  const uint32_t line = (uint32_t)input->line_bytes, at = offset - (uint32_t)row * line;
  if (enn_rows_next(g, memory) == ENN_ROWS_DONE) return count;
  const uint32_t taken = count < line - at ? count : line - at;
  int8_t *const to = at == 0 ? enn_rows_room(g, memory, 0)
                             : memory + input->at + enn_min(row, input->lines - 1) * input->line_bytes;
  __builtin_memcpy(to + at, bytes, taken);
  if (at + taken == line) enn_rows_done(g, memory, 0);
  return taken;
}

#endif
