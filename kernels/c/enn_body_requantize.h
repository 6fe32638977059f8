/* requantize from elements of ENN_T to elements of ENN_U; ENN_F(op) is the kernel's name. Included once
 * per pair of types, so it has no guard. */
/* y may be x. */
ENN_INLINE void ENN_F(requantize)(const ENN_CONST struct enn_requantize_s8 *p, const ENN_T *x,
                                       ENN_U *y) {
  for (int32_t i = 0; i < p->count; i++) {
    y[i] = (ENN_U)enn_rescale(x[i] - p->in_zero, p->mult, p->shift, p->out_zero, p->clamp_min,
                          p->clamp_max);
  }
}
