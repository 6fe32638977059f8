/* depthwise_conv2d, int8, for Armv6-M: a channel at a time over a plane of pairs.
 *
 * y as enn_s8_conv.h says. With dilation along the lines, and no stride there, the outputs that see the same
 * inputs are lines of their own. Lines are the rows of the output, or its
 * columns where those are longer, or as long and the kernel is, and each is cut into two halves: a
 * pair is an input of the first half and the one at the same place of the second (enn_m0.h), so that
 * one MULS is a tap of two outputs. A channel is gathered into a plane of pairs, with zero points
 * around it.
 *
 * Layout: w[out_c][kernel_h][kernel_w], no weight -128: any two taps are a chunk. Zero point and
 * origin are in the bias. scratch: with half = ceil(length / 2) of the longer side, pairs =
 * stride (half - 1) + kernel + 1 along a line and lines = stride (count - 1) + (kernel - 1) dilation
 * + 1 across: 4 lines pairs bytes for the plane, and 4 kernel (kernel along + 1) + 4 for the weights;
 * 4-aligned. `pairlines` is for planes of many lines that are rows of x, with one output per channel: it
 * keeps the lines that a window sees and as many as the stride, but three, ahead; those that the next
 * outputs still see move up.
 *
 * Block: 2 outputs x 3 taps = 6 MAC in 13 instructions: 2 LDM, 3 MULS, 2 ADDS, 5 that take the sums
 * apart, one to the next line; 17 where three taps are no chunk. Around it 42 for two outputs. Other
 * kernels: 2 outputs x 2 taps in 12.
 *
 * With one output per channel, y may be x where it is not larger: pixel p of a channel is written over
 * pixel p of that channel, after all of that was read, or where lines pass by, all that lies before the
 * first that is still to come (host/lower/select/m0.ts).
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DEPTHWISE_M0_H
#define ENN_S8_DEPTHWISE_M0_H

#include "enn_m0.h"
#include "enn_s8_conv.h"

/* What is the same along and across the lines. */
struct enn_m0_axis {
  int32_t out, in, kernel, stride, dilation, pad;
  int32_t x_step, y_step; /* bytes from one to the next */
  int32_t w_step;
};

/* One line of outputs. The assembly knows the places of these fields. */
struct enn_m0_line {
  struct enn_level level;         /* 0 */
  const int32_t *w;               /* 24: bias, then the taps */
  const int8_t *x, *x_end;        /* 28, 32: pairs, of the outputs to be made */
  int32_t x_step;                 /* 36: to the next output */
  int8_t *y;                      /* 40 */
  int32_t y_step, y_half;         /* 44, 48: to the next output, and to the one of the other half */
  int32_t line_bytes;             /* 52: from the last tap of a line to the first of the next */
  int32_t lines, doubles;         /* 56, 60: of the kernel; taps of a line by two */
};

#if ENN_HAS_M0
/* r2 taken apart: its sums into r8 and r9; `t` is lost. */
#define ENN_M0_APART(r, t)                                                     \
  " sxth " t ", " r "\n add r8, " t "\n subs " r ", " r ", " t "\n asrs " r ", " r ", #16\n" \
  " add r9, " r "\n"
#define ENN_M0_LINE3                                                                     \
  " ldmia r0!, {r2, r3, r4}\n ldmia r1!, {r5, r6, r7}\n add r0, r10\n"                   \
  " muls r2, r5\n muls r3, r6\n muls r4, r7\n adds r2, r2, r3\n adds r2, r2, r4\n"       \
  ENN_M0_APART("r2", "r3")
#define ENN_M0_LINE21                                                                    \
  " ldmia r0!, {r2, r3, r4}\n ldmia r1!, {r5, r6, r7}\n add r0, r10\n"                   \
  " muls r2, r5\n muls r3, r6\n muls r4, r7\n adds r2, r2, r3\n"                         \
  ENN_M0_APART("r2", "r3") ENN_M0_APART("r4", "r3")
#define ENN_M0_LINES_ANY                                                                 \
  " mov r6, lr\n ldr r7, [r6, #56]\n"                                                    \
  "2:\n mov r6, lr\n ldr r6, [r6, #60]\n"                                                \
  "3:\n ldmia r0!, {r2, r3}\n ldmia r1!, {r4, r5}\n"                                     \
  " muls r2, r4\n muls r3, r5\n adds r2, r2, r3\n" ENN_M0_APART("r2", "r3")              \
  " subs r6, #1\n bne 3b\n add r0, r10\n subs r7, #1\n bne 2b\n"

#define ENN_M0_LINE_OUTSIDE(k) ENN_M0_BEYOND(k, " ldr r4, [r6, #16]\n", " ldr r4, [r6, #20]\n")

/* A line of outputs, two at a time; `taps` moves from r0 and r1 on. */
#define ENN_M0_LINE(taps)                                                                \
  ENN_M0_ASM(                                                                            \
      " mov lr, r0\n"                                                                    \
      " ldr r1, [r0, #52]\n mov r10, r1\n"                                               \
      " ldr r1, [r0, #28]\n mov r11, r1\n"                                               \
      " ldr r1, [r0, #8]\n mov r12, r1\n"                                                \
      " ldr r1, [r0, #24]\n"                                                             \
      "1:\n"                                                                             \
      " ldmia r1!, {r2}\n mov r8, r2\n mov r9, r2\n"                                     \
      " mov r0, r11\n" taps                                                              \
      " mov r6, lr\n ldr r1, [r6, #0]\n ldr r2, [r6, #4]\n ldr r7, [r6, #12]\n"          \
      " ldr r5, [r6, #40]\n"                                                             \
      " mov r3, r9\n" ENN_M0_LEVEL(5) " ldr r4, [r6, #48]\n strb r3, [r5, r4]\n"         \
      " mov r3, r8\n" ENN_M0_LEVEL(6) " strb r3, [r5]\n"                                 \
      " ldr r4, [r6, #44]\n adds r5, r5, r4\n str r5, [r6, #40]\n"                       \
      " ldr r4, [r6, #36]\n add r11, r4\n"                                               \
      " ldr r1, [r6, #24]\n ldr r4, [r6, #32]\n cmp r11, r4\n"                           \
      " beq 4f\n b 1b\n" ENN_M0_LINE_OUTSIDE(5) ENN_M0_LINE_OUTSIDE(6) "4:\n")
#define ENN_M0_RUN_LINE(taps)                                                            \
  __asm__ volatile(ENN_M0_LINE(taps)                                                     \
                   : "+r"(l)                                                             \
                   :                                                                     \
                   : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", \
                     "r12", "lr", "cc", "memory")
#endif

/* Outputs from l->x up to l->x_end, and as many of the other half. `chunk` is how many taps of a line
 * may be summed: 3 and 2 are for 3x3, 0 for any kernel. */
ENN_INLINE void enn_m0_line(struct enn_m0_line *line, int32_t chunk) {
#if ENN_HAS_M0
  register struct enn_m0_line *l __asm__("r0") = line;
  if (chunk == 3)
    ENN_M0_RUN_LINE(ENN_M0_LINE3 ENN_M0_LINE3 ENN_M0_LINE3);
  else if (chunk == 2)
    ENN_M0_RUN_LINE(ENN_M0_LINE21 ENN_M0_LINE21 ENN_M0_LINE21);
  else
    ENN_M0_RUN_LINE(ENN_M0_LINES_ANY);
#else
  for (; line->x < line->x_end; line->x += line->x_step, line->y += line->y_step) {
    const int32_t *w = line->w;
    const int8_t *x = line->x;
    const int32_t taps = chunk == 0 ? 2 * line->doubles : 3, together = chunk == 0 ? 2 : chunk;
    int32_t low = *w, high = *w++;
    for (int32_t u = 0; u < line->lines; u++, x += line->line_bytes) {
      uint32_t sum = 0;
      for (int32_t v = 0; v < taps; v++, x += 4) {
        sum = enn_pair_mla(sum, enn_m0_load(x), *w++);
        if ((v + 1) % together != 0 && v + 1 < taps) continue;
        low = enn_m0_add(low, enn_pair_low(sum));
        high = enn_m0_add(high, enn_pair_high(sum));
        sum = 0;
      }
    }
    line->y[line->y_half] = enn_level_out(high, &line->level);
    line->y[0] = enn_level_out(low, &line->level);
  }
#endif
}

/* Weights of one channel as words, an even number of them in each line unless they are three; how
 * many of a line are a chunk. */
ENN_INLINE int32_t enn_m0_spread(const ENN_CONST int8_t *w, const struct enn_m0_axis *along,
                                 const struct enn_m0_axis *across, int32_t three, int32_t *to) {
  int32_t chunk = 3;
  for (int32_t u = 0; u < across->kernel; u++) {
    int32_t weight = 0;
    for (int32_t v = 0; v < along->kernel; v++) {
      const int32_t tap = w[u * across->w_step + v * along->w_step];
      weight += tap < 0 ? -tap : tap;
      *to++ = tap;
    }
    if (weight > 255) chunk = 2;
    if (!three && (along->kernel & 1)) *to++ = 0;
  }
  return three ? chunk : 0;
}

/* `count` pairs of bytes that are `apart`, `step` from pair to pair. */
ENN_INLINE int8_t *enn_m0_pair_line(const int8_t *x, int32_t apart, int32_t count, int32_t step,
                                    int8_t *to) {
  int8_t *const end = to + 4 * count;
#if ENN_HAS_M0
  int32_t i = 0, low, high;
  __asm__ volatile(ENN_M0_ASM("1:\n"
                              " ldrsb %[h], [%[b], %[i]]\n"
                              " ldrsb %[l], [%[a], %[i]]\n"
                              " lsls %[h], %[h], #16\n"
                              " adds %[l], %[l], %[h]\n"
                              " stmia %[to]!, {%[l]}\n"
                              " add %[i], %[step]\n"
                              " cmp %[to], %[end]\n"
                              " bne 1b\n")
                   : [i] "+&l"(i), [to] "+&l"(to), [l] "=&l"(low), [h] "=&l"(high)
                   : [a] "l"(x), [b] "l"(x + apart), [step] "lh"(step), [end] "lh"(end)
                   : "cc", "memory");
#else
  for (; to < end; to += 4, x += step) enn_m0_store(to, (uint32_t)x[0] + ((uint32_t)x[apart] << 16));
#endif
  return end;
}

/* A line of the plane: input `at` along and `half` further, for `pairs` of them; x is where the line
 * begins. */
ENN_INLINE void enn_m0_pairs(const int8_t *x, const struct enn_m0_axis *along, int32_t half,
                             int32_t pairs, int32_t zero, int8_t *to) {
  const int32_t step = along->x_step;
  int32_t at = -along->pad;
  const int32_t end = at + pairs, both_end = enn_min(end, along->in - half);
  while (at < end) {
    if (at >= 0 && at < both_end) {
      to = enn_m0_pair_line(x + at * step, half * step, both_end - at, step, to);
      at = both_end;
      continue;
    }
    const int32_t a = at >= 0 && at < along->in ? x[at * step] : zero;
    const int32_t other = at + half;
    const int32_t b = other >= 0 && other < along->in ? x[other * step] : zero;
    enn_m0_store(to, (uint32_t)a + ((uint32_t)b << 16));
    at++;
    to += 4;
  }
}

/* Lines that are read ahead. */
#define ENN_M0_AHEAD 3

/* Words, to lower addresses. */
ENN_INLINE void enn_m0_move(const int8_t *from, int32_t count, int8_t *to) {
  for (; count >= 4; count -= 4, from += 16, to += 16) {
    const uint32_t a = enn_m0_load(from), b = enn_m0_load(from + 4);
    const uint32_t c = enn_m0_load(from + 8), d = enn_m0_load(from + 12);
    enn_m0_store(to, a);
    enn_m0_store(to + 4, b);
    enn_m0_store(to + 8, c);
    enn_m0_store(to + 12, d);
  }
  for (; count > 0; count--, from += 4, to += 4) enn_m0_store(to, enn_m0_load(from));
}

ENN_INLINE void enn_m0_fill(int8_t *to, int32_t count, uint32_t word) {
  for (; count > 0; count--, to += 4) enn_m0_store(to, word);
}

/* One phase of a layer along its lines: the whole plane in scratch, or, where `passes`, its lines a part
 * at a time. */
ENN_INLINE void enn_m0_phase(const ENN_CONST struct enn_conv2d_s8 *p,
                             const struct enn_m0_axis *along, const struct enn_m0_axis *across,
                             const int8_t *x, const ENN_CONST int8_t *w,
                             const ENN_CONST int32_t *bias, const ENN_CONST int32_t *levels,
                             int8_t *scratch, int8_t *y, const int32_t passes) {
  const int32_t out_c = p->out_c, multiplier = out_c / p->in_c;
  const int32_t half = (along->out + 1) / 2;
  const int32_t pairs = along->stride * (half - 1) + along->kernel + 1;
  const int32_t lines =
      across->stride * (across->out - 1) + (across->kernel - 1) * across->dilation + 1;
  const int32_t three = along->kernel == 3 && across->kernel == 3;
  const int32_t taps = three ? 3 : (along->kernel + 1) / 2 * 2;
  /* A plane of many lines passes by, so many at a time. */
  const int32_t reach = (across->kernel - 1) * across->dilation + 1;
  const int32_t ahead = reach + enn_max(ENN_M0_AHEAD, across->stride);
  const int32_t kept = passes ? ahead : lines, line_size = 4 * pairs;
  int32_t *const spread = (int32_t *)(void *)(scratch + kept * line_size);
  const uint32_t outside = (uint32_t)p->in_zero + ((uint32_t)p->in_zero << 16);
  if (!passes) enn_m0_fill(scratch, lines * pairs, outside);
  /* Of the plane: the first line that is kept, and the first that is still to come. */
  int32_t first = 0, have = 0;
  for (int32_t o = 0, c = 0, m = 0; o < out_c; o++) {
    first = have = 0;
    for (int32_t i = 0; !passes && m == 0 && i < lines; i++) {
      const int32_t at = i - across->pad;
      if (at >= 0 && at < across->in)
        enn_m0_pairs(x + at * across->x_step + c, along, along->stride * half, pairs, p->in_zero,
                     scratch + i * line_size);
    }
    if (++m == multiplier) {
      m = 0;
      c++;
    }
    spread[0] = bias[o];
    const int32_t chunk =
        enn_m0_spread(w + o * p->kernel_h * p->kernel_w, along, across, three, spread + 1);
    const ENN_CONST int32_t *entry = levels + ENN_LEVEL_HEAD + o * enn_level_words(levels);
    struct enn_m0_line line = {.level = enn_level_at(levels, entry),
                               .w = spread,
                               .x_step = 4 * along->stride,
                               .y_step = along->y_step,
                               .line_bytes = 4 * (pairs * across->dilation - taps),
                               .lines = across->kernel,
                               .doubles = taps / 2};
    for (int32_t i = 0; i < across->out; i++) {
      /* Where the outputs of a line are odd, its last pair is one. */
      const int32_t whole = along->out / 2, top = i * across->stride;
      if (passes && have < top + reach) {
        enn_m0_move(scratch + (top - first) * line_size, enn_max(have - top, 0) * pairs, scratch);
        first = top;
        have = enn_max(have, top);
        for (; have < enn_min(lines, first + kept); have++) {
          const int32_t at = have - across->pad;
          int8_t *const to = scratch + (have - first) * line_size;
          if (at >= 0 && at < across->in)
            enn_m0_pairs(x + at * across->x_step + o, along, along->stride * half, pairs,
                         p->in_zero, to);
          else
            enn_m0_fill(to, pairs, outside);
        }
      }
      line.x = scratch + (top - first) * line_size;
      line.y = y + i * across->y_step + o;
      const int8_t *const last = line.x + whole * line.x_step;
      const int8_t *const behind = line.x + half * line.x_step;
      int8_t *const last_y = line.y + whole * line.y_step;
      line.x_end = whole > 0 ? last : behind;
      line.y_half = whole > 0 ? half * along->y_step : 0;
      for (;;) {
        enn_m0_line(&line, chunk);
        if (line.x_end == behind) break;
        line.x = last;
        line.x_end = behind;
        line.y = last_y;
        line.y_half = 0;
      }
    }
  }
}

/* Outputs with gaps between the taps along a line: those that are `dilation` apart see inputs that are,
 * and no others. */
ENN_INLINE struct enn_m0_axis enn_m0_part(const struct enn_m0_axis *a, int32_t phase, int32_t from) {
  const int32_t d = a->dilation;
  struct enn_m0_axis part = *a;
  part.out = (a->out - phase + d - 1) / d;
  part.in = enn_max(a->in - from + d - 1, 0) / d;
  part.pad = (from - phase + a->pad) / d;
  part.dilation = 1;
  part.x_step = d * a->x_step;
  part.y_step = d * a->y_step;
  return part;
}

ENN_INLINE void enn_m0_depthwise(const ENN_CONST struct enn_conv2d_s8 *p,
                                 const int8_t *x, const ENN_CONST int8_t *w,
                                 const ENN_CONST int32_t *bias,
                                 const ENN_CONST int32_t *levels,
                                 int8_t *scratch, int8_t *y, const int32_t passes) {
  const int32_t in_c = p->in_c, out_c = p->out_c;
  const struct enn_m0_axis rows = {.out = p->out_h, .in = p->in_h, .kernel = p->kernel_h,
                                   .stride = p->stride_h, .dilation = p->dilation_h,
                                   .pad = p->pad_top, .x_step = p->in_w * in_c,
                                   .y_step = p->out_w * out_c, .w_step = p->kernel_w};
  const struct enn_m0_axis cols = {.out = p->out_w, .in = p->in_w, .kernel = p->kernel_w,
                                   .stride = p->stride_w, .dilation = p->dilation_w,
                                   .pad = p->pad_left, .x_step = in_c, .y_step = out_c,
                                   .w_step = 1};
  const int32_t tall =
      p->out_h > p->out_w || (p->out_h == p->out_w && p->kernel_h > p->kernel_w);
  const struct enn_m0_axis *const line = tall ? &rows : &cols, *const across = tall ? &cols : &rows;
  const int32_t phases = line->dilation;
  for (int32_t phase = 0; phase < enn_min(phases, line->out); phase++) {
    /* The first input that the phase sees, inside the image or behind it. */
    int32_t from = phases > 1 ? phase - line->pad : 0;
    while (from < 0) from += phases;
    while (from >= phases) from -= phases;
    const struct enn_m0_axis part = phases > 1 ? enn_m0_part(line, phase, from) : *line;
    enn_m0_phase(p, &part, across, x + from * line->x_step, w, bias, levels, scratch,
                 y + phase * line->y_step, passes);
  }
  enn_m0_clamp(y, p->out_h * p->out_w * out_c, p->clamp_min, p->clamp_max);
}

ENN_INLINE void enn_depthwise_conv2d_s8_pairs__m0(const ENN_CONST struct enn_conv2d_s8 *p,
                                                  const int8_t *x, const ENN_CONST int8_t *w,
                                                  const ENN_CONST int32_t *bias,
                                                  const ENN_CONST int32_t *levels,
                                                  int8_t *scratch, int8_t *y) {
  enn_m0_depthwise(p, x, w, bias, levels, scratch, y, 0);
}

ENN_INLINE void enn_depthwise_conv2d_s8_pairlines__m0(const ENN_CONST struct enn_conv2d_s8 *p,
                                                  const int8_t *x, const ENN_CONST int8_t *w,
                                                  const ENN_CONST int32_t *bias,
                                                  const ENN_CONST int32_t *levels,
                                                  int8_t *scratch, int8_t *y) {
  enn_m0_depthwise(p, x, w, bias, levels, scratch, y, 1);
}

#endif
