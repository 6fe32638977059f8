/* Pooling, int16: max_pool2d and avg_pool2d, as enn_s8_pool.h with its parameters.
 *
 * Accumulator: |acc| <= 2^15 kernel_h kernel_w.
 * Oracle: host/quant/interpret/pool.ts.
 */
#ifndef ENN_S16_POOL_H
#define ENN_S16_POOL_H

#include "enn_s8_pool.h"

#define ENN_T enn_s16
#define ENN_F(op) enn_##op##_s16__ref
#include "enn_body_pool.h"
#undef ENN_T
#undef ENN_F

#endif
