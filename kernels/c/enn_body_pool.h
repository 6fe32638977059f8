/* The kernels of enn_s8_pool.h and enn_s16_pool.h: ENN_T is an element's type, ENN_F(op) a kernel's
 * name. Included once per type, so it has no guard. */
ENN_INLINE void ENN_F(max_pool2d)(const ENN_CONST struct enn_pool2d_s8 *p, const ENN_T *x,
                                       ENN_T *y) {
  for (int32_t i = 0; i < p->out_h; i++) {
    const int32_t top = i * p->stride_h - p->pad_top;
    const struct enn_taps rows = enn_clip_taps(top, p->kernel_h, 1, p->in_h);
    for (int32_t j = 0; j < p->out_w; j++) {
      const int32_t left = j * p->stride_w - p->pad_left;
      const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, 1, p->in_w);
      for (int32_t c = 0; c < p->channels; c++) {
        int32_t best = INT32_MIN;
        for (int32_t u = rows.first; u < rows.last; u++) {
          const int32_t row = (top + u) * p->in_w + left;
          for (int32_t v = cols.first; v < cols.last; v++)
            best = enn_max(best, x[(row + v) * p->channels + c]);
        }
        *y++ = (ENN_T)enn_min(enn_max(best, p->clamp_min), p->clamp_max);
      }
    }
  }
}

ENN_INLINE void ENN_F(avg_pool2d)(const ENN_CONST struct enn_pool2d_s8 *p, const ENN_T *x,
                                       ENN_T *y) {
  for (int32_t i = 0; i < p->out_h; i++) {
    const int32_t top = i * p->stride_h - p->pad_top;
    const struct enn_taps rows = enn_clip_taps(top, p->kernel_h, 1, p->in_h);
    for (int32_t j = 0; j < p->out_w; j++) {
      const int32_t left = j * p->stride_w - p->pad_left;
      const struct enn_taps cols = enn_clip_taps(left, p->kernel_w, 1, p->in_w);
      const int32_t count = (rows.last - rows.first) * (cols.last - cols.first);
      for (int32_t c = 0; c < p->channels; c++) {
        int32_t acc = 0;
        for (int32_t u = rows.first; u < rows.last; u++) {
          const int32_t row = (top + u) * p->in_w + left;
          for (int32_t v = cols.first; v < cols.last; v++) acc += x[(row + v) * p->channels + c];
        }
        /* C divides towards zero, so half of the count goes the way of the sign. */
        acc = (acc > 0 ? acc + count / 2 : acc - count / 2) / count;
        *y++ = (ENN_T)enn_min(enn_max(acc, p->clamp_min), p->clamp_max);
      }
    }
  }
}
