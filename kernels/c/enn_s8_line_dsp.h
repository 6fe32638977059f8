/* Requantization of bytes by a line, int8, for Armv7E-M: requantize, relu, relu6 and the parts of a
 * concat.
 *
 *     y = clamp((x mult + offset) >> 22), limited to int8 first
 *
 * There are 256 inputs only: host/lower/pack/byte-map.ts looks for a line that gives what
 * enn_requantize_s8__ref gives for each of them. Rows of `length` bytes go to rows `stride` apart, from
 * `at` on. Where there is no such line the table of enn_s8_table.h does.
 *
 * Block: 4 bytes in 19 instructions: LDRSB, MLA, SSAT with its shift, STRB each, and three for the loop.
 *
 * Accumulator: |x mult + offset| < 2^31, proven by the compiler. Order of reading: ascending; y may be x.
 * Oracle: host/quant/interpret/elementwise.ts, interpret-shape.ts.
 */
#ifndef ENN_S8_LINE_DSP_H
#define ENN_S8_LINE_DSP_H

#include "enn_dsp.h"
#include "enn_s8_table.h"

struct enn_line_s8 {
  int32_t rows, length;
  int32_t stride, at;
  int32_t mult, offset;
  int32_t clamp_min, clamp_max;
};

ENN_INLINE void enn_line_run(const int8_t *x, int32_t count, int32_t mult, int32_t offset,
                             int8_t *y) {
  for (; count >= 4; count -= 4, x += 4, y += 4) {
    y[0] = (int8_t)enn_ssat8_asr22(x[0] * mult + offset);
    y[1] = (int8_t)enn_ssat8_asr22(x[1] * mult + offset);
    y[2] = (int8_t)enn_ssat8_asr22(x[2] * mult + offset);
    y[3] = (int8_t)enn_ssat8_asr22(x[3] * mult + offset);
  }
  for (; count > 0; count--) *y++ = (int8_t)enn_ssat8_asr22(*x++ * mult + offset);
}

ENN_INLINE void enn_requantize_s8_line__dsp(const ENN_CONST struct enn_line_s8 *p, const int8_t *x,
                                            int8_t *y) {
  const int32_t mult = p->mult, offset = p->offset;
  y += p->at;
  for (int32_t i = p->rows; i > 0; i--, x += p->length, y += p->stride) {
    enn_line_run(x, p->length, mult, offset, y);
    enn_clamp_written(y, p->length, p->clamp_min, p->clamp_max);
  }
}

ENN_INLINE void enn_requantize_s8_table__dsp(const ENN_CONST struct enn_table_s8 *p,
                                             const int8_t *x, const ENN_CONST int8_t *table,
                                             int8_t *y) {
  ENN_TABLE_ROWS(enn_table_run(x, p->length, table, y));
}

ENN_INLINE void enn_concat_s8_copy__dsp(const ENN_CONST struct enn_table_s8 *p, const int8_t *x,
                                        int8_t *y) {
  y += p->at;
  for (int32_t i = p->rows; i > 0; i--, x += p->length, y += p->stride) {
    int32_t at = 0;
    for (; at + 4 <= p->length; at += 4) enn_store32(y + at, enn_load32(x + at));
    for (; at < p->length; at++) y[at] = x[at];
  }
}

#endif
