/* Which taps of a sliding window fall inside the image: computed once per output row and column, so
 * that inner loops need no bounds test. */
#ifndef ENN_WINDOW_H
#define ENN_WINDOW_H

#include "enn_fixed.h"

/* Taps [first, last); empty where first == last. */
struct enn_taps {
  int32_t first, last;
};

/* The taps t in [0, kernel) with 0 <= start + t dilation < size. `start` may be negative. */
ENN_INLINE struct enn_taps enn_clip_taps(int32_t start, int32_t kernel, int32_t dilation,
                                         int32_t size) {
  struct enn_taps taps = {0, 0};
  if (start < 0) taps.first = enn_min((dilation - 1 - start) / dilation, kernel);
  if (start < size) taps.last = enn_min((size - start + dilation - 1) / dilation, kernel);
  taps.last = enn_max(taps.last, taps.first);
  return taps;
}

#endif
