/* Columns for the convolutions of enn_s8_conv_dsp.h: ENN_P pixels (4 or 3), as halves (ENN_FOLD 1) or as
 * pairs (0); ENN_C(name) is a function's name. Included once for each, so it has no guard.
 *
 * A block of the columns is ENN_P words that meet one operand of the weights, then ENN_P words that
 * meet the other. Pairs: the even bytes of a word of x, less the zero point, then the odd ones. Folded:
 * see enn_s8_conv_dsp.h.
 */
#define ENN_BLOCK_BYTES (8 * ENN_P)

#if ENN_FOLD
ENN_INLINE void ENN_C(widen_word)(const int8_t *from, uint32_t minus, int8_t *to) {
  const uint32_t word = enn_load32(from);
  enn_store32(to, enn_add_odd(minus, word));
  enn_store32(to + 4 * ENN_P, enn_swap_bytes(word ^ 0x7F007F00u));
}
#define ENN_WIDEN(pair, word)                      \
  " sxtab16 " pair ", %[minus], " word ", ror #8\n" \
  " eor " word ", " word ", #0x7F007F00\n"         \
  " rev16 " word ", " word "\n"
#else
ENN_INLINE void ENN_C(widen_word)(const int8_t *from, uint32_t minus, int8_t *to) {
  const uint32_t word = enn_load32(from);
  enn_store32(to, enn_add_even(minus, word));
  enn_store32(to + 4 * ENN_P, enn_add_odd(minus, word));
}
#define ENN_WIDEN(pair, word)                       \
  " sxtab16 " pair ", %[minus], " word "\n"         \
  " sxtab16 " word ", %[minus], " word ", ror #8\n"
#endif

/* Words of a 4-aligned run of taps of one pixel. Returns what is behind them. */
ENN_INLINE int8_t *ENN_C(widen)(const int8_t *from, int32_t words, uint32_t minus, int8_t *to) {
#if ENN_HAS_DSP
#define ENN_WIDEN_AT(word, n)                           \
  ENN_WIDEN("r9", word)                                 \
  " str r9, [%[to], #(8*" ENN_PIXELS "*" n ")]\n"       \
  " str " word ", [%[to], #(8*" ENN_PIXELS "*" n "+4*" ENN_PIXELS ")]\n"
  int32_t fours = words >> 2;
  if (fours > 0) {
    __asm__ volatile("1: ldmia %[from]!, {r4-r6, r8}\n"
                     ENN_WIDEN_AT("r4", "0") ENN_WIDEN_AT("r5", "1")
                     ENN_WIDEN_AT("r6", "2") ENN_WIDEN_AT("r8", "3")
                     " add %[to], %[to], #(32*" ENN_PIXELS ")\n"
                     " subs %[fours], %[fours], #1\n bne 1b\n"
                     : [from] "+r"(from), [to] "+r"(to), [fours] "+r"(fours)
                     : [minus] "r"(minus)
                     : "r4", "r5", "r6", "r8", "r9", "cc", "memory");
  }
  words &= 3;
#undef ENN_WIDEN_AT
#endif
  for (; words > 0; words--, from += 4, to += ENN_BLOCK_BYTES) ENN_C(widen_word)(from, minus, to);
  return to;
}
ENN_OUTLINE int8_t *ENN_C(widen_run)(const int8_t *from, int32_t words, uint32_t minus,
                                     int8_t *to) {
  return ENN_C(widen)(from, words, minus, to);
}

/* `rows` runs of `words`, `row` bytes from the end of one to the next, of ENN_P pixels that are `step`
 * bytes apart. Returns what is behind them. */
ENN_OUTLINE int8_t *ENN_C(widen_pixels)(const int8_t *from, int32_t step, int32_t rows, int32_t words,
                                        int32_t row, uint32_t minus, int8_t *to) {
  for (; rows > 0; rows--, from += row) {
    int32_t n = words;
#if ENN_HAS_DSP
    __asm__ volatile("1: ldr r5, [%[from], %[step]]\n"
                     " ldr r6, [%[from], %[step], lsl #1]\n"
#if ENN_P == 4
                     " add r8, %[from], %[step]\n"
                     " ldr r8, [r8, %[step], lsl #1]\n"
#endif
                     " ldr r4, [%[from]], #4\n"
                     ENN_WIDEN("r9", "r4") ENN_WIDEN("r10", "r5") ENN_WIDEN("r11", "r6")
#if ENN_P == 4
                     ENN_WIDEN("r12", "r8")
                     " stmia %[to]!, {r9-r12}\n"
                     " stmia %[to]!, {r4-r6, r8}\n"
#else
                     " stmia %[to]!, {r9-r11}\n"
                     " stmia %[to]!, {r4-r6}\n"
#endif
                     " subs %[n], %[n], #1\n bne 1b\n"
                     : [from] "+r"(from), [to] "+r"(to), [n] "+r"(n)
                     : [step] "r"(step), [minus] "r"(minus)
                     : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
#else
    for (; n > 0; n--, from += 4, to += ENN_BLOCK_BYTES) {
      for (int32_t i = 0; i < ENN_P; i++) ENN_C(widen_word)(from + i * step, minus, to + 4 * i);
    }
#endif
  }
  return to;
}

/* What is left of the rows of ENN_P windows behind their whole words, `rest` bytes each. */
ENN_OUTLINE void ENN_C(widen_rests)(const int8_t *from, int32_t step, int32_t rows, int32_t row,
                                    int32_t rest, uint32_t minus, int8_t *bytes, int8_t *to) {
  const int32_t words = (rows * rest + 3) >> 2;
  enn_gather_rests(from, step, ENN_P, rows, row, rest, bytes, 4 * words);
  for (int32_t n = 0; n < words; n++, to += ENN_BLOCK_BYTES) {
    for (int32_t i = 0; i < ENN_P; i++)
      ENN_C(widen_word)(bytes + 4 * (i * words + n), minus, to + 4 * i);
  }
}

/* The window of one pixel, `rows` runs of `words` and `rest` bytes that are `row` apart, at any address. */
ENN_OUTLINE void ENN_C(widen_rows)(const int8_t *from, int32_t rows, int32_t row, int32_t words,
                                   int32_t rest, uint32_t minus, int8_t *bytes, int8_t *to) {
  const int8_t *const rests = from + 4 * words;
  const int32_t next = row - 4 * words;
  for (int32_t u = words > 0 ? rows : 0; u > 0; u--, from += next) {
    for (int32_t n = words; n > 0; n--, from += 4, to += ENN_BLOCK_BYTES)
      ENN_C(widen_word)(from, minus, to);
  }
  if (rest == 0) return;
  enn_gather_rests(rests, 0, 1, rows, row, rest, bytes, 0);
  ENN_C(widen_run)(bytes, (rows * rest + 3) >> 2, minus, to);
}

/* Words of padding of one pixel. */
ENN_OUTLINE int8_t *ENN_C(padding)(const struct enn_widening *c, int32_t words, int8_t *to) {
  const uint32_t first = c->first, second = c->second;
  for (; words > 0; words--, to += ENN_BLOCK_BYTES) {
    enn_store32(to, first);
    enn_store32(to + 4 * ENN_P, second);
  }
  return to;
}

/* The window of one pixel whose runs are whole words. */
ENN_INLINE void ENN_C(window_words)(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                                    const struct enn_window *t, const struct enn_widening *c,
                                    int8_t *to) {
  const int32_t tap = p->in_c >> 2, line = p->kernel_w * tap;
  to = ENN_C(padding)(c, t->rows.first * line, to);
  for (int32_t u = t->rows.first; u < t->rows.last; u++) {
    const int8_t *const from =
        x + ((t->top + u * p->dilation_h) * p->in_w + t->left) * p->in_c;
    to = ENN_C(padding)(c, t->cols.first * tap, to);
    for (int32_t v = t->cols.first; v < t->cols.last; v += t->run)
      to = ENN_C(widen_run)(from + v * p->dilation_w * p->in_c, t->run * tap, c->minus, to);
    to = ENN_C(padding)(c, (p->kernel_w - t->cols.last) * tap, to);
  }
  ENN_C(padding)(c, (p->kernel_h - t->rows.last) * line, to);
}

/* The windows of ENN_P pixels inside an image whose rows are `row` bytes. */
ENN_INLINE void ENN_C(inside)(const int8_t *from, int32_t rows, int32_t row,
                              const struct enn_pixels *at, int32_t blocks, uint32_t minus,
                              int8_t *to) {
  int8_t *const bytes = to + blocks * ENN_BLOCK_BYTES;
  const int32_t run = at->run, words = 4 * run;
  if (run > 0) to = ENN_C(widen_pixels)(from, at->step, rows, run, row - words, minus, to);
  if (at->rest > 0)
    ENN_C(widen_rests)(from + words, at->step, rows, row, at->rest, minus, bytes, to);
}

/* The window of one pixel. */
ENN_INLINE void ENN_C(window)(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                              const struct enn_pixels *at, int32_t blocks,
                              const struct enn_widening *c, int8_t *bytes, int8_t *to) {
  const int32_t words = (p->in_c & 3) == 0, rows = p->kernel_h;
  const int32_t line = p->kernel_w * p->in_c, natural = at->narrow || at->rest == 0;
  if (at->top >= 0 && at->top <= at->down && at->left >= 0 && at->left <= at->right) {
    const int8_t *from = x + at->at;
    if (!words && at->narrow) {
      enn_gather_lines(from, rows, line, at->row, bytes, line);
      ENN_C(widen_run)(bytes, blocks, c->minus, to);
      return;
    }
    if (!words) ENN_C(widen_rows)(from, rows, at->row, at->run, at->rest, c->minus, bytes, to);
    for (int32_t u = words ? rows : 0; u > 0; u--, from += at->row)
      to = ENN_C(widen_run)(from, at->run, c->minus, to);
    return;
  }
  const struct enn_window t = enn_window_at(p, at->top, at->left);
  if (words) {
    ENN_C(window_words)(p, x, &t, c, to);
    return;
  }
  enn_window_bytes(p, x, &t, 4 * blocks, bytes);
  /* The rests are gathered over rows whose words are done. */
  if (natural) ENN_C(widen_run)(bytes, blocks, c->minus, to);
  else ENN_C(widen_rows)(bytes, rows, line, at->run, at->rest, c->minus, bytes, to);
}

/* The columns of `count` pixels in [1, ENN_P] from *at on, not all of them inside the image in one row; the
 * others are left as they are. */
ENN_OUTLINE void ENN_C(edges)(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                              struct enn_pixels *at, int32_t count, int32_t blocks,
                              const struct enn_widening *c, int8_t *scratch) {
  int8_t *const bytes = scratch + blocks * ENN_BLOCK_BYTES;
  if (count == ENN_P && at->j + ENN_P <= at->width && (p->in_c & 3) != 0 && at->down >= 0 &&
      !at->narrow) {
    int8_t *const patch = bytes + ENN_P * ((p->kernel_h * at->rest + 3) & ~3);
    const int32_t row = enn_patch(p, x, at->top, at->left, ENN_P, patch);
    ENN_C(inside)(patch, p->kernel_h, row, at, blocks, c->minus, scratch);
    enn_pixels_next(p, at, ENN_P);
    return;
  }
  for (int32_t n = 0; n < count; n++, scratch += 4) {
    ENN_C(window)(p, x, at, blocks, c, bytes, scratch);
    enn_pixels_next(p, at, 1);
  }
}

/* The columns of `count` pixels in [1, ENN_P] from *at on. */
ENN_INLINE void ENN_C(columns)(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                               struct enn_pixels *at, int32_t count, int32_t blocks,
                               const struct enn_widening *c, int8_t *scratch) {
  if (count == ENN_P && enn_pixels_inside(at, ENN_P)) {
    ENN_C(inside)(x + at->at, p->kernel_h, at->row, at, blocks, c->minus, scratch);
    enn_pixels_next(p, at, ENN_P);
  } else {
    ENN_C(edges)(p, x, at, count, blocks, c, scratch);
  }
}

#undef ENN_WIDEN
#undef ENN_BLOCK_BYTES
