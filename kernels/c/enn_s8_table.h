/* Requantization of bytes by a table, int8: requantize, relu, relu6 and the parts of a concat.
 *
 * y = table[x & 255]: what enn_requantize_s8__ref gives for each of 256 inputs, made by the compiler
 * (host/lower/pack/byte-map.ts). Rows of `length` bytes go to rows `stride` apart, from `at` on; `copy` takes
 * an input that stays as it is.
 *
 * Block: 8 bytes in 27 instructions, three each, and three for the loop. A copy by words takes 11 for
 * 16 bytes.
 *
 * Order of reading: ascending, of eight bytes all before the first is written; y may be x.
 * Oracle: host/quant/interpret/elementwise.ts, interpret-shape.ts.
 */
#ifndef ENN_S8_TABLE_H
#define ENN_S8_TABLE_H

#include "enn_fixed.h"

struct enn_table_s8 {
  int32_t rows, length;
  int32_t stride, at;
};

ENN_INLINE void enn_table_run(const int8_t *x, int32_t count, const ENN_CONST int8_t *table,
                              int8_t *y) {
  for (; count >= 8; count -= 8, x += 8, y += 8) {
    y[0] = table[(uint8_t)x[0]];
    y[1] = table[(uint8_t)x[1]];
    y[2] = table[(uint8_t)x[2]];
    y[3] = table[(uint8_t)x[3]];
    y[4] = table[(uint8_t)x[4]];
    y[5] = table[(uint8_t)x[5]];
    y[6] = table[(uint8_t)x[6]];
    y[7] = table[(uint8_t)x[7]];
  }
  for (; count > 0; count--) *y++ = table[(uint8_t)*x++];
}

/* Words where all addresses are whole ones. */
ENN_INLINE void enn_copy_run(const int8_t *x, int32_t count, int8_t *y) {
  if ((((uintptr_t)x | (uintptr_t)y) & 3u) == 0) {
    for (; count >= 16; count -= 16, x += 16, y += 16) {
      uint32_t words[4];
      __builtin_memcpy(words, __builtin_assume_aligned(x, 4), sizeof words);
      __builtin_memcpy(__builtin_assume_aligned(y, 4), words, sizeof words);
    }
  }
  for (; count >= 4; count -= 4, x += 4, y += 4) {
    const int8_t a = x[0], b = x[1], c = x[2], d = x[3];
    y[0] = a;
    y[1] = b;
    y[2] = c;
    y[3] = d;
  }
  for (; count > 0; count--) *y++ = *x++;
}

#define ENN_TABLE_ROWS(run)                                       \
  y += p->at;                                                     \
  for (int32_t i = p->rows; i > 0; i--, x += p->length, y += p->stride) run

ENN_INLINE void enn_requantize_s8_table__m0(const ENN_CONST struct enn_table_s8 *p, const int8_t *x,
                                            const ENN_CONST int8_t *table, int8_t *y) {
  ENN_TABLE_ROWS(enn_table_run(x, p->length, table, y));
}

ENN_INLINE void enn_concat_s8_copy__m0(const ENN_CONST struct enn_table_s8 *p, const int8_t *x,
                                       int8_t *y) {
  ENN_TABLE_ROWS(enn_copy_run(x, p->length, y));
}

#endif
