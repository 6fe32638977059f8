/* The kernel of enn_s8_reduce.h and enn_s16_reduce.h: ENN_T is an element's type, from ENN_LEAST to
 * ENN_MOST, ENN_F(op) a kernel's name. Included once per type, so it has no guard. */
ENN_INLINE void ENN_F(mean)(const ENN_CONST struct enn_mean_s8 *p, const ENN_T *x,
                                 ENN_T *y) {
  for (int32_t a = 0; a < p->outer; a++) {
    for (int32_t b = 0; b < p->middle; b++) {
      for (int32_t c = 0; c < p->inner; c++) {
        int32_t acc = 0;
        for (int32_t r = 0; r < p->reduce0; r++) {
          const int32_t row = ((a * p->reduce0 + r) * p->middle + b) * p->reduce1;
          for (int32_t s = 0; s < p->reduce1; s++) acc += x[(row + s) * p->inner + c];
        }
        *y++ = (ENN_T)enn_rescale(acc - p->zero_sum, p->mult, p->shift, p->out_zero, ENN_LEAST,
                                  ENN_MOST);
      }
    }
  }
}
