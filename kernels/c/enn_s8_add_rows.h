/* What the kernels of add with broadcasting share (enn_s8_add_rows_*.h): their structs, planes of
 * enn_s8_add_m0.h with the strides of enn_s8_elementwise.h, and the loop over rows. */
#ifndef ENN_S8_ADD_ROWS_H
#define ENN_S8_ADD_ROWS_H

#include "enn_rows_s8.h"
#include "enn_s8_add_m0.h"

struct enn_add_rows_s8 {
  int32_t dims[4], a_stride[4], b_stride[4];
  int32_t a_mult, b_mult, offset;
  int32_t clamp_min, clamp_max;
};

struct enn_add_finerows_s8 {
  int32_t dims[4], a_stride[4], b_stride[4];
  int32_t a_mult, b_mult, offset;
  int32_t a_low, b_low, offset_low;
  int32_t clamp_min, clamp_max;
};

/* Rows by `kernel`; where row_b stands still any other bytes are read instead, times 0. */
#define ENN_ADD_ROWS(kernel)                                                               \
  const int32_t still = p->a_stride[3] == 0 || p->b_stride[3] == 0;                        \
  ENN_ROWS_S8(p, a, b, y, {                                                                \
    const int32_t a_mult = swaps ? p->b_mult : p->a_mult;                                  \
    const int32_t b_mult = swaps ? p->a_mult : p->b_mult;                                  \
    const struct enn_add_plane_s8 own = {                                                  \
        .count = count,                                                                    \
        .a_mult = a_mult,                                                                  \
        .b_mult = still ? 0 : b_mult,                                                      \
        .offset = p->offset + (still ? row_b[0] * b_mult : 0),                             \
        .clamp_min = p->clamp_min,                                                         \
        .clamp_max = p->clamp_max,                                                         \
    };                                                                                     \
    kernel(&own, row_a, still ? row_a : row_b, y);                                         \
  })

#define ENN_ADD_FINEROWS(kernel)                                                           \
  const int32_t still = p->a_stride[3] == 0 || p->b_stride[3] == 0;                        \
  ENN_ROWS_S8(p, a, b, y, {                                                                \
    const int32_t a_mult = swaps ? p->b_mult : p->a_mult;                                  \
    const int32_t b_mult = swaps ? p->a_mult : p->b_mult;                                  \
    const int32_t a_low = swaps ? p->b_low : p->a_low;                                     \
    const int32_t b_low = swaps ? p->a_low : p->b_low;                                     \
    const struct enn_add_fine_s8 own = {                                                   \
        .count = count,                                                                    \
        .a_mult = a_mult,                                                                  \
        .b_mult = still ? 0 : b_mult,                                                      \
        .offset = p->offset + (still ? row_b[0] * b_mult : 0),                             \
        .a_low = a_low,                                                                    \
        .b_low = still ? 0 : b_low,                                                        \
        .offset_low = p->offset_low + (still ? row_b[0] * b_low : 0),                      \
        .clamp_min = p->clamp_min,                                                         \
        .clamp_max = p->clamp_max,                                                         \
    };                                                                                     \
    kernel(&own, row_a, still ? row_a : row_b, y);                                         \
  })

#endif
