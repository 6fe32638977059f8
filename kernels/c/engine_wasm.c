/*
 * engine_wasm.c: the float kernels as one WebAssembly module. Memory is imported (shared where
 * there are threads); the host owns all of it above heap_base() and writes the program there.
 */
#include "engine_kernels.h"

#define EXPORT(name) __attribute__((export_name(#name)))

extern unsigned char __heap_base;

/* Some 100 us: to sleep and to be woken takes as long. */
static const int32_t enn_team_spins = 100000;

static void enn_team_pause(int32_t *meetings, int32_t from) {
  __builtin_wasm_memory_atomic_wait32(meetings, from, 1000000);
}
static void enn_team_wake(int32_t *meetings) {
  __builtin_wasm_memory_atomic_notify(meetings, 0xffffffffu);
}

EXPORT(heap_base) uint32_t heap_base(void);
uint32_t heap_base(void) { return (uint32_t)(uintptr_t)&__heap_base; }

/* Names by number; null beyond the last. */
EXPORT(kernel_name) const char *kernel_name(int32_t i);
const char *kernel_name(int32_t i) { return i < ENN_COUNT(enn_kernels) ? enn_kernels[i].name : 0; }

EXPORT(tile_name) const char *tile_name(int32_t i);
const char *tile_name(int32_t i) { return i < ENN_COUNT(enn_tile_ops) ? enn_tile_ops[i].name : 0; }

EXPORT(scratch_name) const char *scratch_name(int32_t i);
const char *scratch_name(int32_t i) {
  return i < ENN_COUNT(enn_scratches) ? enn_scratches[i].name : 0;
}

/* Floats of scratch that a call with these parameters needs. */
EXPORT(scratch_floats) int32_t scratch_floats(int32_t i, const void *params);
int32_t scratch_floats(int32_t i, const void *params) { return enn_scratches[i].floats(params); }

EXPORT(run) void run(const enn_call *calls, int32_t count, int32_t thread, int32_t threads,
                     enn_team *team);
void run(const enn_call *calls, int32_t count, int32_t thread, int32_t threads, enn_team *team) {
  enn_run_program((uint32_t *)0, calls, count, thread, threads, team);
}
