/* add and mul of enn_s8_elementwise.h and enn_s16_elementwise.h: ENN_T is an element's type, ENN_F(op) a
 * kernel's name, ENN_ADD_BITS how far add shifts its operands. Included once per type, so it has no guard. */
ENN_INLINE void ENN_F(add)(const ENN_CONST struct enn_add_s8 *p, const ENN_T *a,
                                const ENN_T *b, ENN_T *y) {
  for (int32_t i = 0; i < p->dims[0]; i++) {
    for (int32_t j = 0; j < p->dims[1]; j++) {
      for (int32_t k = 0; k < p->dims[2]; k++) {
        const ENN_T *row_a = a + enn_row_at(p->a_stride, i, j, k);
        const ENN_T *row_b = b + enn_row_at(p->b_stride, i, j, k);
        for (int32_t l = 0; l < p->dims[3]; l++) {
          const int32_t wide_a = (row_a[l * p->a_stride[3]] - p->a_zero) * ((int32_t)1 << ENN_ADD_BITS);
          const int32_t wide_b = (row_b[l * p->b_stride[3]] - p->b_zero) * ((int32_t)1 << ENN_ADD_BITS);
          const int32_t sum = enn_multiply(wide_a, p->a_mult, p->a_shift) +
                              enn_multiply(wide_b, p->b_mult, p->b_shift);
          *y++ = (ENN_T)enn_rescale(sum, p->out_mult, p->out_shift, p->out_zero, p->clamp_min,
                                p->clamp_max);
        }
      }
    }
  }
}

ENN_INLINE void ENN_F(mul)(const ENN_CONST struct enn_mul_s8 *p, const ENN_T *a,
                                const ENN_T *b, ENN_T *y) {
  for (int32_t i = 0; i < p->dims[0]; i++) {
    for (int32_t j = 0; j < p->dims[1]; j++) {
      for (int32_t k = 0; k < p->dims[2]; k++) {
        const ENN_T *row_a = a + enn_row_at(p->a_stride, i, j, k);
        const ENN_T *row_b = b + enn_row_at(p->b_stride, i, j, k);
        for (int32_t l = 0; l < p->dims[3]; l++) {
          const int32_t product = (row_a[l * p->a_stride[3]] - p->a_zero) *
                                  (row_b[l * p->b_stride[3]] - p->b_zero);
          *y++ = (ENN_T)enn_rescale(product, p->mult, p->shift, p->out_zero, p->clamp_min, p->clamp_max);
        }
      }
    }
  }
}
