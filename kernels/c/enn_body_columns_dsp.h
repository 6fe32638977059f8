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
 * bytes apart. */
ENN_OUTLINE void ENN_C(widen_pixels)(const int8_t *from, int32_t step, int32_t rows, int32_t words,
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
}

/* The windows of ENN_P pixels inside the image, `step` bytes apart, by way of `bytes`. */
ENN_OUTLINE void ENN_C(gather_pixels)(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *from,
                                      int32_t step, int32_t blocks, uint32_t minus, int8_t *to) {
  int8_t *const bytes = to + blocks * ENN_BLOCK_BYTES;
  const int32_t lines = p->kernel_h, line = p->kernel_w * p->in_c, row = p->in_w * p->in_c;
  for (int32_t n = 0; n < ENN_P; n++, from += step, to += 4) {
    enn_gather(from, lines, line, row, bytes, line);
    ENN_C(widen)(bytes, blocks, minus, to);
  }
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

/* The columns of `count` pixels in [1, ENN_P] from *at on; the others are left as they are. */
ENN_OUTLINE void ENN_C(columns)(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                                struct enn_pixel *at, int32_t count, int32_t blocks,
                                const struct enn_widening *c, int8_t *scratch) {
  const int32_t words = (p->in_c & 3) == 0, row = p->in_w * p->in_c;
  const int32_t line = p->kernel_w * p->in_c;
  int32_t top = at->i * p->stride_h - p->pad_top, left = at->j * p->stride_w - p->pad_left;
  if (count == ENN_P && at->inside && top >= 0 && top <= at->down && left >= 0 &&
      left + (ENN_P - 1) * p->stride_w <= at->right && at->j + ENN_P <= at->width) {
    const int8_t *const from = x + top * row + left * p->in_c;
    const int32_t step = p->stride_w * p->in_c;
    if (words)
      ENN_C(widen_pixels)(from, step, p->kernel_h, line >> 2, row - line, c->minus, scratch);
    else
      ENN_C(gather_pixels)(p, from, step, blocks, c->minus, scratch);
    enn_next_pixel(at, ENN_P);
    return;
  }
  int8_t *const bytes = scratch + blocks * ENN_BLOCK_BYTES;
  for (int32_t n = 0; n < count; n++, scratch += 4) {
    top = at->i * p->stride_h - p->pad_top;
    left = at->j * p->stride_w - p->pad_left;
    if (at->inside && top >= 0 && top <= at->down && left >= 0 && left <= at->right) {
      const int8_t *from = x + top * row + left * p->in_c;
      int8_t *to = scratch;
      if (!words) enn_gather_lines(from, p->kernel_h, line, row, bytes, line);
      for (int32_t u = words ? p->kernel_h : 0; u > 0; u--, from += row)
        to = ENN_C(widen_run)(from, line >> 2, c->minus, to);
    } else {
      const struct enn_window t = enn_window_at(p, top, left);
      if (words) ENN_C(window_words)(p, x, &t, c, scratch);
      else enn_window_bytes(p, x, &t, 4 * blocks, bytes);
    }
    if (!words) ENN_C(widen_run)(bytes, blocks, c->minus, scratch);
    enn_next_pixel(at, 1);
  }
}

#undef ENN_WIDEN
#undef ENN_BLOCK_BYTES
