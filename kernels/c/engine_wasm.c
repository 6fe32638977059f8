/*
 * engine_wasm.c: the float kernels as exports of one WebAssembly module. Memory is imported; the
 * host owns all of it above heap_base() and passes a parameter struct and buffers by address.
 * A `<kernel>_scratch` export tells how many floats of scratch the kernel needs.
 */
#include "enn_f32_axis.h"
#include "enn_f32_conv.h"
#include "enn_f32_conv_fft.h"
#include "enn_f32_depthwise.h"
#include "enn_f32_fft.h"
#include "enn_f32_gemm.h"
#include "enn_f32_loss.h"
#include "enn_f32_map.h"
#include "enn_f32_pool.h"
#include "enn_f32_random.h"
#include "enn_f32_strided.h"
#include "enn_f32_window.h"

#define EXPORT(name) __attribute__((export_name(#name)))

extern unsigned char __heap_base;

EXPORT(heap_base) uint32_t heap_base(void);
uint32_t heap_base(void) { return (uint32_t)(uintptr_t)&__heap_base; }

#define SCRATCH(name, params)                                     \
  EXPORT(name##_scratch) int32_t k_##name##_scratch(const params *p); \
  int32_t k_##name##_scratch(const params *p) { return enn_##name##_f32_scratch(p); }

#define KERNEL1(name, params, ...)                                             \
  EXPORT(name) void k_##name(const params *p, const float *a, float *y);       \
  void k_##name(const params *p, const float *a, float *y) { __VA_ARGS__; }

#define KERNEL2(name, params, ...)                                                             \
  EXPORT(name) void k_##name(const params *p, const float *a, const float *b, float *y);       \
  void k_##name(const params *p, const float *a, const float *b, float *y) { __VA_ARGS__; }

/* One operand and scratch, two operands and scratch, with bias. */
#define KERNEL1S(name, params)                                                        \
  SCRATCH(name, params)                                                               \
  EXPORT(name) void k_##name(const params *p, const float *a, float *s, float *y);    \
  void k_##name(const params *p, const float *a, float *s, float *y) {                \
    enn_##name##_f32(p, a, s, y);                                                     \
  }
#define KERNEL2S(name, params)                                                                  \
  SCRATCH(name, params)                                                                         \
  EXPORT(name) void k_##name(const params *p, const float *a, const float *b, float *s, float *y); \
  void k_##name(const params *p, const float *a, const float *b, float *s, float *y) {          \
    enn_##name##_f32(p, a, b, s, y);                                                            \
  }
#define KERNEL3S(name, params)                                                              \
  SCRATCH(name, params)                                                                     \
  EXPORT(name) void k_##name(const params *p, const float *a, const float *b, const float *c, \
                             float *s, float *y);                                           \
  void k_##name(const params *p, const float *a, const float *b, const float *c, float *s,  \
                float *y) {                                                                 \
    enn_##name##_f32(p, a, b, c, s, y);                                                     \
  }

KERNEL3S(conv2d, enn_f32_window)
KERNEL2S(conv2d_grad_input, enn_f32_window)
KERNEL2S(conv2d_grad_weights, enn_f32_window)
KERNEL3S(conv2d_fft, enn_f32_conv_fft)
KERNEL2S(conv2d_grad_input_fft, enn_f32_conv_fft)
KERNEL2S(conv2d_grad_weights_fft, enn_f32_conv_fft)
KERNEL3S(matmul, enn_f32_matmul)

EXPORT(depthwise_conv2d)
void k_depthwise_conv2d(const enn_f32_window *p, const float *x, const float *w, const float *b,
                        float *y);
void k_depthwise_conv2d(const enn_f32_window *p, const float *x, const float *w, const float *b,
                        float *y) {
  enn_depthwise_conv2d_f32(p, x, w, b, y);
}
KERNEL2(depthwise_conv2d_grad_input, enn_f32_window,
        enn_depthwise_conv2d_grad_input_f32(p, a, b, y))
KERNEL2S(depthwise_conv2d_grad_weights, enn_f32_window)

KERNEL1(max_pool2d, enn_f32_window, enn_f32_pool(p, ENN_MAX, a, a, y))
KERNEL1(avg_pool2d, enn_f32_window, enn_f32_pool(p, ENN_MEAN, a, a, y))
KERNEL2(max_pool2d_grad, enn_f32_window, enn_f32_pool(p, ENN_MAX_GRAD, a, b, y))
KERNEL1(avg_pool2d_grad, enn_f32_window, enn_f32_pool(p, ENN_MEAN_GRAD, a, a, y))

KERNEL2(add, enn_f32_strided, enn_add_f32(p, a, b, y))
KERNEL2(sub, enn_f32_strided, enn_sub_f32(p, a, b, y))
KERNEL2(mul, enn_f32_strided, enn_mul_f32(p, a, b, y))
KERNEL2(div, enn_f32_strided, enn_div_f32(p, a, b, y))
KERNEL2(equal, enn_f32_strided, enn_equal_f32(p, a, b, y))

EXPORT(copy) void k_copy(const enn_f32_strided *p, const uint32_t *a, uint32_t *y);
void k_copy(const enn_f32_strided *p, const uint32_t *a, uint32_t *y) { enn_copy_b32(p, a, y); }

EXPORT(zero) void k_zero(const enn_f32_map *p, float *y);
void k_zero(const enn_f32_map *p, float *y) { enn_f32_zero(y, p->n); }

EXPORT(reduce_scratch) int32_t k_reduce_scratch(const enn_f32_reduce *p);
int32_t k_reduce_scratch(const enn_f32_reduce *p) { return enn_reduce_f32_scratch(p); }

#define REDUCE(name)                                                                            \
  EXPORT(name) void k_##name(const enn_f32_reduce *p, const float *x, float *s, float *y);      \
  void k_##name(const enn_f32_reduce *p, const float *x, float *s, float *y) {                  \
    enn_##name##_f32(p, x, s, y);                                                               \
  }
REDUCE(sum)
REDUCE(mean)
REDUCE(variance)

KERNEL1(max_over, enn_f32_reduce, enn_extreme_f32(p, 1.0f, a, y))
KERNEL1(min_over, enn_f32_reduce, enn_extreme_f32(p, -1.0f, a, y))
KERNEL1(arg_max, enn_f32_axis, enn_arg_extreme_f32(p, 1.0f, a, y))
KERNEL1(arg_min, enn_f32_axis, enn_arg_extreme_f32(p, -1.0f, a, y))
KERNEL1S(fft, enn_f32_fft)

#define MAP1(name) KERNEL1(name, enn_f32_map, enn_##name##_f32(p, a, y))
#define MAP2(name) KERNEL2(name, enn_f32_map, enn_##name##_f32(p, a, b, y))
MAP1(scale)
MAP1(rsqrt)
MAP1(relu)
MAP1(relu6)
MAP1(leaky_relu)
MAP1(elu)
MAP1(selu)
MAP1(sigmoid)
MAP1(tanh)
MAP1(softplus)
MAP1(softsign)
MAP1(not_zero)
MAP1(truncate)
MAP1(hard_swish)
MAP1(gelu)
MAP2(relu_grad)
MAP2(relu6_grad)
MAP2(leaky_relu_grad)
MAP2(elu_grad)
MAP2(selu_grad)
MAP2(sigmoid_grad)
MAP2(tanh_grad)
MAP2(softplus_grad)
MAP2(softsign_grad)
MAP2(hard_swish_grad)
MAP2(gelu_grad)
MAP2(scale_add)
MAP2(ema)

EXPORT(descend)
void k_descend(const enn_f32_map *p, const float *w, const float *g, const float *rate, float *y);
void k_descend(const enn_f32_map *p, const float *w, const float *g, const float *rate, float *y) {
  enn_descend_f32(p, w, g, rate, y);
}

EXPORT(adaptive_descend)
void k_adaptive_descend(const enn_f32_map *p, const float *w, const float *m, const float *v,
                        const float *rate, float *y);
void k_adaptive_descend(const enn_f32_map *p, const float *w, const float *m, const float *v,
                        const float *rate, float *y) {
  enn_adaptive_descend_f32(p, w, m, v, rate, y);
}

EXPORT(batch_norm)
void k_batch_norm(const enn_f32_norm *p, const float *x, const float *gamma, const float *beta,
                  const float *mean, const float *variance, float *y);
void k_batch_norm(const enn_f32_norm *p, const float *x, const float *gamma, const float *beta,
                  const float *mean, const float *variance, float *y) {
  enn_batch_norm_f32(p, x, gamma, beta, mean, variance, y);
}

KERNEL1(softmax, enn_f32_table, enn_softmax_f32(p, a, y))
KERNEL2(softmax_grad, enn_f32_table, enn_softmax_grad_f32(p, a, b, y))
KERNEL2(sigmoid_cross_entropy, enn_f32_table, enn_sigmoid_cross_entropy_f32(p, a, b, y))
KERNEL2(squares, enn_f32_table, enn_squares_f32(p, a, b, y))

KERNEL2S(soft_cross_entropy, enn_f32_table)

EXPORT(soft_cross_entropy_grad)
void k_soft_cross_entropy_grad(const enn_f32_table *p, const float *x, const float *target,
                               const float *dloss, float *y);
void k_soft_cross_entropy_grad(const enn_f32_table *p, const float *x, const float *target,
                               const float *dloss, float *y) {
  enn_soft_cross_entropy_grad_f32(p, x, target, dloss, y);
}

SCRATCH(softmax_cross_entropy, enn_f32_table)
EXPORT(softmax_cross_entropy)
void k_softmax_cross_entropy(const enn_f32_table *p, const float *x, const int32_t *labels,
                             float *s, float *y);
void k_softmax_cross_entropy(const enn_f32_table *p, const float *x, const int32_t *labels,
                             float *s, float *y) {
  enn_softmax_cross_entropy_f32(p, x, labels, s, y);
}

EXPORT(softmax_cross_entropy_grad)
void k_softmax_cross_entropy_grad(const enn_f32_table *p, const float *x, const int32_t *labels,
                                  const float *dloss, float *y);
void k_softmax_cross_entropy_grad(const enn_f32_table *p, const float *x, const int32_t *labels,
                                  const float *dloss, float *y) {
  enn_softmax_cross_entropy_grad_f32(p, x, labels, dloss, y);
}

EXPORT(sigmoid_cross_entropy_grad)
void k_sigmoid_cross_entropy_grad(const enn_f32_table *p, const float *x, const float *target,
                                  const float *dloss, float *y);
void k_sigmoid_cross_entropy_grad(const enn_f32_table *p, const float *x, const float *target,
                                  const float *dloss, float *y) {
  enn_sigmoid_cross_entropy_grad_f32(p, x, target, dloss, y);
}

EXPORT(dropout_mask)
void k_dropout_mask(const enn_f32_dropout *p, const int32_t *key, float *y);
void k_dropout_mask(const enn_f32_dropout *p, const int32_t *key, float *y) {
  enn_dropout_mask_f32(p, key, y);
}
