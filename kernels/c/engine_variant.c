/*
 * engine_variant.c: the float kernels for one instruction set. Compiled once per set, with its
 * flags and ENN_LIBRARY naming the result.
 */
#define _DEFAULT_SOURCE
#include <sched.h>

#include "engine_kernels.h"
#include "engine_library.h"

static const int32_t enn_team_spins = 4000;

/* The others may need this processor to get on. */
static void enn_team_pause(int32_t *meetings, int32_t from) {
  (void)meetings, (void)from;
  sched_yield();
}
static void enn_team_wake(int32_t *meetings) { (void)meetings; }

static const char *kernel_name(int32_t i) {
  return i < ENN_COUNT(enn_kernels) ? enn_kernels[i].name : 0;
}
static const char *tile_name(int32_t i) {
  return i < ENN_COUNT(enn_tile_ops) ? enn_tile_ops[i].name : 0;
}
static const char *scratch_name(int32_t i) {
  return i < ENN_COUNT(enn_scratches) ? enn_scratches[i].name : 0;
}
static int32_t scratch_floats(int32_t i, const void *params) {
  return enn_scratches[i].floats(params);
}
static void run(uint32_t *memory, uint32_t calls, int32_t count, int32_t thread, int32_t threads,
                int32_t *team) {
  enn_run_program(memory, (const enn_call *)(const void *)(memory + calls), count, thread, threads,
                  (enn_team *)(void *)team);
}

extern const enn_library ENN_LIBRARY;
const enn_library ENN_LIBRARY = {ENN_VARIANT,  kernel_name,    tile_name,
                                 scratch_name, scratch_floats, run};
