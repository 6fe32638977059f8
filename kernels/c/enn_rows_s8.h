/* Rows of two operands of which one may be broadcast: the loop around the kernels of enn_s8_mul_*.h and
 * enn_s8_add_*.h. Layout as in enn_s8_elementwise.h: along the last of four dimensions an operand runs
 * (stride 1) or stands still (stride 0). */
#ifndef ENN_ROWS_S8_H
#define ENN_ROWS_S8_H

#include "enn_s8_elementwise.h"

/* What is last for every row, from row_a and row_b to y; it may use `count`. An operand that stands still is
 * row_b. */
#define ENN_ROWS_S8(p, a, b, y, ...)                                      \
  {                                                                       \
    const int32_t count = (p)->dims[3];                                   \
    const int swaps = (p)->a_stride[3] == 0 && count > 1;                 \
    for (int32_t i = 0; i < (p)->dims[0]; i++) {                          \
      for (int32_t j = 0; j < (p)->dims[1]; j++) {                        \
        for (int32_t k = 0; k < (p)->dims[2]; k++, y += count) {          \
          const int8_t *const at_a = a + enn_row_at((p)->a_stride, i, j, k); \
          const int8_t *const at_b = b + enn_row_at((p)->b_stride, i, j, k); \
          const int8_t *const row_a = swaps ? at_b : at_a;                \
          const int8_t *const row_b = swaps ? at_a : at_b;                \
          __VA_ARGS__;                                                    \
        }                                                                 \
      }                                                                   \
    }                                                                     \
  }

#endif
