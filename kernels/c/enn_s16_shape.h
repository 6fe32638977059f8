/* Moving elements, int16: concat and pad, as enn_s8_shape.h with its parameters.
 *
 * Oracle: host/quant/interpret/shape.ts.
 */
#ifndef ENN_S16_SHAPE_H
#define ENN_S16_SHAPE_H

#include "enn_s8_shape.h"

#define ENN_T enn_s16
#define ENN_F(op) enn_##op##_s16__ref
#include "enn_body_shape.h"
#undef ENN_T
#undef ENN_F

#endif
