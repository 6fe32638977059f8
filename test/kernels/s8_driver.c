/* Runs the cases of a file through the int8 kernels: parametric at run time, so that it is compiled
 * once and a seed more costs no compiler. The same source serves every target; `cases_run` is the
 * whole interface, and what allocates and reads files lies below, per target.
 *
 * The file is little-endian words: the number of cases, then for each case
 *     bytes of the output; bytes of the first operand where the output overwrites it, else 0; number
 *     of calls
 * and for each call
 *     kernel; number of parameters, the parameters; number of buffers, and for each its bytes and
 *     its contents, padded to 4
 * A buffer is an argument of the kernel, in order, without the output. Results are the outputs, one
 * after the other. Every buffer is a block of its own of the exact size, with guards where no
 * sanitizer watches.
 */
#include <stdint.h>

#include "enn_s16_add_dsp.h"
#include "enn_s16_elementwise.h"
#include "enn_s16_pool.h"
#include "enn_s16_reduce.h"
#include "enn_s16_shape.h"
#include "enn_s16_softmax.h"
#include "enn_s16w8_dsp.h"
#include "enn_s16w8_layers.h"
#include "enn_s8_add_dsp.h"
#include "enn_s8_add_m0.h"
#include "enn_s8_add_mve.h"
#include "enn_s8_add_plane_dsp.h"
#include "enn_s8_add_rows_dsp.h"
#include "enn_s8_add_rows_m0.h"
#include "enn_s8_add_rows_mve.h"
#include "enn_s8_conv.h"
#include "enn_s8_conv_dsp.h"
#include "enn_s8_conv_m0.h"
#include "enn_s8_conv_mve.h"
#include "enn_s8_dense.h"
#include "enn_s8_dense_dsp.h"
#include "enn_s8_dense_fold_dsp.h"
#include "enn_s8_dense_m0.h"
#include "enn_s8_dense_mve.h"
#include "enn_s8_depthwise_any_dsp.h"
#include "enn_s8_depthwise_channels_mve.h"
#include "enn_s8_depthwise_direct_m0.h"
#include "enn_s8_depthwise_dsp.h"
#include "enn_s8_depthwise_m0.h"
#include "enn_s8_depthwise_mve.h"
#include "enn_s8_depthwise_windows_mve.h"
#include "enn_s8_depthwise_line_dsp.h"
#include "enn_s8_depthwise_plane_dsp.h"
#include "enn_s8_depthwise_quads_dsp.h"
#include "enn_s8_elementwise.h"
#include "enn_s8_line_dsp.h"
#include "enn_s8_mean_dsp.h"
#include "enn_s8_mean_m0.h"
#include "enn_s8_mean_mve.h"
#include "enn_s8_mul_dsp.h"
#include "enn_s8_mul_m0.h"
#include "enn_s8_mul_mve.h"
#include "enn_s8_pool.h"
#include "enn_s8_pool_m0.h"
#include "enn_s8_pool_dsp.h"
#include "enn_s8_pool_mve.h"
#include "enn_s8_reduce.h"
#include "enn_s8_shape.h"
#include "enn_s8_softmax.h"
#include "enn_s8_table.h"
#include "enn_s8_table_mve.h"
#include "enn_s8w4_dsp.h"
#include "enn_s8w4_layers.h"

#define MAX_WORDS 32
#define MAX_BUFFERS 7

enum result { CASES_OK = 0, CASES_BAD_FILE = 1, CASES_OUT_OF_BOUNDS = 2 };

/* Of the target: blocks of `bytes` for one case, and whether the guards around all of them hold. */
static void *block_new(uint32_t bytes);
static int blocks_release(void);

struct reader {
  const uint32_t *at;
};

static uint32_t next(struct reader *r) { return *r->at++; }

struct call {
  int32_t words[MAX_WORDS];
  void *buffer[MAX_BUFFERS];
};

/* Parameters are all int32, so a struct is its words in order. */
#define PARAMS(type)                                                             \
  struct type p;                                                                 \
  _Static_assert(sizeof p <= sizeof c->words && sizeof p % 4 == 0, "int32 only"); \
  if (words != sizeof p / 4) return CASES_BAD_FILE;                              \
  copy(&p, c->words, sizeof p)

/* A kernel, as a function that is not inlined: noinline keeps one copy of each. */
#define X_Y(function, type)                                                         \
  __attribute__((noinline)) static enum result run_##function(const struct call *c, \
                                                              uint32_t words, void *y) { \
    PARAMS(type);                                                                   \
    function(&p, c->buffer[0], y);                                                  \
    return CASES_OK;                                                                \
  }
#define A_B_Y(function, type)                                                       \
  __attribute__((noinline)) static enum result run_##function(const struct call *c, \
                                                              uint32_t words, void *y) { \
    PARAMS(type);                                                                   \
    function(&p, c->buffer[0], c->buffer[1], y);                                    \
    return CASES_OK;                                                                \
  }
#define X_T_T_Y(function, type)                                                     \
  __attribute__((noinline)) static enum result run_##function(const struct call *c, \
                                                              uint32_t words, void *y) { \
    PARAMS(type);                                                                   \
    function(&p, c->buffer[0], c->buffer[1], c->buffer[2], y);                      \
    return CASES_OK;                                                                \
  }
/* Weights whose multipliers and shifts are one table, without scratch; with it they are X_W_Y. */
#define X_W_F_Y(function, type)                                                     \
  __attribute__((noinline)) static enum result run_##function(const struct call *c, \
                                                              uint32_t words, void *y) { \
    PARAMS(type);                                                                   \
    function(&p, c->buffer[0], c->buffer[1], c->buffer[2], c->buffer[3], y);        \
    return CASES_OK;                                                                \
  }
#define X_W_Y(function, type)                                                       \
  __attribute__((noinline)) static enum result run_##function(const struct call *c, \
                                                              uint32_t words, void *y) { \
    PARAMS(type);                                                                   \
    function(&p, c->buffer[0], c->buffer[1], c->buffer[2], c->buffer[3], c->buffer[4], y); \
    return CASES_OK;                                                                \
  }
/* Weights and one argument more: scratch, or a border. */
#define X_W_S_Y(function, type)                                                     \
  __attribute__((noinline)) static enum result run_##function(const struct call *c, \
                                                              uint32_t words, void *y) { \
    PARAMS(type);                                                                   \
    function(&p, c->buffer[0], c->buffer[1], c->buffer[2], c->buffer[3], c->buffer[4], \
             c->buffer[5], y);                                                      \
    return CASES_OK;                                                                \
  }
/* Weights, a border and scratch. */
#define X_W_B_S_Y(function, type)                                                     \
  __attribute__((noinline)) static enum result run_##function(const struct call *c, \
                                                              uint32_t words, void *y) { \
    PARAMS(type);                                                                   \
    function(&p, c->buffer[0], c->buffer[1], c->buffer[2], c->buffer[3], c->buffer[4], \
             c->buffer[5], c->buffer[6], y);                                           \
    return CASES_OK;                                                                \
  }

static void copy(void *to, const void *from, uint32_t bytes) {
  uint8_t *t = to;
  const uint8_t *f = from;
  for (uint32_t i = 0; i < bytes; i++) t[i] = f[i];
}

/* The arithmetic below the kernels, whose last bits an int8 output rarely shows: words x[count][3] to
 * y[count][7], where shift is in [-31, 31]. */
struct probe_fixed {
  int32_t count;
};

static void probe_fixed__ref(const struct probe_fixed *p, const int8_t *x, int8_t *y) {
  for (int32_t i = 0; i < p->count; i++) {
    int32_t in[3];
    copy(in, x + i * (int32_t)sizeof in, sizeof in);
    const int32_t a = in[0];
    const int32_t positive = in[1] & INT32_MAX;
    const int32_t exponent = in[2] < 0 ? -in[2] : in[2];
    const int32_t out[7] = {
        enn_doubling_high_mul(a, in[1]),
        enn_rounding_divide_by_pot(a, exponent),
        enn_multiply(a, positive, in[2]),
        enn_saturating_shift_left(a, exponent > 30 ? 30 : exponent),
        enn_exp_on_negative(-positive),
        enn_one_over_one_plus(positive),
        enn_leading_zeros((uint32_t)positive | 1u),
    };
    copy(y + i * (int32_t)sizeof out, out, sizeof out);
  }
}

/* The kernels; a case names one by its place in this list, which the test reads from here. */
#define KERNELS(x_y, a_b_y, x_t_t_y, x_w_f_y, x_w_y, x_w_s_y, x_w_b_s_y) \
  x_w_y(enn_conv2d_s8__ref, enn_conv2d_s8)                  \
  x_w_s_y(enn_conv2d_s8_border__ref, enn_conv2d_s8)         \
  x_w_y(enn_depthwise_conv2d_s8__ref, enn_conv2d_s8)        \
  x_w_y(enn_dense_s8__ref, enn_dense_s8)                    \
  x_y(enn_max_pool2d_s8__ref, enn_pool2d_s8)                \
  x_y(enn_avg_pool2d_s8__ref, enn_pool2d_s8)                \
  x_y(enn_mean_s8__ref, enn_mean_s8)                        \
  a_b_y(enn_add_s8__ref, enn_add_s8)                        \
  a_b_y(enn_mul_s8__ref, enn_mul_s8)                        \
  x_y(enn_requantize_s8__ref, enn_requantize_s8)            \
  x_y(enn_reshape_s8__ref, enn_reshape_s8)                  \
  x_y(enn_concat_s8__ref, enn_concat_s8)                    \
  x_y(enn_pad_s8__ref, enn_pad_s8)                          \
  x_y(enn_softmax_s8__ref, enn_softmax_s8)                  \
  x_w_s_y(enn_conv2d_s8_fold4__dsp, enn_conv2d_s8)                     \
  x_w_b_s_y(enn_conv2d_s8_fold4border__dsp, enn_conv2d_s8)             \
  x_w_s_y(enn_conv2d_s8_fold4positive__dsp, enn_conv2d_s8)             \
  x_w_b_s_y(enn_conv2d_s8_fold4positiveborder__dsp, enn_conv2d_s8)     \
  x_w_s_y(enn_conv2d_s8_fold3__dsp, enn_conv2d_s8) \
  x_w_b_s_y(enn_conv2d_s8_fold3border__dsp, enn_conv2d_s8) \
  x_w_s_y(enn_conv2d_s8_fold3positive__dsp, enn_conv2d_s8) \
  x_w_b_s_y(enn_conv2d_s8_fold3positiveborder__dsp, enn_conv2d_s8) \
  x_w_s_y(enn_conv2d_s8_cols4__dsp, enn_conv2d_s8)          \
  x_w_b_s_y(enn_conv2d_s8_cols4border__dsp, enn_conv2d_s8)  \
  x_w_y(enn_conv2d_s8_cols4__mve, enn_conv2d_s8)            \
  x_w_s_y(enn_conv2d_s8_cols4border__mve, enn_conv2d_s8)    \
  x_w_s_y(enn_depthwise_conv2d_s8_patches__mve, enn_conv2d_s8) \
  x_w_s_y(enn_depthwise_conv2d_s8_windows__mve, enn_conv2d_s8) \
  x_w_f_y(enn_dense_s8_rows4__mve, enn_dense_s8)            \
  a_b_y(enn_add_s8_plane__mve, enn_add_plane_s8)            \
  x_y(enn_max_pool2d_s8__m0, enn_pool2d_s8)                 \
  x_y(enn_avg_pool2d_s8__m0, enn_pool2d_s8)                 \
  a_b_y(enn_add_s8_fine__mve, enn_add_fine_s8)              \
  x_y(enn_max_pool2d_s8__mve, enn_pool2d_s8)                \
  x_y(enn_avg_pool2d_s8__mve, enn_pool2d_s8)                \
  x_w_s_y(enn_depthwise_conv2d_s8_3x3plane__dsp, enn_conv2d_s8) \
  x_w_s_y(enn_depthwise_conv2d_s8_3x3planepositive__dsp, enn_conv2d_s8) \
  x_w_s_y(enn_depthwise_conv2d_s8_line__dsp, enn_conv2d_s8) \
  x_w_s_y(enn_depthwise_conv2d_s8_linepositive__dsp, enn_conv2d_s8) \
  x_w_y(enn_depthwise_conv2d_s8__dsp, enn_conv2d_s8)        \
  x_w_y(enn_depthwise_conv2d_s8_3x3quads__dsp, enn_conv2d_s8) \
  x_w_s_y(enn_depthwise_conv2d_s8_quads__dsp, enn_conv2d_s8) \
  x_w_y(enn_dense_s8_rows4__dsp, enn_dense_s8)              \
  x_w_y(enn_dense_s8_fold6__dsp, enn_dense_s8)              \
  x_w_s_y(enn_dense_s8_wide6__dsp, enn_dense_s8)            \
  a_b_y(enn_add_s8_same__dsp, enn_add_same_s8)              \
  x_y(enn_max_pool2d_s8__dsp, enn_pool2d_s8)                \
  x_y(enn_avg_pool2d_s8__dsp, enn_pool2d_s8)                \
  x_w_y(enn_conv2d_s8_pairs4__m0, enn_conv2d_s8)            \
  x_w_s_y(enn_conv2d_s8_pairs4border__m0, enn_conv2d_s8)    \
  x_w_y(enn_depthwise_conv2d_s8_pairs__m0, enn_conv2d_s8)   \
  x_w_y(enn_dense_s8_pairs4__m0, enn_dense_s8)              \
  a_b_y(enn_add_s8_plane__m0, enn_add_plane_s8)             \
  a_b_y(enn_add_s8_fine__m0, enn_add_fine_s8)               \
  x_w_s_y(enn_depthwise_conv2d_s8_patchlines__mve, enn_conv2d_s8) \
  x_w_y(enn_depthwise_conv2d_s8_pairlines__m0, enn_conv2d_s8) \
  x_w_f_y(enn_depthwise_conv2d_s8_channels__mve, enn_conv2d_s8) \
  x_w_f_y(enn_depthwise_conv2d_s8_direct__m0, enn_conv2d_s8) \
  a_b_y(enn_add_s8_plane__dsp, enn_add_plane_s8)            \
  a_b_y(enn_add_s8_fine__dsp, enn_add_fine_s8)              \
  a_b_y(enn_add_s8_rows__dsp, enn_add_rows_s8)              \
  a_b_y(enn_add_s8_finerows__dsp, enn_add_finerows_s8)      \
  a_b_y(enn_add_s8_rows__mve, enn_add_rows_s8)              \
  a_b_y(enn_add_s8_finerows__mve, enn_add_finerows_s8)      \
  a_b_y(enn_add_s8_rows__m0, enn_add_rows_s8)               \
  a_b_y(enn_add_s8_finerows__m0, enn_add_finerows_s8)       \
  a_b_y(enn_mul_s8__dsp, enn_mul_s8)                        \
  a_b_y(enn_mul_s8__mve, enn_mul_s8)                        \
  x_t_t_y(enn_mul_s8__m0, enn_mul_line_s8)                  \
  x_y(enn_mean_s8__dsp, enn_mean_s8)                        \
  x_y(enn_mean_s8__mve, enn_mean_s8)                        \
  a_b_y(enn_mean_s8__m0, enn_mean_s8)                       \
  a_b_y(enn_requantize_s8_table__dsp, enn_table_s8)         \
  a_b_y(enn_requantize_s8_table__mve, enn_table_s8)         \
  a_b_y(enn_requantize_s8_table__m0, enn_table_s8)          \
  x_y(enn_requantize_s8_line__dsp, enn_line_s8)             \
  x_y(enn_concat_s8_copy__dsp, enn_table_s8)                \
  x_y(enn_concat_s8_copy__mve, enn_table_s8)                \
  x_y(enn_concat_s8_copy__m0, enn_table_s8)                 \
  x_w_y(enn_conv2d_s16w8__ref, enn_conv2d_s8)               \
  x_w_y(enn_conv2d_s16w8_wide__ref, enn_conv2d_s8)          \
  x_w_y(enn_depthwise_conv2d_s16w8__ref, enn_conv2d_s8)     \
  x_w_y(enn_depthwise_conv2d_s16w8_wide__ref, enn_conv2d_s8) \
  x_w_y(enn_dense_s16w8__ref, enn_dense_s8)                 \
  x_w_y(enn_dense_s16w8_wide__ref, enn_dense_s8)            \
  x_w_y(enn_conv2d_s8w4__ref, enn_conv2d_s8)                \
  x_w_y(enn_depthwise_conv2d_s8w4__ref, enn_conv2d_s8)      \
  x_w_y(enn_dense_s8w4__ref, enn_dense_s8)                  \
  x_y(enn_max_pool2d_s16__ref, enn_pool2d_s8)               \
  x_y(enn_avg_pool2d_s16__ref, enn_pool2d_s8)               \
  x_y(enn_mean_s16__ref, enn_mean_s8)                       \
  a_b_y(enn_add_s16__ref, enn_add_s8)                       \
  a_b_y(enn_mul_s16__ref, enn_mul_s8)                       \
  x_y(enn_requantize_s16__ref, enn_requantize_s8)           \
  x_y(enn_requantize_s8s16__ref, enn_requantize_s8)         \
  x_y(enn_requantize_s16s8__ref, enn_requantize_s8)         \
  x_y(enn_reshape_s16__ref, enn_reshape_s8)                 \
  x_y(enn_concat_s16__ref, enn_concat_s8)                   \
  x_y(enn_pad_s16__ref, enn_pad_s8)                         \
  x_t_t_y(enn_softmax_s16__ref, enn_softmax_s16)            \
  x_w_y(enn_conv2d_s16w8_cols4__dsp, enn_conv2d_s8)         \
  x_w_f_y(enn_depthwise_conv2d_s16w8__dsp, enn_conv2d_s8)     \
  x_w_f_y(enn_dense_s16w8_rows4__dsp, enn_dense_s8)           \
  x_w_s_y(enn_conv2d_s8w4_cols4__dsp, enn_conv2d_s8)        \
  x_w_s_y(enn_depthwise_conv2d_s8w4__dsp, enn_conv2d_s8)    \
  x_w_s_y(enn_depthwise_conv2d_s8w4_3x3plane__dsp, enn_conv2d_s8) \
  x_w_s_y(enn_depthwise_conv2d_s8w4_3x3planepositive__dsp, enn_conv2d_s8) \
  x_w_s_y(enn_depthwise_conv2d_s8w4_3x3quads__dsp, enn_conv2d_s8) \
  x_w_s_y(enn_depthwise_conv2d_s8w4_quads__dsp, enn_conv2d_s8) \
  x_w_y(enn_dense_s8w4_rows4__dsp, enn_dense_s8)            \
  a_b_y(enn_add_s16_same__dsp, enn_add_same_s8)             \
  x_y(probe_fixed__ref, probe_fixed)

KERNELS(X_Y, A_B_Y, X_T_T_Y, X_W_F_Y, X_W_Y, X_W_S_Y, X_W_B_S_Y)

#define ENTRY(function, type) run_##function,
typedef enum result (*kernel)(const struct call *c, uint32_t words, void *y);
static const kernel kernels[] = {KERNELS(ENTRY, ENTRY, ENTRY, ENTRY, ENTRY, ENTRY, ENTRY)};

static enum result run_call(struct reader *r, uint32_t in_place, int8_t *y) {
  struct call c;
  const uint32_t kernel_index = next(r);
  const uint32_t words = next(r);
  if (kernel_index >= sizeof kernels / sizeof kernels[0] || words > MAX_WORDS) return CASES_BAD_FILE;
  for (uint32_t i = 0; i < words; i++) c.words[i] = (int32_t)next(r);
  const uint32_t buffers = next(r);
  if (buffers > MAX_BUFFERS) return CASES_BAD_FILE;
  for (uint32_t i = 0; i < buffers; i++) {
    const uint32_t bytes = next(r);
    if (in_place > 0 && i == 0) {
      if (bytes != in_place) return CASES_BAD_FILE;
      c.buffer[i] = y;
    } else {
      c.buffer[i] = block_new(bytes);
    }
    copy(c.buffer[i], r->at, bytes);
    r->at += (bytes + 3) / 4;
  }
  return kernels[kernel_index](&c, words, y);
}

/* Runs all cases. `file` is 4-aligned; `results` has room for all outputs; *done counts the cases
 * that have run, so that a crash can be placed. */
static enum result cases_run(const uint32_t *file, uint8_t *results, volatile uint32_t *done) {
  struct reader r = {file};
  const uint32_t cases = next(&r);
  for (*done = 0; *done < cases; ++*done) {
    const uint32_t y_bytes = next(&r);
    const uint32_t in_place = next(&r);
    const uint32_t calls = next(&r);
    int8_t *y = block_new(in_place > y_bytes ? in_place : y_bytes);
    for (uint32_t i = 0; i < y_bytes; i++) y[i] = 0x55;
    for (uint32_t i = 0; i < calls; i++) {
      const enum result result = run_call(&r, in_place, y);
      if (result != CASES_OK) return result;
    }
    copy(results, y, y_bytes);
    results += y_bytes;
    if (!blocks_release()) return CASES_OUT_OF_BOUNDS;
  }
  return CASES_OK;
}

#if defined(DRIVER_HOST)
/* A process: cases from argv[1], outputs of argv[3] bytes to argv[2]. The sanitizers watch; both are
 * told to end with abort(), so that the handler can say which case it was. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void *blocks[64];
static unsigned block_count;
static volatile uint32_t done;

static void *block_new(uint32_t bytes) {
  void *block = block_count < sizeof blocks / sizeof blocks[0] ? malloc(bytes) : NULL;
  if (!block) {
    fprintf(stderr, "case %u: no memory for %u bytes\n", (unsigned)done, (unsigned)bytes);
    exit(3);
  }
  return blocks[block_count++] = block;
}

static int blocks_release(void) {
  while (block_count > 0) free(blocks[--block_count]);
  return 1;
}

static void say_where(int signal_number) {
  (void)signal_number;
  fprintf(stderr, "cases completed: %u\n", (unsigned)done);
  _Exit(4);
}

const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "abort_on_error=1"; }
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) { return "abort_on_error=1:print_stacktrace=1"; }

int main(int argc, char **argv) {
  if (argc != 4) return CASES_BAD_FILE;
  FILE *in = fopen(argv[1], "rb");
  if (!in || fseek(in, 0, SEEK_END) != 0) return CASES_BAD_FILE;
  const size_t size = (size_t)ftell(in);
  const size_t room = (size_t)atol(argv[3]);
  uint32_t *file = malloc(size);
  uint8_t *results = malloc(room);
  rewind(in);
  if (!file || !results || fread(file, 1, size, in) != size) return CASES_BAD_FILE;
  signal(SIGABRT, say_where);
  const enum result result = cases_run(file, results, &done);
  FILE *out = fopen(argv[2], "wb");
  if (!out || fwrite(results, 1, room, out) != room || fclose(out) != 0) return 3;
  fclose(in);
  free(file);
  free(results);
  return (int)result;
}

#else
/* Without an operating system: blocks lie in one pool between guards. */
#define GUARD 16u
#define GUARD_BYTE 0xC3u

static _Alignas(16) uint8_t pool[1u << 19];
static uint32_t pool_used;
static struct {
  uint8_t *start;
  uint32_t bytes;
} blocks[64];
static uint32_t block_count;
static volatile uint32_t done;

static void *block_new(uint32_t bytes) {
  const uint32_t room = (bytes + 15u) / 16u * 16u + 2u * GUARD;
  if (room > sizeof pool - pool_used || block_count == sizeof blocks / sizeof blocks[0])
    __builtin_trap();
  uint8_t *start = pool + pool_used;
  for (uint32_t i = 0; i < room; i++) start[i] = GUARD_BYTE;
  pool_used += room;
  blocks[block_count].start = start + GUARD;
  blocks[block_count++].bytes = bytes;
  return start + GUARD;
}

static int blocks_release(void) {
  int intact = 1;
  for (; block_count > 0; block_count--) {
    const uint8_t *start = blocks[block_count - 1].start;
    const uint32_t bytes = blocks[block_count - 1].bytes;
    for (uint32_t i = 0; i < GUARD; i++) {
      if (start[bytes + i] != GUARD_BYTE || *(start - 1 - i) != GUARD_BYTE) intact = 0;
    }
  }
  pool_used = 0;
  return intact;
}

#define FILE_ROOM (2u << 20)
#define RESULT_ROOM (1u << 19)
static _Alignas(16) uint8_t file_room[FILE_ROOM];
static uint8_t result_room[RESULT_ROOM];

#if defined(DRIVER_WASM)
__attribute__((export_name("file"))) void *driver_file(void) { return file_room; }
__attribute__((export_name("results"))) void *driver_results(void) { return result_room; }
__attribute__((export_name("done"))) uint32_t driver_done(void) { return done; }
__attribute__((export_name("run"))) int driver_run(void) {
  return (int)cases_run((const uint32_t *)(const void *)file_room, result_room, &done);
}

#else
/* Cortex-M under an emulator, with the debugger's file access (Arm semihosting). */
extern uint32_t enn_stack_top[];

static int32_t semihost(uint32_t operation, const void *argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return (int32_t)r0;
}

static int32_t file_open(const char *name, uint32_t length, uint32_t mode) {
  const uint32_t arguments[] = {(uint32_t)(uintptr_t)name, mode, length};
  return semihost(0x01, arguments);
}

/* Reads (0x06) or writes (0x05); returns the bytes left over. */
static int32_t transfer(uint32_t operation, int32_t handle, void *data, uint32_t bytes) {
  const uint32_t arguments[] = {(uint32_t)handle, (uint32_t)(uintptr_t)data, bytes};
  return semihost(operation, arguments);
}

static __attribute__((noreturn)) void leave(uint32_t code) {
  const uint32_t arguments[] = {0x20026u, code};
  for (;;) semihost(0x20, arguments);
}

__attribute__((noreturn)) void enn_start(void) {
#if defined(__ARM_FP)
  /* Vectors and floats are off after reset: CPACR, CP10 and CP11. DDI 0553, D1.2.14. */
  *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20;
  __asm__ volatile("dsb\n isb" ::: "memory");
#endif
  const int32_t in = file_open("cases.bin", 9, 1);
  const int32_t out = file_open("results.bin", 11, 5);
  if (in < 0 || out < 0) leave(3);
  const int32_t unread = transfer(0x06, in, file_room, FILE_ROOM);
  if (unread < 0 || unread == (int32_t)FILE_ROOM) leave(3);
  const enum result result =
      cases_run((const uint32_t *)(const void *)file_room, result_room, &done);
  if (transfer(0x05, out, result_room, RESULT_ROOM) != 0) leave(3);
  leave((uint32_t)result);
}

static __attribute__((noreturn)) void fault(void) { leave(4); }

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))enn_stack_top, enn_start, fault, fault, fault, fault, fault};
#endif
#endif
