/* The layers with weights of enn_s16w8_layers.h and enn_s8w4_layers.h: ENN_T is an activation's type,
 * ENN_F(op) a kernel's name, ENN_W(w, i) reads weight i, ENN_ACC is the type of the sums and
 * ENN_OUT(acc, q) the output of one with the factor of index q. Included once per kind of layer, so it
 * has no guard. */
ENN_INLINE void ENN_F(conv2d)(const ENN_CONST struct enn_conv2d_s8 *p, const ENN_T *x,
                              const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                              const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
                              ENN_T *y) {
  for (int32_t i = 0; i < p->out_h; i++) {
    const int32_t top = i * p->stride_h - p->pad_top;
    const struct enn_taps rows = enn_clip_taps(top, p->kernel_h, p->dilation_h, p->in_h);
    for (int32_t j = 0; j < p->out_w; j++) {
      const int32_t left = j * p->stride_w - p->pad_left;
      const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, p->dilation_w, p->in_w);
      for (int32_t o = 0; o < p->out_c; o++) {
        ENN_ACC acc = bias[o];
        for (int32_t u = rows.first; u < rows.last; u++) {
          const int32_t x_row = (top + u * p->dilation_h) * p->in_w + left;
          for (int32_t v = cols.first; v < cols.last; v++) {
            const ENN_T *from = x + (x_row + v * p->dilation_w) * p->in_c;
            const int32_t tap = ((o * p->kernel_h + u) * p->kernel_w + v) * p->in_c;
            for (int32_t c = 0; c < p->in_c; c++)
              acc += (from[c] - p->in_zero) * ENN_W(w, tap + c);
          }
        }
        *y++ = ENN_OUT(acc, o);
      }
    }
  }
}

ENN_INLINE void ENN_F(depthwise_conv2d)(const ENN_CONST struct enn_conv2d_s8 *p, const ENN_T *x,
                                        const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                                        const ENN_CONST int32_t *mult,
                                        const ENN_CONST int8_t *shift, ENN_T *y) {
  const int32_t multiplier = p->out_c / p->in_c;
  for (int32_t i = 0; i < p->out_h; i++) {
    const int32_t top = i * p->stride_h - p->pad_top;
    const struct enn_taps rows = enn_clip_taps(top, p->kernel_h, p->dilation_h, p->in_h);
    for (int32_t j = 0; j < p->out_w; j++) {
      const int32_t left = j * p->stride_w - p->pad_left;
      const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, p->dilation_w, p->in_w);
      for (int32_t o = 0; o < p->out_c; o++) {
        const int32_t c = o / multiplier;
        ENN_ACC acc = bias[o];
        for (int32_t u = rows.first; u < rows.last; u++) {
          const int32_t x_row = (top + u * p->dilation_h) * p->in_w + left;
          for (int32_t v = cols.first; v < cols.last; v++) {
            acc += (x[(x_row + v * p->dilation_w) * p->in_c + c] - p->in_zero) *
                   ENN_W(w, (u * p->kernel_w + v) * p->out_c + o);
          }
        }
        *y++ = ENN_OUT(acc, o);
      }
    }
  }
}

ENN_INLINE void ENN_F(dense)(const ENN_CONST struct enn_dense_s8 *p, const ENN_T *x,
                             const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                             const ENN_CONST int32_t *mult, const ENN_CONST int8_t *shift,
                             ENN_T *y) {
  for (int32_t o = 0; o < p->out; o++) {
    const int32_t q = p->per_axis ? o : 0;
    ENN_ACC acc = bias[o];
    for (int32_t i = 0; i < p->in; i++) acc += (x[i] - p->in_zero) * ENN_W(w, o * p->in + i);
    y[o] = ENN_OUT(acc, q);
  }
}
