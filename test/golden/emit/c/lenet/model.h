/* lenet: sizes of the model. Emitted by edge-nn; do not edit. */
#ifndef ENN_GENERATED_MODEL_H
#define ENN_GENERATED_MODEL_H

#include "enn_model.h"

#define ENN_ARENA_BYTES 608
#define ENN_ARENA_ALIGN 4
#define ENN_STATE_BYTES 0
#define ENN_INPUTS 1
#define ENN_OUTPUTS 1
#define ENN_STEPS 6

#endif
