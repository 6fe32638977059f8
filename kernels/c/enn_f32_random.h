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

/* The words of ENN_LANES counters that begin with `first`, `first` + 1, ... and are else alike. */
static inline void enn_philox_lanes(const uint32_t counter[4], uint32_t k0, uint32_t k1,
                                    uint32_t words[4][ENN_LANES]) {
  const enn_vi a = enn_vi_splat((int32_t)0xd2511f53u), b = enn_vi_splat((int32_t)0xcd9e8d57u);
  for (uint32_t l = 0; l < ENN_LANES; l++) words[0][l] = counter[0] + l;
  enn_vi c0 = enn_vi_load(words[0]), c1 = enn_vi_splat((int32_t)counter[1]);
  enn_vi c2 = enn_vi_splat((int32_t)counter[2]), c3 = enn_vi_splat((int32_t)counter[3]);
  for (int round = 0; round < 10; round++) {
    enn_vi low0, low2;
    const enn_vi high0 = enn_vi_mul_wide(c0, a, &low0), high2 = enn_vi_mul_wide(c2, b, &low2);
    c0 = enn_vi_xor(enn_vi_xor(high2, c1), enn_vi_splat((int32_t)k0));
    c2 = enn_vi_xor(enn_vi_xor(high0, c3), enn_vi_splat((int32_t)k1));
    c1 = low2;
    c3 = low0;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  enn_vi_store(words[0], c0);
  enn_vi_store(words[1], c1);
  enn_vi_store(words[2], c2);
  enn_vi_store(words[3], c3);
}

typedef struct {
  int32_t n;
  float rate;
  float kept; /* 1 / (1 - rate) */
  int32_t stream;
} enn_f32_dropout;

/* a where the uniform number k / 2^24, k the upper 24 bits of a word, is at least rate, else 0. */
typedef struct {
  uint32_t least; /* the first k that is kept */
  uint32_t kept;  /* the bits of a */
} enn_f32_kept;

/* Without a branch: which way it goes is random. */
ENN_INLINE uint32_t enn_f32_keep(const enn_f32_kept *q, uint32_t word) {
  return q->kept & (0u - (uint32_t)((word >> 8) >= q->least));
}

static inline void enn_dropout_mask_f32(const enn_f32_dropout *p, const int32_t *key, float *y,
                                        int32_t part) {
  const int32_t many = 4 * ENN_LANES, end = enn_part_first(p->n, 4, part + 1);
  const float limit = p->rate * 16777216.0f;
  enn_f32_kept q = {(uint32_t)limit, 0};
  if ((float)q.least < limit) q.least++;
  __builtin_memcpy(&q.kept, &p->kept, sizeof q.kept);
  for (int32_t i = enn_part_first(p->n, 4, part); i < end; i += many) {
    const uint32_t counter[4] = {(uint32_t)i / 4u, (uint32_t)key[2], (uint32_t)key[1],
                                 (uint32_t)p->stream};
    uint32_t words[4][ENN_LANES], mask[ENN_LANES][4];
    enn_philox_lanes(counter, (uint32_t)key[0], ENN_PURPOSE_DROPOUT, words);
    for (int l = 0; l < ENN_LANES; l++) {
      for (int w = 0; w < 4; w++) mask[l][w] = enn_f32_keep(&q, words[w][l]);
    }
    if (end - i >= many) {
      __builtin_memcpy(y + i, mask, sizeof mask);
    } else {
      for (int32_t j = 0; j < end - i; j++) __builtin_memcpy(y + i + j, &mask[j / 4][j % 4], 4);
    }
  }
}

#endif
