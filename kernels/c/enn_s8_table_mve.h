/* Requantization of bytes by a table, int8, for Helium: enn_s8_table.h says what.
 *
 * Block: 16 bytes in 4 instructions: a load, a gather from the table, a store, LETP.
 *
 * Order of reading: ascending, of sixteen bytes all before the first is written; y may be x.
 * Oracle: host/quant/interpret/elementwise.ts, interpret-shape.ts.
 */
#ifndef ENN_S8_TABLE_MVE_H
#define ENN_S8_TABLE_MVE_H

#include "enn_mve.h"
#include "enn_s8_table.h"

ENN_INLINE void enn_table_run_mve(const int8_t *x, int32_t count, const ENN_CONST int8_t *table,
                                  int8_t *y) {
#if ENN_HAS_MVE
  __asm__ volatile(
      "wlstp.8 lr, %[n], 2f\n"
      "1: vldrb.u8 q0, [%[x]], #16\n"
      " vldrb.u8 q1, [%[table], q0]\n"
      " vstrb.8 q1, [%[y]], #16\n"
      " letp lr, 1b\n"
      "2:\n"
      : [x] "+&r"(x), [y] "+&r"(y)
      : [n] "r"(count), [table] "r"(table)
      : "lr", "q0", "q1", "memory");
#else
  enn_table_run(x, count, table, y);
#endif
}

ENN_INLINE void enn_requantize_s8_table__mve(const ENN_CONST struct enn_table_s8 *p,
                                             const int8_t *x, const ENN_CONST int8_t *table,
                                             int8_t *y) {
  ENN_TABLE_ROWS(enn_table_run_mve(x, p->length, table, y));
}

ENN_INLINE void enn_concat_s8_copy__mve(const ENN_CONST struct enn_table_s8 *p, const int8_t *x,
                                        int8_t *y) {
  ENN_TABLE_ROWS(enn_mve_copy(x, p->length, y));
}

#endif
