/* What the `mve` kernels (Helium, the vectors of Armv8.1-M) share. Each of their inner blocks is
 * written twice: in assembly with fixed registers, and in plain C for machines without Helium, so
 * that these kernels also run, and are tested, there. Q registers hold 16 bytes.
 *
 * Loops with `wlstp`/`letp` process the last, partial vector with its missing lanes off: those are
 * neither read nor written.
 *
 * Requantization: for a factor mult 2^-(31 + right), right in [1, 22], VQRDMULH is the first
 * rounding of enn_multiply (enn_fixed.h), VRSHL by -right the second, but with halves upwards: where
 * the accumulator is negative 1 is taken off before it, so that halves go away from zero (the
 * product has the accumulator's sign, or it is 0, which stays 0). Where no output lies below the
 * zero point, as behind a ReLU, that changes nothing and is left out: negative sums end at
 * the clamp either way.
 */
#ifndef ENN_MVE_H
#define ENN_MVE_H

#include "enn_dsp.h"

#if defined(__ARM_FEATURE_MVE) && defined(__thumb2__)
#define ENN_HAS_MVE 1
#else
#define ENN_HAS_MVE 0
#endif

#define ENN_MVE_BYTES 16

/* Copies `count` bytes; returns where the next would go. */
ENN_INLINE int8_t *enn_mve_copy(const int8_t *from, int32_t count, int8_t *to) {
#if ENN_HAS_MVE
  int8_t *at = to;
  __asm__ volatile(
      "wlstp.8 lr, %[n], 2f\n"
      "1: vldrb.u8 q0, [%[from]], #16\n"
      " vstrb.8 q0, [%[at]], #16\n"
      " letp lr, 1b\n"
      "2:\n"
      : [from] "+&r"(from), [at] "+&r"(at)
      : [n] "r"(count)
      : "lr", "q0", "memory");
#else
  for (int32_t i = 0; i < count; i++) to[i] = from[i];
#endif
  return to + count;
}

/* `count` bytes of `value`; returns where the next would go. */
ENN_INLINE int8_t *enn_mve_fill(int32_t value, int32_t count, int8_t *to) {
#if ENN_HAS_MVE
  int8_t *at = to;
  __asm__ volatile(
      "vdup.8 q0, %[value]\n"
      "wlstp.8 lr, %[n], 2f\n"
      "1: vstrb.8 q0, [%[at]], #16\n"
      " letp lr, 1b\n"
      "2:\n"
      : [at] "+&r"(at)
      : [value] "r"(value), [n] "r"(count)
      : "lr", "q0", "memory");
#else
  for (int32_t i = 0; i < count; i++) to[i] = (int8_t)value;
#endif
  return to + count;
}

/* The clamp of a layer, where it is narrower than int8: outputs that are already written. */
ENN_INLINE void enn_mve_clamp(int8_t *y, int32_t count, int32_t low, int32_t high) {
  if (low == INT8_MIN && high == INT8_MAX) return;
#if ENN_HAS_MVE
  __asm__ volatile(
      "vdup.8 q1, %[low]\n"
      "vdup.8 q2, %[high]\n"
      "wlstp.8 lr, %[n], 2f\n"
      "1: vldrb.u8 q0, [%[y]]\n"
      " vmax.s8 q0, q0, q1\n"
      " vmin.s8 q0, q0, q2\n"
      " vstrb.8 q0, [%[y]], #16\n"
      " letp lr, 1b\n"
      "2:\n"
      : [y] "+&r"(y)
      : [low] "r"(low), [high] "r"(high), [n] "r"(count)
      : "lr", "q0", "q1", "q2", "memory");
#else
  for (int32_t i = 0; i < count; i++) y[i] = enn_clamp_s8(y[i], low, high);
#endif
}

#endif
