/* A convolution by blocks of ENN_P pixels: the kernel ENN_CONV from the columns ENN_C and the channels
 * ENN_CHANNELS. Included once for each, so it has no guard. See enn_s8_conv_dsp.h.
 */
/* border is 0 where all outputs have the same bias. */
ENN_OUTLINE void ENN_CONV(const ENN_CONST struct enn_conv2d_s8 *p, const int8_t *x,
                          const ENN_CONST int8_t *w, const ENN_CONST int32_t *bias,
                          const ENN_CONST int32_t *border, const ENN_CONST int32_t *mult,
                          const ENN_CONST int8_t *right, int8_t *scratch, int8_t *y) {
  const int32_t taps = p->kernel_h * p->kernel_w * p->in_c, blocks = (taps + 3) / 4;
  const int32_t pixels = p->out_h * p->out_w, channels = p->out_c, zero = p->in_zero;
  const struct enn_widening c = ENN_FOLD ? enn_fold_widening(zero) : enn_pair_widening(zero);
  struct enn_pixel place = {.width = p->out_w};
  struct enn_pixels at;
  struct enn_block block;
  enn_pixels_start(&at, p, ENN_P);
  enn_block_start(&block, p, right, w, scratch, blocks);
  /* Columns that the last pixels leave unused are computed and dropped: let them be numbers. */
  if (pixels < ENN_P) {
    for (int32_t i = 0; i < blocks * 8 * ENN_P; i += 4) enn_store32(scratch + i, 0);
  }
  for (int32_t left = pixels; left > 0; left -= ENN_P, y += ENN_P * channels) {
    const int32_t count = enn_min(left, ENN_P);
    const ENN_CONST int32_t *own = bias;
    if (border) own = enn_block_border(&block, p, bias, border, &place, count);
    ENN_C(columns)(p, x, &at, count, blocks, &c, scratch);
    enn_block_at(&block, own, mult, right, y, count);
    ENN_CHANNELS(&block);
  }
  y -= (pixels + ENN_P - 1) / ENN_P * ENN_P * channels;
  enn_clamp_written(y, pixels * channels, p->clamp_min, p->clamp_max);
}
