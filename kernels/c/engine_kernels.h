/*
 * engine_kernels.h: the table of the float kernels, and the loop that runs a flat program of kernel
 * calls on a team of threads. Included once per instruction-set variant.
 *
 * A program is a list of calls over one memory. Every thread runs the whole list: its parts of a
 * kernel that is shared, nothing of one that is not unless it is thread 0; after every phase the
 * team meets. So the same additions happen in the same order at any number of threads.
 */
#ifndef ENGINE_KERNELS_H
#define ENGINE_KERNELS_H

#include "enn_f32_axis.h"
#include "enn_f32_conv.h"
#include "enn_f32_conv_fft.h"
#include "enn_f32_conv_winograd.h"
#include "enn_f32_depthwise.h"
#include "enn_f32_depthwise_weights.h"
#include "enn_f32_fake.h"
#include "enn_f32_fft.h"
#include "enn_f32_gemm.h"
#include "enn_f32_loss.h"
#include "enn_f32_map.h"
#include "enn_f32_moments.h"
#include "enn_f32_pool.h"
#include "enn_f32_random.h"
#include "enn_f32_strided.h"
#include "enn_f32_tiles.h"
#include "enn_f32_window.h"

#define ENN_CALL_ARGS 24

/* Addresses are in 32-bit words from the beginning of the memory; 0 is null. */
typedef struct {
  uint32_t kernel, params, args[ENN_CALL_ARGS];
} enn_call;

typedef struct {
  const char *name;
  void (*run)(const void *params, void *const *v, int32_t part, int32_t phase);
  int32_t phases;
  int32_t parts; /* 1, or ENN_SHARDS */
} enn_kernel;

typedef struct {
  const char *name;
  int32_t (*floats)(const void *params);
} enn_scratch;

#define A s[0]
#define B s[1]
#define C s[2]
#define D s[3]
#define Y y
#define SCRATCH(name, params, floats)
#define SERIAL(name, params, call)
#define SHARED(name, params, phases, call)
#define TILE(name, call)                                                                  \
  static void tile_##name(const enn_f32_map *p, const float *const *s, float *y) { call; }
#include "engine_kernels.inc"
#undef TILE
#define TILE(name, call) {#name, tile_##name},
static const enn_tile_op enn_tile_ops[] = {
#include "engine_kernels.inc"
};
#undef A
#undef B
#undef C
#undef D
#undef Y
#undef SCRATCH
#undef SERIAL
#undef SHARED
#undef TILE
#define TILE(name, call)

/* The tiles of a program; its calls name operations by their place in the table. */
static void enn_tiles_f32(const enn_f32_tiles *p, void *const *v, int32_t part, int32_t phase) {
  if (phase == 0) enn_f32_tiles_part(p, enn_tile_ops, v, part);
  if (phase == 1 && part == 0) enn_f32_tiles_finish(p, v);
}

#define IN(i) ((const float *)v[i])
#define OUT(i) ((float *)v[i])
#define IN_INTS(i) ((const int32_t *)v[i])
#define IN_BITS(i) ((const uint32_t *)v[i])
#define OUT_BITS(i) ((uint32_t *)v[i])

#define SCRATCH(name, params, count)          \
  static int32_t floats_##name(const void *q) { \
    const params *p = q;                      \
    return count;                             \
  }
/* All parts of all phases on one thread. Transforms go this way: shared by several threads of
 * WebAssembly they fail now and then in V8's baseline code (test/kernels/f32-fft.test.ts). */
#define EACH(phases, call)                     \
  for (phase = 0; phase < (phases); phase++) { \
    for (part = 0; part < ENN_SHARDS; part++) call; \
  }
#define SERIAL(name, params, call) SHARED(name, params, 1, call)
#define SHARED(name, params, phases, call)                                                \
  static void run_##name(const void *q, void *const *v, int32_t part, int32_t phase) {    \
    const params *p = q;                                                                  \
    (void)part, (void)phase;                                                              \
    call;                                                                                 \
  }
#include "engine_kernels.inc"
#undef SCRATCH
#undef SERIAL
#undef SHARED

#define SCRATCH(name, params, floats)
#define SERIAL(name, params, call) {#name, run_##name, 1, 1},
#define SHARED(name, params, phases, call) {#name, run_##name, phases, ENN_SHARDS},
static const enn_kernel enn_kernels[] = {
#include "engine_kernels.inc"
};
#undef SCRATCH
#undef SERIAL
#undef SHARED

#define SCRATCH(name, params, count) {#name, floats_##name},
#define SERIAL(name, params, call)
#define SHARED(name, params, phases, call)
static const enn_scratch enn_scratches[] = {
#include "engine_kernels.inc"
};
#undef SCRATCH
#undef SERIAL
#undef SHARED

#define ENN_COUNT(table) ((int32_t)(sizeof table / sizeof table[0]))

/* Where a team meets: how many have come, and how often all had. */
typedef struct {
  int32_t arrived, meetings;
} enn_team;

/* How often a thread looks for the others before it pauses; defined where the pause is. */
static const int32_t enn_team_spins;

/* Waits a moment for `*meetings` to change from `from`; may return early. */
static void enn_team_pause(int32_t *meetings, int32_t from);
/* Wakes whoever waits. */
static void enn_team_wake(int32_t *meetings);

/* Returns when all threads of the team have called it. */
static void enn_team_meet(enn_team *team, int32_t threads) {
  if (threads == 1) return;
  const int32_t before = __atomic_load_n(&team->meetings, __ATOMIC_ACQUIRE);
  if (__atomic_add_fetch(&team->arrived, 1, __ATOMIC_ACQ_REL) == threads) {
    __atomic_store_n(&team->arrived, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&team->meetings, before + 1, __ATOMIC_RELEASE);
    enn_team_wake(&team->meetings);
    return;
  }
  for (int32_t i = 0; __atomic_load_n(&team->meetings, __ATOMIC_ACQUIRE) == before; i++) {
    if (i > enn_team_spins) enn_team_pause(&team->meetings, before);
  }
}

/* One call, the parts of thread `thread` of `threads`. */
static void enn_run_call(uint32_t *memory, const enn_call *call, int32_t thread, int32_t threads,
                         enn_team *team) {
  const enn_kernel *kernel = &enn_kernels[call->kernel];
  void *v[ENN_CALL_ARGS];
  for (int32_t i = 0; i < ENN_CALL_ARGS; i++) v[i] = call->args[i] ? memory + call->args[i] : 0;
  const int32_t first = kernel->parts * thread / threads;
  const int32_t end = kernel->parts == 1 ? thread == 0 : kernel->parts * (thread + 1) / threads;
  for (int32_t phase = 0; phase < kernel->phases; phase++) {
    for (int32_t part = first; part < end; part++) {
      kernel->run(memory + call->params, v, part, phase);
    }
    enn_team_meet(team, threads);
  }
}

static void enn_run_program(uint32_t *memory, const enn_call *calls, int32_t count, int32_t thread,
                            int32_t threads, enn_team *team) {
  for (int32_t i = 0; i < count; i++) enn_run_call(memory, &calls[i], thread, threads, team);
}

#endif
