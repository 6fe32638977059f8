/*
 * enn_f32_map.h: ops that work element by element on arrays of one shape: activations, their
 * gradients, parameter updates. Formulas are those of host/ir/ops.ts; oracle:
 * test/reference/reference.ts.
 *
 * The output may be one of the inputs, or lie below it: elements are read before they are written,
 * in ascending order.
 */
#ifndef ENN_F32_MAP_H
#define ENN_F32_MAP_H

#include "enn_f32_math.h"

typedef struct {
  int32_t n;    /* elements */
  float factor; /* the op's attribute: alpha, factor, decay, epsilon */
} enn_f32_map;

#define ENN_SELU_SCALE 1.05070099f
#define ENN_SELU_ALPHA 1.67326324f

/* One, two or three arrays; `f` stands for the attribute in all lanes, `one` and `zero` as named. */
#define ENN_MAP_HEAD                                                         \
  const enn_vf f = enn_vf_splat(p->factor), one = enn_vf_splat(1.0f),     \
                zero = enn_vf_zero();                                       \
  (void)f, (void)one, (void)zero;

#define ENN_MAP1(name, formula)                                                           \
  ENN_INLINE void enn_##name##_f32(const enn_f32_map *p, const float *xs, float *ys) {    \
    ENN_MAP_HEAD                                                                          \
    int32_t i = 0;                                                                        \
    for (; i + ENN_LANES <= p->n; i += ENN_LANES) {                                       \
      const enn_vf x = enn_vf_load(xs + i);                                               \
      enn_vf_store(ys + i, formula);                                                      \
    }                                                                                     \
    if (i < p->n) {                                                                       \
      const enn_vf x = enn_vf_load_upto(xs + i, p->n - i);                                \
      enn_vf_store_upto(ys + i, formula, p->n - i);                                       \
    }                                                                                     \
  }

#define ENN_MAP2(name, formula)                                                            \
  ENN_INLINE void enn_##name##_f32(const enn_f32_map *p, const float *xs, const float *gs, \
                                   float *ys) {                                            \
    ENN_MAP_HEAD                                                                           \
    int32_t i = 0;                                                                         \
    for (; i + ENN_LANES <= p->n; i += ENN_LANES) {                                        \
      const enn_vf x = enn_vf_load(xs + i), g = enn_vf_load(gs + i);                       \
      enn_vf_store(ys + i, formula);                                                       \
    }                                                                                      \
    if (i < p->n) {                                                                        \
      const enn_vf x = enn_vf_load_upto(xs + i, p->n - i);                                 \
      const enn_vf g = enn_vf_load_upto(gs + i, p->n - i);                                 \
      enn_vf_store_upto(ys + i, formula, p->n - i);                                        \
    }                                                                                      \
  }

#define V_ADD enn_vf_add
#define V_SUB enn_vf_sub
#define V_MUL enn_vf_mul
#define V_DIV enn_vf_div
#define V_IF(a, b, yes, no) enn_vf_select(enn_vf_gt(a, b), yes, no)
#define V_NUM enn_vf_splat

/* Activations of x. */
ENN_MAP1(scale, V_MUL(f, x))
ENN_MAP1(rsqrt, V_DIV(one, enn_vf_sqrt(V_ADD(x, f))))
ENN_MAP1(relu, enn_vf_max(x, zero))
ENN_MAP1(relu6, enn_vf_min(enn_vf_max(x, zero), V_NUM(6.0f)))
ENN_MAP1(leaky_relu, V_IF(x, zero, x, V_MUL(f, x)))
ENN_MAP1(elu, V_IF(x, zero, x, V_MUL(f, enn_vf_expm1(enn_vf_min(x, zero)))))
ENN_MAP1(selu, V_MUL(V_NUM(ENN_SELU_SCALE),
                     V_IF(x, zero, x,
                          V_MUL(V_NUM(ENN_SELU_ALPHA), enn_vf_expm1(enn_vf_min(x, zero))))))
ENN_MAP1(sigmoid, enn_vf_sigmoid(x))
ENN_MAP1(tanh, enn_vf_tanh(x))
ENN_MAP1(softplus, enn_vf_softplus(x))
ENN_MAP1(softsign, V_DIV(x, V_ADD(one, enn_vf_abs(x))))
ENN_MAP1(not_zero, V_IF(enn_vf_abs(x), zero, one, zero))
ENN_MAP1(hard_swish, V_MUL(x, V_MUL(enn_vf_min(enn_vf_max(V_ADD(x, V_NUM(3.0f)), zero), V_NUM(6.0f)),
                                    V_NUM(1.0f / 6.0f))))
ENN_MAP1(gelu, V_MUL(x, enn_vf_phi(x)))

/* Beyond 2^23 there are no fractions. */
ENN_INLINE void enn_truncate_f32(const enn_f32_map *p, const float *x, float *y) {
  for (int32_t i = 0; i < p->n; i++) {
    const float v = x[i];
    y[i] = v > -8388608.0f && v < 8388608.0f ? (float)(int32_t)v : v;
  }
}

/* Gradients: x stands for the first operand (the op's x or y), g for dy. */
ENN_MAP2(relu_grad, V_IF(x, zero, g, zero))
ENN_MAP2(relu6_grad, V_IF(x, zero, V_IF(V_NUM(6.0f), x, g, zero), zero))
ENN_MAP2(leaky_relu_grad, V_IF(x, zero, g, V_MUL(f, g)))
ENN_MAP2(elu_grad, V_MUL(g, V_IF(x, zero, one, V_ADD(x, f))))
ENN_MAP2(selu_grad, V_MUL(g, V_IF(x, zero, V_NUM(ENN_SELU_SCALE), V_ADD(x, V_NUM(1.75809934f)))))
ENN_MAP2(sigmoid_grad, V_MUL(g, V_MUL(x, V_SUB(one, x))))
ENN_MAP2(tanh_grad, V_MUL(g, V_SUB(one, V_MUL(x, x))))
ENN_MAP2(softplus_grad, V_MUL(g, enn_vf_sigmoid(x)))
ENN_MAP2(softsign_grad, V_DIV(g, V_MUL(V_ADD(one, enn_vf_abs(x)), V_ADD(one, enn_vf_abs(x)))))
ENN_MAP2(hard_swish_grad,
         V_MUL(g, V_IF(x, V_NUM(3.0f), one,
                       V_IF(V_NUM(-3.0f), x, zero,
                            V_ADD(V_MUL(x, V_NUM(1.0f / 3.0f)), V_NUM(0.5f))))))
ENN_MAP2(gelu_grad,
         V_MUL(g, V_ADD(enn_vf_phi(x),
                        V_MUL(V_MUL(x, V_NUM(0.398942280f)),
                              enn_vf_exp(V_MUL(V_MUL(x, x), V_NUM(-0.5f)))))))

/* Arithmetic on arrays of one shape. */
ENN_MAP2(flat_add, V_ADD(x, g))
ENN_MAP2(flat_sub, V_SUB(x, g))
ENN_MAP2(flat_mul, V_MUL(x, g))
ENN_MAP2(flat_div, V_DIV(x, g))

/* Updates: x stands for a, g for b. */
ENN_MAP2(scale_add, V_ADD(V_MUL(f, x), g))
ENN_MAP2(ema, V_ADD(V_MUL(f, x), V_MUL(V_SUB(one, f), g)))

/* y = w - rate g */
ENN_INLINE void enn_descend_f32(const enn_f32_map *p, const float *w, const float *g,
                                const float *rate, float *y) {
  const enn_vf r = enn_vf_splat(*rate);
  for (int32_t i = 0; i < p->n; i += ENN_LANES) {
    const int32_t lanes = p->n - i;
    const enn_vf a = enn_vf_load_upto(w + i, lanes), b = enn_vf_load_upto(g + i, lanes);
    enn_vf_store_upto(y + i, V_SUB(a, V_MUL(r, b)), lanes);
  }
}

/* y = w - rate m / (sqrt(v) + epsilon) */
ENN_INLINE void enn_adaptive_descend_f32(const enn_f32_map *p, const float *w, const float *m,
                                         const float *v, const float *rate, float *y) {
  const enn_vf r = enn_vf_splat(*rate), epsilon = enn_vf_splat(p->factor);
  for (int32_t i = 0; i < p->n; i += ENN_LANES) {
    const int32_t lanes = p->n - i;
    const enn_vf root = enn_vf_sqrt(enn_vf_load_upto(v + i, lanes));
    const enn_vf step = V_DIV(V_MUL(r, enn_vf_load_upto(m + i, lanes)), V_ADD(root, epsilon));
    enn_vf_store_upto(y + i, V_SUB(enn_vf_load_upto(w + i, lanes), step), lanes);
  }
}

typedef struct {
  int32_t rows, channels;
  float epsilon;
} enn_f32_norm;

/* y = gamma (x - mean) / sqrt(variance + epsilon) + beta; x[rows][channels] */
ENN_INLINE void enn_batch_norm_f32(const enn_f32_norm *p, const float *x, const float *gamma,
                                   const float *beta, const float *mean, const float *variance,
                                   float *y) {
  for (int32_t i = 0; i < p->rows; i++) {
    const intptr_t row = (intptr_t)i * p->channels;
    for (int32_t c = 0; c < p->channels; c += ENN_LANES) {
      const int32_t lanes = p->channels - c;
      const enn_vf v = enn_vf_load_upto(variance + c, lanes);
      const enn_vf deviation = enn_vf_sqrt(V_ADD(v, V_NUM(p->epsilon)));
      const enn_vf scale = V_DIV(enn_vf_load_upto(gamma + c, lanes), deviation);
      const enn_vf centred =
          V_SUB(enn_vf_load_upto(x + row + c, lanes), enn_vf_load_upto(mean + c, lanes));
      const enn_vf shifted = V_ADD(V_MUL(scale, centred), enn_vf_load_upto(beta + c, lanes));
      enn_vf_store_upto(y + row + c, shifted, lanes);
    }
  }
}

#undef V_ADD
#undef V_SUB
#undef V_MUL
#undef V_DIV
#undef V_IF
#undef V_NUM
#undef ENN_MAP1
#undef ENN_MAP2
#undef ENN_MAP_HEAD

#endif
