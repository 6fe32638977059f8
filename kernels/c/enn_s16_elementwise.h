/* Element by element, int16: add, mul and requantize, as enn_s8_elementwise.h with its parameters, but
 * that add shifts its operands by 15 bits. requantize also goes from int8 to int16 and back; then y may
 * be x only where the elements become smaller.
 *
 * Accumulator: add |sum| <= 2^30, mul |product| <= 2^30.
 * Oracle: host/quant/interpret/elementwise.ts.
 */
#ifndef ENN_S16_ELEMENTWISE_H
#define ENN_S16_ELEMENTWISE_H

#include "enn_s8_elementwise.h"

#define ENN_T enn_s16
#define ENN_F(op) enn_##op##_s16__ref
#define ENN_U enn_s16
#define ENN_ADD_BITS 15
#include "enn_body_elementwise.h"
#include "enn_body_requantize.h"
#undef ENN_T
#undef ENN_F
#undef ENN_U
#undef ENN_ADD_BITS

#define ENN_T int8_t
#define ENN_F(op) enn_##op##_s8s16__ref
#define ENN_U enn_s16
#include "enn_body_requantize.h"
#undef ENN_T
#undef ENN_F
#undef ENN_U

#define ENN_T enn_s16
#define ENN_F(op) enn_##op##_s16s8__ref
#define ENN_U int8_t
#include "enn_body_requantize.h"
#undef ENN_T
#undef ENN_F
#undef ENN_U

#endif
