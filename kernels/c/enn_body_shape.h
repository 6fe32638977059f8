/* The kernels of enn_s8_shape.h and enn_s16_shape.h: ENN_T is an element's type, ENN_F(op) a kernel's
 * name. Included once per type, so it has no guard. */
ENN_INLINE void ENN_F(reshape)(const ENN_CONST struct enn_reshape_s8 *p, const ENN_T *x,
                                    ENN_T *y) {
  if (x == y) return;
  for (int32_t i = 0; i < p->count; i++) y[i] = x[i];
}

ENN_INLINE void ENN_F(concat)(const ENN_CONST struct enn_concat_s8 *p, const ENN_T *x,
                                   ENN_T *y) {
  for (int32_t i = 0; i < p->outer; i++) {
    const ENN_T *from = x + i * p->inner;
    ENN_T *to = y + i * p->stride + p->offset;
    for (int32_t j = 0; j < p->inner; j++) {
      to[j] = (ENN_T)enn_rescale(from[j] - p->in_zero, p->mult, p->shift, p->out_zero, p->clamp_min,
                             p->clamp_max);
    }
  }
}

ENN_INLINE void ENN_F(pad)(const ENN_CONST struct enn_pad_s8 *p, const ENN_T *x, ENN_T *y) {
  const ENN_T value = (ENN_T)p->value;
  for (int32_t i = 0; i < p->out[0]; i++) {
    const int32_t xi = i - p->before[0];
    for (int32_t j = 0; j < p->out[1]; j++) {
      const int32_t xj = j - p->before[1];
      for (int32_t k = 0; k < p->out[2]; k++) {
        const int32_t xk = k - p->before[2];
        const int inside = xi >= 0 && xi < p->in[0] && xj >= 0 && xj < p->in[1] && xk >= 0 &&
                           xk < p->in[2];
        const int32_t first = inside ? p->before[3] : p->out[3];
        const int32_t last = inside ? p->before[3] + p->in[3] : p->out[3];
        for (int32_t l = 0; l < first; l++) *y++ = value;
        for (int32_t l = first; l < last; l++)
          *y++ = x[((xi * p->in[1] + xj) * p->in[2] + xk) * p->in[3] + l - first];
        for (int32_t l = last; l < p->out[3]; l++) *y++ = value;
      }
    }
  }
}
