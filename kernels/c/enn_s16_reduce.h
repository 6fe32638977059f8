/* Mean over axes, int16, as enn_s8_reduce.h with its parameters.
 *
 * Accumulator: |acc| <= 2^15 n, times 2^shift where shift > 0; proven by the compiler.
 * Oracle: host/quant/interpret/pool.ts.
 */
#ifndef ENN_S16_REDUCE_H
#define ENN_S16_REDUCE_H

#include "enn_s8_reduce.h"

#define ENN_T enn_s16
#define ENN_F(op) enn_##op##_s16__ref
#define ENN_LEAST INT16_MIN
#define ENN_MOST INT16_MAX
#include "enn_body_reduce.h"
#undef ENN_T
#undef ENN_F
#undef ENN_LEAST
#undef ENN_MOST

#endif
