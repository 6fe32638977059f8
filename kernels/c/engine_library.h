/*
 * engine_library.h: one instruction-set variant of the float kernels, as the native engine sees it.
 */
#ifndef ENGINE_LIBRARY_H
#define ENGINE_LIBRARY_H

#include <stdint.h>

typedef struct {
  const char *variant;
  /* Names by number; null beyond the last. */
  const char *(*kernel_name)(int32_t i);
  const char *(*tile_name)(int32_t i);
  const char *(*scratch_name)(int32_t i);
  /* Floats of scratch that a call with these parameters needs. */
  int32_t (*scratch_floats)(int32_t i, const void *params);
  /* Runs thread `thread` of `threads`; `calls` and addresses as in engine_kernels.h. The team is
   * two zeroed words, the same for all threads. */
  void (*run)(uint32_t *memory, uint32_t calls, int32_t count, int32_t thread, int32_t threads,
              int32_t *team);
} enn_library;

#endif
