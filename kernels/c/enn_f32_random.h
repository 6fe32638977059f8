/*
 * enn_f32_random.h: Philox 4x32-10 (Salmon et al., SC 2011), bit for bit host/core/random.ts, and
 * the dropout mask.
 *
 * Element i of the mask of stream t, for key = [seed, epoch, step], is word i mod 4 of
 * philox(counter = [i / 4, step, epoch, t], key = [seed, purpose dropout]).
 */
#ifndef ENN_F32_RANDOM_H
#define ENN_F32_RANDOM_H

#include "enn_f32_math.h"

#define ENN_PURPOSE_DROPOUT 3u

static inline void enn_philox(uint32_t counter[4], uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; round++) {
    const uint64_t a = (uint64_t)0xd2511f53u * counter[0];
    const uint64_t b = (uint64_t)0xcd9e8d57u * counter[2];
    counter[0] = (uint32_t)(b >> 32) ^ counter[1] ^ k0;
    counter[1] = (uint32_t)b;
    counter[2] = (uint32_t)(a >> 32) ^ counter[3] ^ k1;
    counter[3] = (uint32_t)a;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
}

typedef struct {
  int32_t n;
  float rate;
  float kept; /* 1 / (1 - rate) */
  int32_t stream;
} enn_f32_dropout;

/* 0 where the uniform number word / 2^32 (its upper 24 bits) is below rate, else 1 / (1 - rate). */
static inline void enn_dropout_mask_f32(const enn_f32_dropout *p, const int32_t *key, float *y,
                                        int32_t part) {
  const int32_t end = enn_part_first(p->n, 4, part + 1);
  for (int32_t i = enn_part_first(p->n, 4, part); i < end; i += 4) {
    uint32_t words[4] = {(uint32_t)i / 4u, (uint32_t)key[2], (uint32_t)key[1],
                         (uint32_t)p->stream};
    enn_philox(words, (uint32_t)key[0], ENN_PURPOSE_DROPOUT);
    for (int32_t l = 0; l < 4 && i + l < p->n; l++) {
      const float uniform = (float)(words[l] >> 8) / 16777216.0f;
      y[i + l] = uniform < p->rate ? 0.0f : p->kept;
    }
  }
}

#endif
