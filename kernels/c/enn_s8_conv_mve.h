/* conv2d, int8, for Helium: four output pixels at a time over columns of bytes.
 *
 * y as enn_s8_conv.h says. The windows of four pixels are copied side by side, with the zero point
 * where a tap falls into the padding, once for all output channels; then every output channel reads
 * its weights once for the four pixels. The zero point itself is in the bias.
 *
 * Layout: blocks = ceil(kernel_h kernel_w in_c / 16); a column is the taps of a window in the order
 * [kernel_h][kernel_w][in_c]. w[out_c / 4][2][blocks][2][16]: by groups of four channels, in them
 * by pairs; zeros behind the last tap and the last channel. bias[out_c / 4][4] with the zero point
 * folded in, factor[out_c / 4][2][4]: the multipliers of a group, then its shifts.
 * scratch[blocks][4][16]: 16 bytes of each of the four columns. Where the rows of a window are no
 * whole vectors, and it has more than one tap, 16 blocks bytes more for a window as it is, and if
 * that has at most 64 bytes, 32 blocks more for their places in x, by which they are gathered.
 *
 * Block: 2 channels x 4 pixels x 16 taps = 128 MAC in 14 instructions: six loads, eight VMLADAVA.
 * Registers: eight accumulators (that instruction takes even ones only), pointers to columns and
 * weights, a count; one vector is left for the places of the pixels in y.
 *
 * In cols4border outputs near the edges have a bias of their own: border[4] as in enn_s8_conv.h, bias
 * [top + 1 + bottom][left + 1 + right][out_c / 4][4]. The four pixels' are gathered.
 *
 * A group's 16 outputs are requantized as four vectors, one channel of the four pixels each; the
 * narrowing then makes the four channels of a pixel neighbours: one word to store.
 *
 * Accumulator: |acc| < 2^30 and shift in [-22, -1], proven by the compiler; order of reading:
 * the windows of four pixels, then their outputs.
 * Oracle: host/quant/interpret/conv.ts.
 */
#ifndef ENN_S8_CONV_MVE_H
#define ENN_S8_CONV_MVE_H

#include "enn_mve.h"
#include "enn_s8_conv.h"

/* Bytes from a vector of a column to its next. */
#define ENN_MVE_STEP 64

/* `count` bytes into a column from a vector's start on; returns where the next vector goes. */
ENN_INLINE int8_t *enn_mve_column_run(const int8_t *from, int32_t count, int8_t *to) {
#if ENN_HAS_MVE
  __asm__ volatile(
      "wlstp.8 lr, %[n], 2f\n"
      "1: vldrb.u8 q0, [%[from]], #16\n"
      " vstrb.8 q0, [%[to]], #64\n"
      " letp lr, 1b\n"
      "2:\n"
      : [from] "+&r"(from), [to] "+&r"(to)
      : [n] "r"(count)
      : "lr", "q0", "memory");
  return to;
#else
  for (int32_t i = 0; i < count; i++) to[i / ENN_MVE_BYTES * ENN_MVE_STEP + i % ENN_MVE_BYTES] = from[i];
  return to + (count + ENN_MVE_BYTES - 1) / ENN_MVE_BYTES * ENN_MVE_STEP;
#endif
}
ENN_INLINE int8_t *enn_mve_column_fill(int32_t zero, int32_t count, int8_t *to) {
  for (; count > 0; count -= ENN_MVE_BYTES, to += ENN_MVE_STEP) enn_mve_fill(zero, ENN_MVE_BYTES, to);
  return to;
}

/* Where a pixel's window lies. */
struct enn_mve_place {
  int32_t top, left;
};

/* Whether no tap of a window falls into the padding, and taps of a row are one run. */
ENN_INLINE int enn_mve_inside(const ENN_CONST struct enn_conv2d_s8 *p, struct enn_mve_place at) {
  return at.top >= 0 && at.left >= 0 && p->dilation_w == 1 &&
         at.top + (p->kernel_h - 1) * p->dilation_h < p->in_h && at.left + p->kernel_w <= p->in_w;
}

/* A window whose rows are whole vectors, or one row. */
ENN_INLINE void enn_mve_column_vectors(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                                   struct enn_mve_place at, int8_t *to) {
  const int32_t run = p->kernel_w * p->in_c, line = p->dilation_h * p->in_w * p->in_c;
  if (enn_mve_inside(p, at)) {
    const int8_t *from = x + (at.top * p->in_w + at.left) * p->in_c;
    for (int32_t u = p->kernel_h; u > 0; u--, from += line) to = enn_mve_column_run(from, run, to);
    return;
  }
  const struct enn_taps cols = enn_clip_taps(at.left, p->kernel_w, p->dilation_w, p->in_w);
  for (int32_t u = 0; u < p->kernel_h; u++) {
    const int32_t row = at.top + u * p->dilation_h;
    const int32_t inside = row >= 0 && row < p->in_h;
    const int32_t first = inside ? cols.first : p->kernel_w;
    const int32_t last = inside ? cols.last : p->kernel_w;
    to = enn_mve_column_fill(p->in_zero, first * p->in_c, to);
    for (int32_t v = first; v < last; v++) {
      const int32_t column = at.left + v * p->dilation_w;
      to = enn_mve_column_run(x + (row * p->in_w + column) * p->in_c, p->in_c, to);
    }
    to = enn_mve_column_fill(p->in_zero, (p->kernel_w - last) * p->in_c, to);
  }
}

/* Any window, as bytes. */
ENN_INLINE void enn_mve_column_bytes(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                                     struct enn_mve_place at, int8_t *to) {
  const struct enn_taps rows = enn_clip_taps(at.top, p->kernel_h, p->dilation_h, p->in_h);
  const struct enn_taps cols = enn_clip_taps(at.left, p->kernel_w, p->dilation_w, p->in_w);
  const int32_t taps = cols.last - cols.first;
  const int32_t run = p->kernel_w * p->in_c, line = p->dilation_h * p->in_w * p->in_c;
  const int32_t row = at.top + rows.first * p->dilation_h;
  const int32_t column = at.left + cols.first * p->dilation_w;
  if ((rows.last - rows.first) * taps < p->kernel_h * p->kernel_w)
    enn_mve_fill(p->in_zero, p->kernel_h * run, to);
  if (taps == 0) return;
  const int8_t *from = x + (row * p->in_w + column) * p->in_c;
  to += rows.first * run + cols.first * p->in_c;
  for (int32_t u = rows.first; u < rows.last; u++, from += line, to += run) {
    if (p->dilation_w == 1) {
      enn_mve_copy(from, taps * p->in_c, to);
      continue;
    }
    for (int32_t v = 0; v < taps; v++)
      enn_mve_copy(from + v * p->dilation_w * p->in_c, p->in_c, to + v * p->in_c);
  }
}

/* `count` bytes of each of four pixels, `step` bytes apart, from a vector's start on. */
ENN_INLINE int8_t *enn_mve_four_runs(const int8_t *x, int32_t step, int32_t count, int8_t *to) {
#if ENN_HAS_MVE
  const int8_t *second = x + step, *third = second + step, *fourth = third + step;
  __asm__ volatile(
      " wlstp.8 lr, %[n], 2f\n"
      "1: vldrb.u8 q0, [%[a]], #16\n"
      " vldrb.u8 q1, [%[b]], #16\n"
      " vldrb.u8 q2, [%[c]], #16\n"
      " vldrb.u8 q3, [%[d]], #16\n"
      " vstrb.8 q0, [%[to]], #64\n"
      " vstrb.8 q1, [%[to], #-48]\n"
      " vstrb.8 q2, [%[to], #-32]\n"
      " vstrb.8 q3, [%[to], #-16]\n"
      " letp lr, 1b\n"
      "2:\n"
      : [a] "+&r"(x), [b] "+&r"(second), [c] "+&r"(third), [d] "+&r"(fourth), [to] "+&r"(to)
      : [n] "r"(count)
      : "lr", "q0", "q1", "q2", "q3", "memory");
  return to;
#else
  for (int32_t n = 0; n < 3; n++) enn_mve_column_run(x + n * step, count, to + n * ENN_MVE_BYTES);
  return enn_mve_column_run(x + 3 * step, count, to + 3 * ENN_MVE_BYTES) - 3 * ENN_MVE_BYTES;
#endif
}

/* The windows of four pixels, `step` bytes apart, whose taps lie at `places`. */
ENN_INLINE void enn_mve_four_gathered(const int8_t *x, int32_t step, const uint16_t *places,
                                      int32_t blocks, int8_t *to) {
#if ENN_HAS_MVE
  const int8_t *second = x + step, *third = second + step, *fourth = third + step;
  __asm__ volatile(
      " dls lr, %[n]\n"
      "1: vldrh.u16 q0, [%[places]], #32\n"
      " vldrh.u16 q1, [%[places], #-16]\n"
      " vldrb.u16 q2, [%[a], q0]\n"
      " vldrb.u16 q3, [%[a], q1]\n"
      " vstrb.16 q2, [%[to]]\n"
      " vstrb.16 q3, [%[to], #8]\n"
      " vldrb.u16 q2, [%[b], q0]\n"
      " vldrb.u16 q3, [%[b], q1]\n"
      " vstrb.16 q2, [%[to], #16]\n"
      " vstrb.16 q3, [%[to], #24]\n"
      " vldrb.u16 q2, [%[c], q0]\n"
      " vldrb.u16 q3, [%[c], q1]\n"
      " vstrb.16 q2, [%[to], #32]\n"
      " vstrb.16 q3, [%[to], #40]\n"
      " vldrb.u16 q2, [%[d], q0]\n"
      " vldrb.u16 q3, [%[d], q1]\n"
      " vstrb.16 q2, [%[to], #48]\n"
      " vstrb.16 q3, [%[to], #56]\n"
      " adds %[to], #64\n"
      " le lr, 1b\n"
      : [places] "+&l"(places), [to] "+&l"(to)
      : [a] "r"(x), [b] "r"(second), [c] "r"(third), [d] "r"(fourth), [n] "r"(blocks)
      : "lr", "q0", "q1", "q2", "q3", "cc", "memory");
#else
  for (int32_t i = 0; i < blocks * ENN_MVE_BYTES; i++) {
    int8_t *at = to + i / ENN_MVE_BYTES * ENN_MVE_STEP + i % ENN_MVE_BYTES;
    for (int32_t n = 0; n < 4; n++) at[n * ENN_MVE_BYTES] = x[n * step + places[i]];
  }
#endif
}

/* What all blocks of a layer share, and where the next begins. */
struct enn_mve_conv {
  int32_t rest;   /* blocks of 16 taps beyond the first */
  int32_t groups; /* of channels */
  int32_t channels;
  int32_t out_zero;
  int32_t signs; /* whether negative sums are rounded for themselves */
  int32_t words; /* whether every pixel begins at a word of y, and has whole words */
  const ENN_CONST int32_t *bias, *factor;
  int32_t left; /* groups, while they are computed */
  int32_t place[4]; /* of the pixels in y; those that are not there are the last again */
  int32_t own[4];   /* with a border, of their biases, in bytes */
};

#if ENN_HAS_MVE
#define ENN_MVE_DOT(mac)        \
  " vldrb.u8 q0, [r9], #32\n"   \
  " vldrb.u8 q2, [r1], #64\n"   \
  mac " r0, q0, q2\n"           \
  " vldrb.u8 q1, [r9, #-16]\n"  \
  mac " r8, q1, q2\n"           \
  " vldrb.u8 q2, [r1, #-48]\n"  \
  mac " r2, q0, q2\n"           \
  mac " r10, q1, q2\n"          \
  " vldrb.u8 q2, [r1, #-32]\n"  \
  mac " r4, q0, q2\n"           \
  mac " r12, q1, q2\n"          \
  " vldrb.u8 q2, [r1, #-16]\n"  \
  mac " r6, q0, q2\n"           \
  mac " lr, q1, q2\n"
#define ENN_MVE_FIRST ENN_MVE_DOT(" vmladav.s8")
#define ENN_MVE_NEXT ENN_MVE_DOT(" vmladava.s8")

/* Two channels of four pixels into two vectors. */
#define ENN_MVE_PAIR(a, b)                        \
  " mov r1, r7\n"                                 \
  " ldr r11, %[rest]\n" ENN_MVE_FIRST             \
  " lsrs r11, r11, #1\n"                          \
  " bcc 2f\n" ENN_MVE_NEXT                        \
  "2: beq 4f\n"                                   \
  "3:\n" ENN_MVE_NEXT ENN_MVE_NEXT                \
  " subs r11, #1\n"                               \
  " bne 3b\n"                                     \
  "4:\n"                                          \
  " vmov " #a "[2], " #a "[0], r0, r4\n"          \
  " vmov " #a "[3], " #a "[1], r2, r6\n"          \
  " vmov " #b "[2], " #b "[0], r8, r12\n"         \
  " vmov " #b "[3], " #b "[1], r10, lr\n"

#define ENN_MVE_SIGNED(q, mult, shift)   \
  " vshr.s32 q0, " #q ", #31\n"          \
  " vqrdmulh.s32 " #q ", " #q ", " #mult "\n" \
  " vadd.i32 " #q ", " #q ", q0\n"       \
  " vrshl.s32 " #q ", " #shift "\n"
#define ENN_MVE_UNSIGNED(q, mult, shift) \
  " vqrdmulh.s32 " #q ", " #q ", " #mult "\n" \
  " vrshl.s32 " #q ", " #shift "\n"
#define ENN_MVE_SCALE(scale) \
  scale(q4, r0, r6) scale(q5, r1, r8) scale(q6, r2, r10) scale(q7, r4, r12)

#define ENN_MVE_SHARED_BIAS       \
  " ldr r8, %[bias]\n"            \
  " ldm r8!, {r0, r1, r2, r4}\n"  \
  " str r8, %[bias]\n"            \
  " vadd.i32 q4, q4, r0\n"        \
  " vadd.i32 q5, q5, r1\n"        \
  " vadd.i32 q6, q6, r2\n"        \
  " vadd.i32 q7, q7, r4\n"
#define ENN_MVE_ADD_OWN(q)       \
  " vldrw.u32 q1, [r8, q0]\n"    \
  " vadd.i32 " #q ", " #q ", q1\n" \
  " add r8, #4\n"
#define ENN_MVE_OWN_BIAS                                                                        \
  " ldr r8, %[bias]\n"                                                                          \
  " ldr r0, %[own]\n"                                                                           \
  " vldrw.u32 q0, [r0]\n" ENN_MVE_ADD_OWN(q4) ENN_MVE_ADD_OWN(q5) ENN_MVE_ADD_OWN(q6)           \
      ENN_MVE_ADD_OWN(q7) " str r8, %[bias]\n"

/* All channels of four pixels. */
#define ENN_MVE_CONV(add_bias)                                                                  \
  __asm__ volatile(                                                                            \
      " vldrw.u32 q3, [r0]\n"                                                                  \
      "1:\n" ENN_MVE_PAIR(q4, q5) ENN_MVE_PAIR(q6, q7)                                         \
      " ldr r11, %[signs]\n" add_bias                                                          \
      " ldm r5!, {r0, r1, r2, r4, r6, r8, r10, r12}\n"                                         \
      " cmp r11, #0\n"                                                                         \
      " beq 5f\n" ENN_MVE_SCALE(ENN_MVE_SIGNED)                                                \
      " b 6f\n"                                                                                \
      "5:\n" ENN_MVE_SCALE(ENN_MVE_UNSIGNED)                                                   \
      "6: ldr r8, %[zero]\n"                                                                   \
      " vqmovnb.s32 q4, q4\n"                                                                  \
      " vqmovnt.s32 q4, q6\n"                                                                  \
      " vqmovnb.s32 q5, q5\n"                                                                  \
      " vqmovnt.s32 q5, q7\n"                                                                  \
      " vqadd.s16 q4, q4, r8\n"                                                                \
      " vqadd.s16 q5, q5, r8\n"                                                                \
      " ldr r8, %[words]\n"                                                                    \
      " vqmovnb.s16 q4, q4\n"                                                                  \
      " vqmovnt.s16 q4, q5\n"                                                                  \
      " cmp r8, #0\n"                                                                          \
      " beq 7f\n"                                                                              \
      " vstrw.32 q4, [r3, q3]\n"                                                               \
      " adds r3, #4\n"                                                                         \
      " b 8f\n"                                                                                \
      "7: ldr r8, %[channels]\n"                                                               \
      " movs r0, #4\n"                                                                         \
      "9: vstrb.32 q4, [r3, q3]\n"                                                             \
      " vshr.u32 q4, q4, #8\n"                                                                 \
      " adds r3, #1\n"                                                                         \
      " subs r8, #1\n"                                                                         \
      " beq 8f\n"                                                                              \
      " subs r0, #1\n"                                                                         \
      " bne 9b\n"                                                                              \
      " str r8, %[channels]\n"                                                                 \
      "8: ldr r8, %[left]\n"                                                                   \
      " subs r8, #1\n"                                                                         \
      " str r8, %[left]\n"                                                                     \
      " bne 1b\n"                                                                              \
      : "+&r"(col), "+&r"(w), "+&r"(factor), "+&r"(at), "+&r"(place), [bias] "+m"(bias),       \
        [left] "+m"(left), [channels] "+m"(channels)                                           \
      : [rest] "m"(b->rest), [zero] "m"(b->out_zero), [signs] "m"(b->signs), [words] "m"(b->words),\
        [own] "m"(own)                                                                         \
      : "r1", "r2", "r4", "r6", "r8", "r10", "r11", "r12", "lr", "q0", "q1", "q2", "q3", "q4", "q5",\
        "q6", "q7", "cc", "memory")

ENN_INLINE void enn_mve_conv_block(struct enn_mve_conv *b, const int8_t *columns,
                               const ENN_CONST int8_t *weights, int32_t border,
                                   int8_t *y) {
  register const int8_t *col __asm__("r7") = columns;
  register const ENN_CONST int8_t *w __asm__("r9") = weights;
  register const ENN_CONST int32_t *factor __asm__("r5") = b->factor;
  register int8_t *at __asm__("r3") = y;
  register const int32_t *place __asm__("r0") = b->place;
  const ENN_CONST int32_t *bias = b->bias;
  int32_t left = b->groups, channels = b->channels;
  const int32_t *own = b->own;
  if (border) {
    ENN_MVE_CONV(ENN_MVE_OWN_BIAS);
  } else {
    ENN_MVE_CONV(ENN_MVE_SHARED_BIAS);
  }
}
#else
ENN_INLINE void enn_mve_conv_block(struct enn_mve_conv *b, const int8_t *columns,
                                   const ENN_CONST int8_t *w, int32_t border, int8_t *y) {
  for (int32_t o = 0; o < b->channels; o++) {
    const int32_t group = o / 4, blocks = b->rest + 1;
    const ENN_CONST int8_t *from = w + (o / 2 * blocks * 2 + o % 2) * ENN_MVE_BYTES;
    const ENN_CONST int32_t *factor = b->factor + 8 * group + o % 4;
    for (int32_t n = 0; n < 4; n++) {
      int32_t acc = b->bias[(border ? b->own[n] / 4 : 0) + o];
      for (int32_t i = 0; i < blocks * ENN_MVE_BYTES; i++) {
        const int32_t block = i / ENN_MVE_BYTES, lane = i % ENN_MVE_BYTES;
        acc = enn_wrapping_add(acc, columns[block * ENN_MVE_STEP + n * ENN_MVE_BYTES + lane] *
                                        from[2 * block * ENN_MVE_BYTES + lane]);
      }
      y[b->place[n] + o] =
          (int8_t)enn_narrow(acc, factor[0], enn_narrow_base(factor[4], b->out_zero), -factor[4]);
    }
  }
}
#endif

/* How the columns of a layer are made. */
struct enn_mve_columns {
  struct enn_conv2d_s8 p;
  int32_t blocks;
  int32_t whole;    /* whether the rows of a window are whole vectors, or it has one tap */
  int32_t gathered; /* whether there are places of its taps */
  struct enn_mve_place most; /* from which four windows of a row still lie inside the image */
  int8_t *columns, *bytes;
  uint16_t *places;
};

/* Bytes of a window that is gathered. */
#define ENN_MVE_PLACES 64

ENN_INLINE void enn_mve_make_places(struct enn_mve_columns *c) {
  const struct enn_conv2d_s8 *p = &c->p;
  const int32_t run = p->kernel_w * p->in_c, taps = p->kernel_h * run;
  const int32_t line = p->dilation_h * p->in_w * p->in_c;
  c->gathered = 0;
  if (c->whole || taps > ENN_MVE_PLACES || p->dilation_w != 1) return;
  if ((p->kernel_h - 1) * line + run > UINT16_MAX) return;
  c->gathered = 1;
  for (int32_t i = 0; i < c->blocks * ENN_MVE_BYTES; i++)
    c->places[i] = (uint16_t)(i < taps ? i / run * line + i % run : 0);
}

/* Where four windows of a row can be copied at a time. */
ENN_INLINE void enn_mve_find_most(struct enn_mve_columns *c) {
  const struct enn_conv2d_s8 *p = &c->p;
  const int32_t last = (p->out_w - 4) * p->stride_w - p->pad_left;
  const int32_t inside = p->in_w - p->kernel_w - 3 * p->stride_w;
  const int32_t runs = p->dilation_w == 1 && (c->whole || c->gathered);
  c->most.left = runs ? enn_min(last, inside) : -1;
  c->most.top = p->in_h - 1 - (p->kernel_h - 1) * p->dilation_h;
}

/* The window of a pixel as column n. */
ENN_INLINE void enn_mve_one_column(const struct enn_mve_columns *c, const int8_t *x,
                                   struct enn_mve_place at, int32_t n) {
  int8_t *to = c->columns + n * ENN_MVE_BYTES;
  if (c->whole) {
    enn_mve_column_vectors(&c->p, x, at, to);
  } else {
    enn_mve_column_bytes(&c->p, x, at, c->bytes);
    enn_mve_column_run(c->bytes, c->p.kernel_h * c->p.kernel_w * c->p.in_c, to);
  }
}

/* The windows of four pixels of one row, without padding. */
ENN_INLINE void enn_mve_four_columns(const struct enn_mve_columns *c, const int8_t *x,
                                     struct enn_mve_place at) {
  const struct enn_conv2d_s8 *p = &c->p;
  const int8_t *from = x + (at.top * p->in_w + at.left) * p->in_c;
  const int32_t step = p->stride_w * p->in_c;
  if (c->whole) {
    const int32_t run = p->kernel_w * p->in_c, line = p->dilation_h * p->in_w * p->in_c;
    int8_t *to = c->columns;
    for (int32_t u = p->kernel_h; u > 0; u--, from += line)
      to = enn_mve_four_runs(from, step, run, to);
  } else {
    enn_mve_four_gathered(from, step, c->places, c->blocks, c->columns);
  }
}

/* The columns of the next four pixels, of which `count` are there; the others are the last again. */
ENN_INLINE void enn_mve_next_columns(const struct enn_mve_columns *c, const int8_t *x,
                                     struct enn_mve_place *at, int32_t count) {
  const struct enn_conv2d_s8 *p = &c->p;
  const int32_t end = p->out_w * p->stride_w - p->pad_left;
  if (at->top >= 0 && at->left >= 0 && at->top <= c->most.top && at->left <= c->most.left) {
    enn_mve_four_columns(c, x, *at);
    at->left += 3 * p->stride_w;
  } else {
    for (int32_t n = 0; n < 4; n++) {
      enn_mve_one_column(c, x, *at, n);
      if (n == 3 || n + 1 >= count) continue;
      at->left += p->stride_w;
      if (at->left == end) *at = (struct enn_mve_place){at->top + p->stride_h, -p->pad_left};
    }
  }
  at->left += p->stride_w;
  if (at->left == end) *at = (struct enn_mve_place){at->top + p->stride_h, -p->pad_left};
}

/* Where the biases of the next four pixels begin, from output (*i, *j) on. */
ENN_INLINE void enn_mve_own_biases(const ENN_CONST struct enn_conv2d_s8 *p,
                                   const ENN_CONST int32_t *border, int32_t *i, int32_t *j,
                                   int32_t own[4]) {
  const int32_t bytes = (p->out_c + 3) / 4 * 16;
  for (int32_t n = 0; n < 4; n++) {
    const int32_t row = enn_border_class(*i, p->out_h, border[0], border[1]);
    const int32_t column = enn_border_class(*j, p->out_w, border[2], border[3]);
    own[n] = (row * (border[2] + 1 + border[3]) + column) * bytes;
    /* What is not there is the last pixel again. */
    if (*j + 1 < p->out_w) {
      ++*j;
    } else if (*i + 1 < p->out_h) {
      ++*i;
      *j = 0;
    }
  }
}

/* border is 0 where all outputs have the same bias. */
ENN_INLINE void enn_mve_conv2d(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                               const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                               const ENN_CONST int32_t *border, const ENN_CONST int32_t *factor,
                               int8_t *scratch, int8_t *y) {
  const int32_t taps = p->kernel_h * p->kernel_w;
  const int32_t blocks = (taps * p->in_c + ENN_MVE_BYTES - 1) / ENN_MVE_BYTES;
  const int32_t channels = p->out_c, pixels = p->out_h * p->out_w;
  struct enn_mve_conv b = {.rest = blocks - 1,
                           .groups = (channels + 3) / 4,
                           .channels = channels,
                           .out_zero = p->out_zero,
                           .signs = p->clamp_min < p->out_zero,
                           .words = channels % 4 == 0,
                           .bias = bias,
                           .factor = factor,
                           .place = {0, channels, 2 * channels, 3 * channels}};
#if ENN_HAS_MVE
  /* Its fields stay in memory, where the assembly has no register left to point to a constant. */
  __asm__ volatile("" : : "r"(&b) : "memory");
#endif
  struct enn_mve_columns c = {.p = *p,
                              .blocks = blocks,
                              .whole = p->in_c % ENN_MVE_BYTES == 0 || taps == 1,
                              .columns = scratch,
                              .bytes = scratch + blocks * ENN_MVE_STEP};
  if (p->in_w == 1 && p->out_w == 1 && p->kernel_w == 1) {
    /* A column of pixels is a row: four windows at a time. */
    c.p.in_w = p->in_h;
    c.p.out_w = p->out_h;
    c.p.kernel_w = p->kernel_h;
    c.p.stride_w = p->stride_h;
    c.p.dilation_w = p->dilation_h;
    c.p.pad_left = p->pad_top;
    c.p.in_h = c.p.out_h = c.p.kernel_h = c.p.stride_h = c.p.dilation_h = 1;
    c.p.pad_top = p->pad_left;
  }
  c.places = (uint16_t *)(void *)(c.bytes + blocks * ENN_MVE_BYTES);
  enn_mve_make_places(&c);
  if (taps == 1 && p->stride_h == 1 && p->stride_w == 1 && p->out_h == p->in_h &&
      p->out_w == p->in_w && p->pad_top == 0 && p->pad_left == 0) {
    /* Pixels of all rows are neighbours. */
    c.p.in_w = c.p.out_w = pixels;
    c.p.in_h = c.p.out_h = 1;
  }
  enn_mve_find_most(&c);
  struct enn_mve_place at = {-c.p.pad_top, -c.p.pad_left};
  int8_t *next = y;
  int32_t i = 0, j = 0;
  for (int32_t left = pixels; left > 0; left -= 4, next += 4 * channels) {
    enn_mve_next_columns(&c, x, &at, left);
    for (int32_t n = left; n < 4; n++) b.place[n] = b.place[n - 1];
    if (border) enn_mve_own_biases(p, border, &i, &j, b.own);
    enn_mve_conv_block(&b, scratch, w, border != 0, next);
  }
  enn_mve_clamp(y, pixels * channels, p->clamp_min, p->clamp_max);
}

ENN_INLINE void enn_conv2d_s8_cols4__mve(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                                         const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                         const ENN_CONST int32_t *factor, int8_t *scratch,
                                         int8_t *y) {
  enn_mve_conv2d(p, x, w, bias, 0, factor, scratch, y);
}

ENN_INLINE void enn_conv2d_s8_cols4border__mve(const ENN_CONST struct enn_conv2d_s8 *p,
                                               const int8_t *x, const ENN_CONST int8_t *w,
                                               const ENN_CONST int32_t *bias,
                                               const ENN_CONST int32_t *border,
                                               const ENN_CONST int32_t *factor, int8_t *scratch,
                                               int8_t *y) {
  enn_mve_conv2d(p, x, w, bias, border, factor, scratch, y);
}

#endif
