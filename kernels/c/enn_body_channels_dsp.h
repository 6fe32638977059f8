/* All output channels of ENN_P pixels (4 or 3), from columns that are folded (ENN_FOLD 1) or pairs (0);
 * ENN_POSITIVE is 1 where no output lies below the zero point. ENN_CHANNELS is the function's name.
 * Included once for each, so it has no guard. See enn_s8_conv_dsp.h.
 */
#if ENN_HAS_DSP

/* The sums of the first block begin with the bias, r0, those of the others with themselves. */
#if ENN_P == 4
#define ENN_LOAD_QUAD " ldmia r10!, {r4-r6, r8}\n"
#define ENN_DOT_QUAD(weights, b, c, d)     \
  " smlad r3, r8, " weights ", " d "\n"    \
  " smlad r2, r6, " weights ", " c "\n"    \
  " smlad r1, r5, " weights ", " b "\n"    \
  " smlad r0, r4, " weights ", r0\n"
#else
#define ENN_LOAD_QUAD " ldmia r10!, {r4-r6}\n"
#define ENN_DOT_QUAD(weights, b, c, d)     \
  " smlad r2, r6, " weights ", " c "\n"    \
  " smlad r1, r5, " weights ", " b "\n"    \
  " smlad r0, r4, " weights ", r0\n"
#endif

#if ENN_FOLD
#define ENN_DOT(b, c, d)                            \
  " ldr r9, [r12], #4\n" ENN_LOAD_QUAD              \
  " sxtb16 r11, r9\n" ENN_DOT_QUAD("r9", b, c, d)   \
  ENN_LOAD_QUAD ENN_DOT_QUAD("r11", "r1", "r2", "r3")
#define ENN_TWICE(acc) " asr " acc ", " acc ", #7\n"
#define ENN_DOT_BYTES ((4 + 2 * ENN_P) * 4)
#else
#define ENN_DOT(b, c, d)                                                         \
  " ldr r9, [r12], #4\n" ENN_LOAD_QUAD                                           \
  " sxtb16 r11, r9\n" ENN_DOT_QUAD("r11", b, c, d)                               \
  " sxtb16 r11, r9, ror #8\n" ENN_LOAD_QUAD ENN_DOT_QUAD("r11", "r1", "r2", "r3")
#define ENN_TWICE(acc) " lsl " acc ", " acc ", #1\n"
#define ENN_DOT_BYTES ((5 + 2 * ENN_P) * 4)
#endif

/* r9 is the base, r6 the factor, r8 the shift to the right. */
#if ENN_POSITIVE
#define ENN_OUT(acc)                            \
  ENN_TWICE(acc)                                \
  " smmlar " acc ", " acc ", r6, r9\n"          \
  " asr " acc ", " acc ", r8\n"                 \
  " ssat " acc ", #8, " acc "\n"
#else
#define ENN_OUT(acc)                            \
  " add r11, r9, " acc ", asr #31\n"            \
  ENN_TWICE(acc)                                \
  " smmlar " acc ", " acc ", r6, r11\n"         \
  " asr " acc ", " acc ", r8\n"                 \
  " ssat " acc ", #8, " acc "\n"
#endif

/* r7 may be the compiler's frame pointer: it is kept by hand. What needs `special` treatment is a layer
 * with constant channels, or pixels whose biases differ. */
ENN_INLINE void ENN_CHANNELS(struct enn_block *block) {
  block->stride = ENN_DOT_BYTES;
  register int32_t *middle __asm__("lr") = &block->middle;
  __asm__ volatile(
      " str r7, [lr, %[saved]]\n"
      " ldr r12, [lr, %[w]]\n"
      " adr.w r4, 3f\n"
      " ldrd r5, r6, [lr, %[skip]]\n"
      " mla r4, r5, r6, r4\n"
      " orr r4, r4, #1\n"
      " str r4, [lr, %[entry]]\n"
      "1: ldmdb lr, {r5, r7, r9, r10, r11}\n"
      " ldr r0, [r9, r11, lsl #2]\n"
      " cbnz r5, 6f\n"
      ENN_DOT("r0", "r0", "r0")
      " ldr pc, [lr, %[entry]]\n"
      "6: add r9, r9, r11, lsl #2\n"
      " ldrd r1, r2, [lr, %[others]]\n"
      " ldrd r3, r8, [lr, %[third_other]]\n"
      " ldrsb r8, [r8, r11]\n"
      " ldr r1, [r9, r1]\n"
      " ldr r2, [r9, r2]\n"
      " ldr r3, [r9, r3]\n"
      " cmn r8, #128\n"
      " beq 7f\n"
      " ldr pc, [lr, %[entry]]\n"
      "3:\n"
      ENN_DOT("r1", "r2", "r3") ENN_DOT("r1", "r2", "r3")
      ENN_DOT("r1", "r2", "r3") ENN_DOT("r1", "r2", "r3")
      " subs r7, r7, #1\n"
      " bne 3b\n"
#if ENN_POSITIVE
      " ldmia lr, {r4-r11}\n"
#else
      " ldmia lr, {r4-r10}\n"
#endif
      " ldr r6, [r6, r4, lsl #2]\n"
      " ldrsb r8, [r8, r4]\n"
      " lsl r9, r9, r8\n"
      " asr r9, r9, #1\n"
      ENN_OUT("r0") ENN_OUT("r1") ENN_OUT("r2")
#if ENN_P == 4
      ENN_OUT("r3")
#endif
      "4:\n"
#if !ENN_POSITIVE
      " ldr r11, [lr, %[end]]\n"
#endif
      /* A pixel that is not there has the place of the first, which is written last. */
#if ENN_P == 4
      " strb r3, [r4, r10]\n"
#endif
      " strb r2, [r4, r7]\n"
      " strb r1, [r4, r5]\n"
      " strb r0, [r4], #1\n"
      " strd r4, r4, [lr, #-4]\n"
      " cmp r4, r11\n"
      " bne 1b\n"
      " b 8f\n"
      "7: ldmia lr, {r4-r11}\n"
      " b 4b\n"
      "8: ldr r7, [lr, %[saved]]\n"
      :
      : "r"(middle), ENN_AT(end), ENN_AT(w), ENN_AT(skip), ENN_AT(entry),
        ENN_AT(others), ENN_AT(third_other), ENN_AT(saved)
      : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
}

#undef ENN_LOAD_QUAD
#undef ENN_DOT_QUAD
#undef ENN_DOT
#undef ENN_DOT_BYTES
#undef ENN_TWICE
#undef ENN_OUT

#else
ENN_INLINE void ENN_CHANNELS(struct enn_block *block) {
  const ENN_CONST int8_t *w = block->w;
  const int32_t blocks = block->blocks;
  for (int32_t o = 0; o < block->channels; o++) {
    const int32_t right = block->right[o];
    const ENN_CONST int32_t *const own = block->bias + o;
    int32_t out[4] = {*own, *own, *own, *own};
    for (int32_t i = 0; i < 3 && block->special; i++) out[i + 1] = own[block->others[i] / 4];
    if (!block->special || right != ENN_SKIPPED) {
      const int8_t *columns = block->columns;
      for (int32_t n = 0; n < blocks; n++, w += 4, columns += 8 * ENN_P) {
        const uint32_t word = enn_load32(w);
        for (int32_t i = 0; i < ENN_P; i++) {
          const uint32_t near = enn_load32(columns + 4 * i);
          const uint32_t far = enn_load32(columns + 4 * (ENN_P + i));
          out[i] = enn_smlad(near, ENN_FOLD ? word : enn_even(word), out[i]);
          out[i] = enn_smlad(far, ENN_FOLD ? enn_even(word) : enn_odd(word), out[i]);
        }
      }
      const int32_t base = enn_shift_left(block->half, right) >> 1;
      for (int32_t i = 0; i < ENN_P; i++) {
        const int32_t twice = ENN_FOLD ? out[i] >> 7 : enn_shift_left(out[i], 1);
        const int32_t sign = ENN_POSITIVE ? 0 : out[i] >> 31;
        out[i] = enn_ssat8(enn_smmlar(twice, block->mult[o], base + sign) >> right);
      }
    }
    if (ENN_P == 4) block->y[block->fourth + o] = (int8_t)out[3];
    block->y[block->third + o] = (int8_t)out[2];
    block->y[block->second + o] = (int8_t)out[1];
    block->y[o] = (int8_t)out[0];
  }
}
#endif
