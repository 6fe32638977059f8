/* Fully connected layer, int8, for Armv6-M: four outputs at a time, two of them in one MULS.
 *
 * y as enn_s8_dense.h says. The weights of four outputs for one input are a word of four bytes
 * w + 128, of which bytes 1 and 3 are a pair after one shift and one mask (enn_m0.h). The word itself
 * times the input less 2^8 times that pair's product is the product of bytes 0 and 2, modulo 2^32. The
 * 128 are taken off again by chunks: 128 times the sum of a chunk's inputs, from both numbers.
 *
 * Layout: w[ceil(out / 4)][in][4], each plus 128; 128 for outputs that are not there; behind it the
 * lengths of the chunks, in [1, 16], which add up to `in`: the sum of |w| of every output over each
 * is at most 255. 4-aligned. Zero point and origin are in the bias; `levels` has one entry unless
 * per_axis. scratch: 4 in + 8 chunks bytes: for each chunk its jump, its inputs as words, and what
 * has to be taken off.
 *
 * Block: 4 outputs x 1 input = 4 MAC in 8 instructions: 2 LDM, LSRS, ANDS, 2 MULS, 2 ADDS; a chunk of n
 * inputs takes 8 n + 21.
 *
 * Order of reading: x first, then the outputs.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DENSE_M0_H
#define ENN_S8_DENSE_M0_H

#include "enn_m0.h"
#include "enn_s8_dense.h"

#define ENN_INPUT_CHUNK 16
#define ENN_INPUT_CODE 16 /* bytes of an input's instructions */
#define ENN_ODD_BYTES 0x00FF00FFu
#define ENN_BOTH_128 0x00800080u

struct enn_m0_four {
  int32_t sum[4];
};

#if ENN_HAS_M0
#define ENN_M0_INPUT                                                               \
  " ldmia r0!, {r3}\n ldmia r1!, {r2}\n lsrs r4, r2, #8\n ands r4, r7\n"           \
  " muls r2, r3\n muls r4, r3\n adds r5, r5, r2\n adds r6, r6, r4\n"
#define ENN_M0_INPUTS4 ENN_M0_INPUT ENN_M0_INPUT ENN_M0_INPUT ENN_M0_INPUT
#endif

/* The four sums of a group of outputs, whose weights are passed. */
ENN_INLINE struct enn_m0_four enn_m0_dot4(const int8_t *stream, const int8_t *stream_end,
                                          const ENN_CONST int8_t **weights) {
#if ENN_HAS_M0
  register const int8_t *x __asm__("r0") = stream;
  register const ENN_CONST int8_t *w __asm__("r1") = *weights;
  register int32_t a __asm__("r8") = 0, b __asm__("r9") = 0;
  register int32_t c __asm__("r10") = 0, d __asm__("r11") = 0;
  register const int8_t *end __asm__("r12") = stream_end;
  register uint32_t mask __asm__("r7") = ENN_ODD_BYTES;
  __asm__ volatile(
      ENN_M0_ASM("1:\n"
                 " ldmia r0!, {r3}\n"
                 " movs r5, #0\n"
                 " movs r6, #0\n"
                 " add pc, r3\n"
                 " nop\n" /* pc is two instructions ahead */
                 ENN_M0_INPUTS4 ENN_M0_INPUTS4 ENN_M0_INPUTS4 ENN_M0_INPUTS4
                 " ldmia r0!, {r3}\n"
                 " lsls r2, r6, #8\n"
                 " subs r5, r5, r2\n"
                 " subs r5, r5, r3\n"
                 " subs r6, r6, r3\n"
                 " sxth r2, r5\n add r8, r2\n subs r5, r5, r2\n asrs r5, r5, #16\n add r10, r5\n"
                 " sxth r2, r6\n add r9, r2\n subs r6, r6, r2\n asrs r6, r6, #16\n add r11, r6\n"
                 " cmp r0, r12\n"
                 " beq 2f\n"
                 " b 1b\n"
                 "2:\n")
      : "+r"(x), "+r"(w), "+r"(a), "+r"(b), "+r"(c), "+r"(d)
      : "r"(end), "r"(mask)
      : "r2", "r3", "r4", "r5", "r6", "cc", "memory");
  *weights = w;
  return (struct enn_m0_four){{a, b, c, d}};
#else
  struct enn_m0_four out = {{0, 0, 0, 0}};
  const ENN_CONST int8_t *w = *weights;
  while (stream < stream_end) {
    uint32_t word = 0, odd = 0;
    const uint32_t missing = enn_m0_load(stream) / ENN_INPUT_CODE;
    stream += 4;
    for (uint32_t n = ENN_INPUT_CHUNK - missing; n > 0; n--, stream += 4, w += 4) {
      const uint32_t four = enn_m0_load(w), x = enn_m0_load(stream);
      word += four * x;
      odd += (four >> 8 & ENN_ODD_BYTES) * x;
    }
    const uint32_t off = enn_m0_load(stream), even = word - (odd << 8) - off;
    stream += 4;
    odd -= off;
    out.sum[0] = enn_m0_add(out.sum[0], enn_pair_low(even));
    out.sum[1] = enn_m0_add(out.sum[1], enn_pair_low(odd));
    out.sum[2] = enn_m0_add(out.sum[2], enn_pair_high(even));
    out.sum[3] = enn_m0_add(out.sum[3], enn_pair_high(odd));
  }
  *weights = w;
  return out;
#endif
}

/* The inputs by chunks; returns the end. */
ENN_INLINE int8_t *enn_m0_stream(const int8_t *x, int32_t in, const ENN_CONST int8_t *lengths,
                                 int8_t *to) {
  for (int32_t left = in; left > 0;) {
    const int32_t length = *lengths++;
    int32_t sum = 0;
    enn_m0_store(to, (uint32_t)((ENN_INPUT_CHUNK - length) * ENN_INPUT_CODE));
    to += 4;
    for (int32_t i = 0; i < length; i++, to += 4) {
      const int32_t value = *x++;
      sum += value;
      enn_m0_store(to, (uint32_t)value);
    }
    enn_m0_store(to, (uint32_t)sum * ENN_BOTH_128);
    to += 4;
    left -= length;
  }
  return to;
}

ENN_INLINE void enn_dense_s8_pairs4__m0(const ENN_CONST struct enn_dense_s8 *p, const int8_t *x,
                                        const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                        const ENN_CONST int32_t *levels, int8_t *scratch,
                                        int8_t *y) {
  const int32_t groups = (p->out + 3) / 4, step = p->per_axis ? enn_level_words(levels) : 0;
  const ENN_CONST int32_t *entry = levels + ENN_LEVEL_HEAD;
  const int8_t *const end = enn_m0_stream(x, p->in, w + 4 * groups * p->in, scratch);
  struct enn_level level = enn_level_at(levels, entry);
  for (int32_t o = 0; o < p->out; o += 4) {
    const struct enn_m0_four four = enn_m0_dot4(scratch, end, &w);
    for (int32_t i = 0; i < 4 && o + i < p->out; i++, entry += step) {
      if (step > 0) level = enn_level_at(levels, entry);
      *y++ = enn_level_out(enn_m0_add(*bias++, four.sum[i]), &level);
    }
  }
  enn_m0_clamp(y - p->out, p->out, p->clamp_min, p->clamp_max);
}

#endif
