/* add with broadcasting, int8, for Helium: planes row by row.
 *
 * Each row is an add of two rows of one shape (enn_s8_add_mve.h). An operand that stands still along a row
 * adds the same to every element: that goes into the offset, and its factor is 0.
 *
 * Order of reading: ascending; y may be an operand that is not broadcast.
 * Oracle: host/quant/interpret/elementwise.ts.
 */
#ifndef ENN_S8_ADD_ROWS_MVE_H
#define ENN_S8_ADD_ROWS_MVE_H

#include "enn_s8_add_mve.h"
#include "enn_s8_add_rows.h"

ENN_INLINE void enn_add_s8_rows__mve(const ENN_CONST struct enn_add_rows_s8 *p, const int8_t *a,
                                     const int8_t *b, int8_t *y) {
  ENN_ADD_ROWS(enn_add_s8_plane__mve)
}

ENN_INLINE void enn_add_s8_finerows__mve(const ENN_CONST struct enn_add_finerows_s8 *p,
                                         const int8_t *a, const int8_t *b, int8_t *y) {
  ENN_ADD_FINEROWS(enn_add_s8_fine__mve)
}

#endif
