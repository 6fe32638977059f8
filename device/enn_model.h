/* The interface of a generated model: facts as const data, and two functions.
 *
 * This header needs nothing else of edge-nn. To use an emitted model without the device runtime, own
 * the memory and call it:
 *
 *     #include "model.h"
 *     static _Alignas(ENN_ARENA_ALIGN) uint8_t arena[ENN_ARENA_BYTES];
 *     static _Alignas(8) uint8_t state[ENN_STATE_BYTES + 1];
 *
 *     enn_model_reset(state);
 *     memcpy(arena + enn_model.inputs[0].offset, image, enn_model.inputs[0].bytes);
 *     enn_model_run(arena, state, 0, ENN_STEPS);
 *     const int8_t *scores = (const int8_t *)(arena + enn_model.outputs[0].offset);
 *
 * The emitter writes two files. `model.h` includes this header and defines
 *
 *     ENN_ARENA_BYTES  ENN_ARENA_ALIGN  ENN_STATE_BYTES  ENN_INPUTS  ENN_OUTPUTS  ENN_STEPS
 *
 * with the values of the struct below, so that memory can be static, and ENN_STREAM_INPUT if the model
 * takes its input row by row (enn_model_feed). `model.c` defines `enn_model`,
 * `enn_model_reset` and `enn_model_run`. They are plain functions, not pointers in the struct, so
 * that a compiler's call graph bounds the stack below them.
 */
#ifndef ENN_MODEL_H
#define ENN_MODEL_H

#include <stdint.h>

/* Changes whenever a struct below or the meaning of one of its fields changes. */
#define ENN_MODEL_ABI 1u

/* The address space of constants; empty wherever flash is read like RAM. */
#ifndef ENN_CONST
#ifdef __AVR__
#define ENN_CONST __flash
#else
#define ENN_CONST
#endif
#endif

#define ENN_MAX_RANK 6

/* Element types, little-endian in memory. */
#define ENN_DTYPE_S8 1u
#define ENN_DTYPE_U8 2u
#define ENN_DTYPE_S16 3u
#define ENN_DTYPE_S32 4u
#define ENN_DTYPE_F32 5u

/* An input or an output: real value = scale * (q - zero_point). */
struct enn_tensor {
  const ENN_CONST char *name;
  uint32_t shape[ENN_MAX_RANK]; /* batch first; entries from `rank` on are 1 */
  uint8_t rank;
  uint8_t dtype;       /* ENN_DTYPE_* */
  uint32_t offset;     /* bytes from the start of the arena; nothing to rely on if it is streamed */
  uint32_t bytes;
  uint32_t scale_bits; /* IEEE-754 binary32; data, so that no float code is needed to carry it */
  int32_t zero_point;
};

/* One kernel call. Its result lies in the window until a later step overwrites it. */
struct enn_step {
  const ENN_CONST char *value; /* the name of the lowered value that it computes */
  uint32_t offset;
  uint32_t bytes;
  uint32_t macs; /* multiply-accumulates of one inference; 2^32 - 1 when there are more */
};

struct enn_model {
  uint32_t abi; /* ENN_MODEL_ABI */
  /* The first 16 bytes of the SHA-256 of the .tflite or .onnx file, and of the build. */
  uint8_t model_hash[16];
  uint8_t build_hash[16];
  const ENN_CONST char *name;
  const ENN_CONST char *scheme; /* such as "tflite-int8" */
  uint32_t arena_bytes;
  uint32_t arena_align;
  uint32_t state_bytes; /* 0: inferences do not depend on each other */
  uint16_t input_count;
  uint16_t output_count;
  uint16_t step_count;
  const ENN_CONST struct enn_tensor *inputs;
  const ENN_CONST struct enn_tensor *outputs;
  const ENN_CONST struct enn_step *steps;
};

extern const ENN_CONST struct enn_model enn_model;

/* Puts the state (state_bytes, 8-aligned) to its initial value; call it once before the first run. */
void enn_model_reset(uint8_t *state);

/* Runs the steps [first, last), 0 <= first <= last <= step_count. The inputs must be in the arena
 * when step 0 runs, and steps may overwrite them; the outputs are there after the last step. The
 * arena is aligned to arena_align. Steps after 0 need the arena as the steps before left it. */
void enn_model_run(uint8_t *arena, uint8_t *state, uint32_t first, uint32_t last);

/* Only where model.h defines ENN_STREAM_INPUT: the model's only input is never in memory as a whole.
 * Takes some of `count` bytes of it, which begin at its byte `offset`, and returns how many; or
 * computes one row of a layer and returns 0. Bytes come in order, offset 0 begins an inference:
 *
 *     for (uint32_t at = 0; at < enn_model.inputs[0].bytes; at += enn_model_feed(arena, state, at,
 *          camera + at, enn_model.inputs[0].bytes - at)) {}
 *
 * When all have been taken, enn_model_run from step 0 computes the rest. */
uint32_t enn_model_feed(uint8_t *arena, uint8_t *state, uint32_t offset, const uint8_t *bytes,
                        uint32_t count);

#endif
