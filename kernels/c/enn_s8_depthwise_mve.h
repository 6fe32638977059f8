/* depthwise_conv2d, int8, for Helium: four outputs of one channel at a time.
 *
 * y as enn_s8_conv.h says. A channel's plane is gathered into scratch as bytes, with the zero point
 * around it (which is in the bias). Four outputs, 2 x 2 of them, or 4 in a row of a plane that has
 * but one line, see a patch of at most 16 bytes: one gathering load fetches it, and one VMLADAV per
 * output multiplies it with that output's weights, which lie where its window does and are zero
 * elsewhere. Where 16 bytes do not suffice, two patches serve two outputs each.
 *
 * The plane's lines are the rows of x, or its columns where those are longer ("along" is the longer
 * axis, "across" the other). Sides that are no multiple of the block end with one that overlaps the
 * block before it.
 *
 * Layout: w begins with the places of a patch's 16 bytes in the plane, then for each output those
 * of their weights in a channel, then w[channels][kernel_h kernel_w + 1], the last of each channel
 * zero. scratch: the plane, as long and as wide as the outputs' windows reach. `patchlines` is for
 * planes of many lines that are rows of x, with one output per channel: it keeps what 17 output rows see,
 * 9 with a stride, and what the next of them see, too, moves up.
 *
 * Block: 4 outputs in 17 instructions, 20 where negative sums are rounded for themselves and there
 * is a second patch, whatever the window. Registers: all; in vectors the four outputs' weights, the
 * places of patch and outputs, a patch, four sums.
 *
 * With one output per channel, y may be x where it is not larger: pixel p of a channel is written over
 * pixel p of that channel, after all of that was read, or where lines pass by, all that lies before the
 * first that is still to come (host/lower/select/mve.ts); no other channel is touched.
 * Accumulator: |acc| < 2^30 and shift in [-22, -1], proven by the compiler.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_DEPTHWISE_MVE_H
#define ENN_S8_DEPTHWISE_MVE_H

#include "enn_mve.h"
#include "enn_s8_conv.h"

#define ENN_MVE_TABLES (5 * ENN_MVE_BYTES)

/* One axis of a layer, and of its plane. */
struct enn_mve_axis {
  int32_t in, out, stride, pad;
  int32_t reach;          /* of a window */
  int32_t x_step, y_step; /* bytes to the next element of a channel */
  int32_t block;          /* outputs at a time */
};

ENN_INLINE int32_t enn_mve_length(const struct enn_mve_axis *a) {
  return (a->out - 1) * a->stride + a->reach;
}

/* The walk over the blocks of a plane. Positions are relative: where a line of blocks ends, the next
 * begins so many bytes away. The assembly knows the order of these words. */
struct enn_mve_walk {
  int32_t place[4];         /* of a block's outputs in y */
  int32_t x_step, y_step;   /* to the next block */
  int32_t second;           /* from a block's first patch to its second; 0 where there is none */
  int32_t count;            /* whole blocks of a line */
  int32_t tail, has_tail;   /* whether one more overlaps the last of them */
  int32_t x_tail, y_tail;   /* how far that is */
  int32_t x_next, y_next;   /* to the next line; the first time, where lines overlap, */
  int32_t x_later, y_later; /* another way than later */
  int32_t lines;
};

/* What a channel's outputs take. */
struct enn_mve_channel {
  const int8_t *x;
  const ENN_CONST int8_t *w;
  int8_t *y;
  int32_t bias, mult, shift, zero;
};

#if ENN_HAS_MVE
#define ENN_MVE_TWO_PATCHES \
  " ldr r4, [%[t], #24]\n add r4, r4, %[x]\n vldrb.u8 q0, [r4, q7]\n"
#define ENN_MVE_SIGNS " vshr.s32 q0, q1, #31\n"
#define ENN_MVE_ADD_SIGNS " vadd.i32 q1, q1, q0\n"

/* All outputs of a channel. */
#define ENN_MVE_WALK(patch, signs, add_signs)                                                  \
  __asm__ volatile(                                                                            \
      " vldrw.u32 q2, [%[t]]\n"                                                                \
      " vldrb.u8 q7, [%[table]]\n"                                                             \
      " vldrb.u8 q0, [%[table], #16]\n"                                                        \
      " vldrb.u8 q3, [%[w], q0]\n"                                                             \
      " vldrb.u8 q0, [%[table], #32]\n"                                                        \
      " vldrb.u8 q4, [%[w], q0]\n"                                                             \
      " vldrb.u8 q0, [%[table], #48]\n"                                                        \
      " vldrb.u8 q5, [%[w], q0]\n"                                                             \
      " vldrb.u8 q0, [%[table], #64]\n"                                                        \
      " vldrb.u8 q6, [%[w], q0]\n"                                                             \
      " ldr %[w], [%[t], #16]\n"                                                                 \
      " ldr %[table], [%[t], #20]\n"                                                             \
      "2: ldr r0, [%[t], #28]\n"                                                                  \
      " dls lr, r0\n"                                                                          \
      "1: vldrb.u8 q0, [%[x], q7]\n"                                                           \
      " vmladav.s8 r0, q0, q3\n"                                                               \
      " vmladav.s8 r2, q0, q4\n" patch                                                         \
      " vmladav.s8 r4, q0, q5\n"                                                               \
      " vmladav.s8 r6, q0, q6\n"                                                               \
      " add %[x], %[x], %[w]\n"                                                                \
      " vmov q1[2], q1[0], r0, r4\n"                                                           \
      " vmov q1[3], q1[1], r2, r6\n"                                                           \
      " vadd.i32 q1, q1, %[bias]\n" signs                                                      \
      " vqrdmulh.s32 q1, q1, %[mult]\n" add_signs                                              \
      " vrshl.s32 q1, %[shift]\n"                                                              \
      " vadd.i32 q1, q1, %[zero]\n"                                                            \
      " vqmovnb.s32 q1, q1\n"                                                                  \
      " vqmovnb.s16 q1, q1\n"                                                                  \
      " vstrb.32 q1, [%[y], q2]\n"                                                             \
      " add %[y], %[y], %[table]\n"                                                            \
      " le lr, 1b\n"                                                                           \
      " ldr r0, [%[t], #32]\n"                                                                     \
      " cbz r0, 3f\n"                                                                          \
      " ldrd r0, r2, [%[t], #40]\n"                                                              \
      " add %[x], %[x], r0\n"                                                                  \
      " add %[y], %[y], r2\n"                                                                  \
      " movs r0, #0\n"                                                                         \
      " str r0, [%[t], #32]\n"                                                                     \
      " mov lr, #1\n"                                                                          \
      " b 1b\n"                                                                                \
      "3: ldr r0, [%[t], #36]\n"                                                               \
      " str r0, [%[t], #32]\n"                                                                     \
      " ldrd r0, r2, [%[t], #48]\n"                                                              \
      " add %[x], %[x], r0\n"                                                                  \
      " add %[y], %[y], r2\n"                                                                  \
      " ldrd r0, r2, [%[t], #56]\n"                                                             \
      " strd r0, r2, [%[t], #48]\n"                                                              \
      " ldr r0, [%[t], #64]\n"                                                                    \
      " subs r0, #1\n"                                                                         \
      " str r0, [%[t], #64]\n"                                                                    \
      " bne 2b\n"                                                                              \
      : [x] "+&r"(x), [w] "+&r"(w), [y] "+&r"(y), [table] "+&r"(table)                             \
      : [t] "r"(t), [bias] "r"(c->bias), [mult] "r"(c->mult), [shift] "r"(c->shift),           \
        [zero] "r"(c->zero)                                                                    \
      : "r0", "r2", "r4", "r6", "lr", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "q7", "cc",    \
        "memory")

/* A function of its own: the walk takes every register, and where it is inlined one may be missing. */
ENN_OUTLINE void enn_mve_outputs(const struct enn_mve_channel *c, struct enn_mve_walk *t,
                                 int32_t signs, const ENN_CONST int8_t *table) {
  const int8_t *x = c->x;
  const ENN_CONST int8_t *w = c->w;
  int8_t *y = c->y;
  if (t->second != 0) {
    if (signs) {
      ENN_MVE_WALK(ENN_MVE_TWO_PATCHES, ENN_MVE_SIGNS, ENN_MVE_ADD_SIGNS);
    } else {
      ENN_MVE_WALK(ENN_MVE_TWO_PATCHES, "", "");
    }
  } else if (signs) {
    ENN_MVE_WALK("", ENN_MVE_SIGNS, ENN_MVE_ADD_SIGNS);
  } else {
    ENN_MVE_WALK("", "", "");
  }
}
#else
/* Four outputs. */
ENN_INLINE void enn_mve_patch(const struct enn_mve_channel *c, const struct enn_mve_walk *t,
                              const ENN_CONST int8_t *table, int32_t x, int32_t y) {
  for (int32_t n = 0; n < 4; n++) {
    const int8_t *patch = c->x + x + (n < 2 ? 0 : t->second);
    const ENN_CONST int8_t *own = table + (n + 1) * ENN_MVE_BYTES;
    int32_t acc = c->bias;
    for (int32_t i = 0; i < ENN_MVE_BYTES; i++)
      acc = enn_wrapping_add(acc, patch[(uint8_t)table[i]] * c->w[(uint8_t)own[i]]);
    c->y[y + t->place[n]] =
        (int8_t)enn_narrow(acc, c->mult, enn_narrow_base(c->shift, c->zero), -c->shift);
  }
}

ENN_INLINE void enn_mve_outputs(const struct enn_mve_channel *c, const struct enn_mve_walk *t,
                                int32_t signs, const ENN_CONST int8_t *table) {
  int32_t x = 0, y = 0;
  (void)signs;
  for (int32_t line = 0; line < t->lines; line++) {
    for (int32_t i = 0; i < t->count; i++, x += t->x_step, y += t->y_step)
      enn_mve_patch(c, t, table, x, y);
    if (t->has_tail) {
      x += t->x_tail;
      y += t->y_tail;
      enn_mve_patch(c, t, table, x, y);
      x += t->x_step;
      y += t->y_step;
    }
    x += line == 0 ? t->x_next : t->x_later;
    y += line == 0 ? t->y_next : t->y_later;
  }
}
#endif

/* A channel's plane into its place between the zeros: `lines` of `count`. */
ENN_INLINE void enn_mve_gather(const int8_t *x, int32_t count, int32_t x_step, int32_t lines,
                               int32_t x_line, int8_t *to, int32_t line) {
#if ENN_HAS_MVE
  const int32_t vectors = (count + 7) / 8;
  const int32_t x_rest = x_line - vectors * 8 * x_step, rest = line - vectors * 8;
  __asm__ volatile(
      " movs r0, #0\n"
      " vidup.u16 q1, r0, #1\n"
      " vmul.i16 q1, q1, %[step]\n"
      "2: wlstp.16 lr, %[count], 3f\n"
      "1: vldrb.u16 q0, [%[x], q1]\n"
      " vstrb.16 q0, [%[to]], #8\n"
      " add %[x], %[x], %[step], lsl #3\n"
      " letp lr, 1b\n"
      "3: add %[x], %[x], %[x_rest]\n"
      " add %[to], %[to], %[rest]\n"
      " subs %[lines], #1\n"
      " bne 2b\n"
      : [x] "+&r"(x), [to] "+&l"(to), [lines] "+&r"(lines)
      : [step] "r"(x_step), [count] "r"(count), [x_rest] "r"(x_rest), [rest] "r"(rest)
      : "r0", "lr", "q0", "q1", "cc", "memory");
#else
  for (int32_t i = 0; i < lines; i++) {
    for (int32_t j = 0; j < count; j++) to[i * line + j] = x[i * x_line + j * x_step];
  }
#endif
}

/* Blocks of a layer; lines of the plane are `line` bytes apart. */
ENN_INLINE struct enn_mve_walk enn_mve_walk_of(const struct enn_mve_axis *along,
                                               const struct enn_mve_axis *across, int32_t line,
                                               int32_t second) {
  const int32_t spare = along->out % along->block, lap = across->out % across->block;
  const int32_t x_along = along->stride, x_across = across->stride * line;
  const int32_t x_back = along->out * x_along, y_back = along->out * along->y_step;
  const int32_t first = lap == 0 ? across->block : lap;
  struct enn_mve_walk t = {.x_step = along->block * x_along,
                           .y_step = along->block * along->y_step,
                           .second = second,
                           .count = along->out / along->block,
                           .tail = spare != 0,
                           .has_tail = spare != 0,
                           .x_tail = (spare - along->block) * x_along,
                           .y_tail = (spare - along->block) * along->y_step,
                           .x_next = first * x_across - x_back,
                           .y_next = first * across->y_step - y_back,
                           .x_later = across->block * x_across - x_back,
                           .y_later = across->block * across->y_step - y_back,
                           .lines = (across->out + across->block - 1) / across->block};
  for (int32_t n = 0; n < 4; n++)
    t.place[n] = n / along->block * across->y_step + n % along->block * along->y_step;
  return t;
}

/* A channel's plane: the image's lines, `count` elements of each, with zeros around them. */
struct enn_mve_plane {
  int32_t in, pad;         /* lines of the image, and of zeros above it */
  int32_t count, before;   /* of a line, and zeros before them */
  int32_t x_step, x_line;  /* bytes to the next element, and to the next line */
  int32_t line, zero;
};

/* Outputs across that are made from the lines that are in scratch at a time. */
ENN_INLINE int32_t enn_mve_band(const struct enn_mve_axis *across) {
  return across->stride == 1 ? 16 : 8;
}

/* Lines [from, end) of the plane. Where they lie there are zeros, or lines like them. */
ENN_INLINE void enn_mve_plane_lines(const struct enn_mve_plane *t, const int8_t *x, int32_t from,
                                    int32_t end, int8_t *to) {
  const int32_t first = enn_max(from - t->pad, 0), last = enn_min(end - t->pad, t->in);
  if (from < t->pad) enn_mve_fill(t->zero, (enn_min(end, t->pad) - from) * t->line, to);
  if (last > first && t->count > 0)
    enn_mve_gather(x + first * t->x_line, t->count, t->x_step, last - first, t->x_line,
                   to + (first + t->pad - from) * t->line + t->before, t->line);
  const int32_t below = enn_max(last + t->pad, from);
  if (below < end) enn_mve_fill(t->zero, (end - below) * t->line, to + (below - from) * t->line);
}

/* The whole plane in scratch, or, where `passes`, its lines a part at a time. */
ENN_INLINE void enn_mve_patches(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *scratch, int8_t *y, const int32_t passes) {
  const int32_t channels = p->out_c, multiplier = channels / p->in_c;
  const int32_t both = p->out_h > 1 && p->out_w > 1;
  const struct enn_mve_axis rows = {.in = p->in_h,
                                    .out = p->out_h,
                                    .stride = p->stride_h,
                                    .pad = p->pad_top,
                                    .reach = (p->kernel_h - 1) * p->dilation_h + 1,
                                    .x_step = p->in_w * p->in_c,
                                    .y_step = p->out_w * channels,
                                    .block = both ? 2 : p->out_h > 1 ? 4 : 1};
  const struct enn_mve_axis cols = {.in = p->in_w,
                                    .out = p->out_w,
                                    .stride = p->stride_w,
                                    .pad = p->pad_left,
                                    .reach = (p->kernel_w - 1) * p->dilation_w + 1,
                                    .x_step = p->in_c,
                                    .y_step = channels,
                                    .block = both ? 2 : p->out_h > 1 ? 1 : 4};
  const struct enn_mve_axis along = p->out_h > p->out_w ? rows : cols;
  const struct enn_mve_axis across = p->out_h > p->out_w ? cols : rows;
  const int32_t line = enn_mve_length(&along), lines = enn_mve_length(&across);
  /* Two outputs of a block's four that are neighbours, or all of them, see one patch. */
  const int32_t wide = along.reach + (along.block / 2 + along.block / 4) * along.stride;
  const int32_t high = across.reach + (across.block - 1) * across.stride;
  const int32_t one = high * wide <= ENN_MVE_BYTES;
  const int32_t apart = both ? across.stride * line : 2 * along.stride;
  const int32_t count = enn_max(enn_min(along.in, line - along.pad), 0);
  const int32_t taps = p->kernel_h * p->kernel_w + 1;
  struct enn_mve_channel c = {.x = scratch,
                              .w = w + ENN_MVE_TABLES,
                              .y = y,
                              .zero = p->out_zero};
  const int32_t signs = p->clamp_min < p->out_zero;
  if (passes) {
    const int32_t most = enn_mve_band(&across);
    struct enn_mve_axis part = across;
    part.out = most;
    const struct enn_mve_walk start = enn_mve_walk_of(&along, &part, line, one ? 0 : apart);
    part.out = (across.out - 2) % most + 2;
    const struct enn_mve_walk end = enn_mve_walk_of(&along, &part, line, one ? 0 : apart);
    const struct enn_mve_plane plane = {.in = across.in,
                                        .pad = across.pad,
                                        .count = count,
                                        .before = along.pad,
                                        .x_step = along.x_step,
                                        .x_line = across.x_step,
                                        .line = line,
                                        .zero = p->in_zero};
    enn_mve_fill(p->in_zero, line * (most * across.stride + across.reach), scratch);
    for (int32_t o = 0; o < channels; o++, c.w += taps, x++) {
      c.bias = bias[o];
      c.mult = mult[o];
      c.shift = shift[o];
      c.y = y + o;
      int32_t have = 0;
      for (int32_t first = 0, top = 0; first < across.out;) {
        const int32_t last = across.out - first <= most + 1, now = last ? part.out : most;
        const int32_t behind = top + (now - 1) * across.stride + across.reach;
        struct enn_mve_walk walk = last ? end : start;
        /* What the windows above saw and these still see moves up. */
        const int32_t stays = enn_max(have - top, 0);
        if (top > 0) enn_mve_copy(scratch + most * across.stride * line, stays * line, scratch);
        enn_mve_plane_lines(&plane, x, top + stays, behind, scratch + stays * line);
        enn_mve_outputs(&c, &walk, signs, w);
        have = behind;
        first += now;
        top += now * across.stride;
        c.y += now * across.y_step;
      }
    }
  } else {
    const struct enn_mve_walk start = enn_mve_walk_of(&along, &across, line, one ? 0 : apart);
    struct enn_mve_walk walk = start;
    const int32_t full = enn_min(across.in, lines - across.pad);
    int8_t *const inside = scratch + across.pad * line + along.pad;
    enn_mve_fill(p->in_zero, line * lines, scratch);
    for (int32_t o = 0, m = 0; o < channels; o++, c.w += taps, c.y++) {
      if (m == 0 && count > 0 && full > 0)
        enn_mve_gather(x, count, along.x_step, full, across.x_step, inside, line);
      if (++m == multiplier) {
        m = 0;
        x++;
      }
      c.bias = bias[o];
      c.mult = mult[o];
      c.shift = shift[o];
      walk.x_next = start.x_next;
      walk.y_next = start.y_next;
      walk.lines = start.lines;
      enn_mve_outputs(&c, &walk, signs, w);
    }
  }
  enn_mve_clamp(y, p->out_h * p->out_w * channels, p->clamp_min, p->clamp_max);
}

ENN_INLINE void enn_depthwise_conv2d_s8_patches__mve(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *scratch, int8_t *y) {
  enn_mve_patches(p, x, w, bias, mult, shift, scratch, y, 0);
}

ENN_INLINE void enn_depthwise_conv2d_s8_patchlines__mve(
    const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x, const ENN_CONST int8_t *w,
    const ENN_CONST int32_t *bias, const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
    int8_t *scratch, int8_t *y) {
  enn_mve_patches(p, x, w, bias, mult, shift, scratch, y, 1);
}

#endif
