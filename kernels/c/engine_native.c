/*
 * engine_native.c: the native engine as a Node-API addon: which variants of the kernels this
 * processor can run, memory, and a pool of threads.
 *
 *   variants()                               [{variant, kernels, tiles, scratches}], best first
 *   scratchFloats(variant, i, Int32Array)    floats of scratch of a call
 *   memory(bytes)                            a zeroed ArrayBuffer that begins at a page
 *   run(variant, memory, calls, count, threads)   a program, its calls at that word; returns when
 *                                            it is done
 *
 * Threads are started when first wanted and sleep between runs. One program runs at a time.
 */
#define _DEFAULT_SOURCE
#define NAPI_VERSION 8
#include <node_api.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "engine_library.h"

#if defined(__x86_64__)
extern const enn_library enn_library_avx512, enn_library_avx2;
#endif
extern const enn_library enn_library_base;

#define MOST_VARIANTS 3
#define MOST_THREADS 64

/* The variants that this processor runs, best first; returns how many. */
static uint32_t usable_variants(const enn_library *out[MOST_VARIANTS]) {
  uint32_t count = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    out[count++] = &enn_library_avx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    out[count++] = &enn_library_avx2;
  }
#endif
  out[count++] = &enn_library_base;
  return count;
}

/* What the threads of the pool are to run; `number` counts the jobs. */
static struct {
  const enn_library *library;
  uint32_t *memory;
  uint32_t calls;
  int32_t count, threads;
  uint32_t number;
} job;
static int32_t team[2];
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t run_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static int32_t started = 1; /* threads there are, the caller's own included */

static void run_thread(int32_t thread) {
  job.library->run(job.memory, job.calls, job.count, thread, job.threads, team);
}

/* A thread of the pool; a job ends with a meeting of all its threads, so none misses the next. */
static void *worker(void *argument) {
  const int32_t thread = (int32_t)(intptr_t)argument;
  uint32_t seen = 0;
  pthread_mutex_lock(&pool_lock);
  for (;;) {
    while (job.number == seen || thread >= job.threads) {
      seen = job.number;
      pthread_cond_wait(&wake, &pool_lock);
    }
    seen = job.number;
    pthread_mutex_unlock(&pool_lock);
    run_thread(thread);
    pthread_mutex_lock(&pool_lock);
  }
  return 0;
}

/* Starts what is missing of `threads` threads; returns how many there are then. */
static int32_t start_threads(int32_t threads) {
  for (; started < threads; started++) {
    pthread_t thread;
    if (pthread_create(&thread, 0, worker, (void *)(intptr_t)started) != 0) break;
    pthread_detach(thread);
  }
  return started < threads ? started : threads;
}

static napi_value undefined(napi_env env) {
  napi_value out = 0;
  napi_get_undefined(env, &out);
  return out;
}

/* An array of names, by number until there is none. */
static napi_value names(napi_env env, const char *(*name)(int32_t)) {
  napi_value out = 0, text = 0;
  napi_create_array(env, &out);
  for (int32_t i = 0; name(i); i++) {
    napi_create_string_utf8(env, name(i), NAPI_AUTO_LENGTH, &text);
    napi_set_element(env, out, (uint32_t)i, text);
  }
  return out;
}

static napi_value variants(napi_env env, napi_callback_info info) {
  (void)info;
  const enn_library *usable[MOST_VARIANTS];
  const uint32_t count = usable_variants(usable);
  napi_value out = 0, one = 0, text = 0;
  napi_create_array(env, &out);
  for (uint32_t i = 0; i < count; i++) {
    napi_create_object(env, &one);
    napi_create_string_utf8(env, usable[i]->variant, NAPI_AUTO_LENGTH, &text);
    napi_set_named_property(env, one, "variant", text);
    napi_set_named_property(env, one, "kernels", names(env, usable[i]->kernel_name));
    napi_set_named_property(env, one, "tiles", names(env, usable[i]->tile_name));
    napi_set_named_property(env, one, "scratches", names(env, usable[i]->scratch_name));
    napi_set_element(env, out, i, one);
  }
  return out;
}

#define MOST_ARGUMENTS 5

/* The arguments of a call; the first is the number of a variant. */
static const enn_library *arguments(napi_env env, napi_callback_info info,
                                    napi_value out[MOST_ARGUMENTS]) {
  size_t count = MOST_ARGUMENTS;
  napi_get_cb_info(env, info, &count, out, 0, 0);
  uint32_t number = 0;
  napi_get_value_uint32(env, out[0], &number);
  const enn_library *usable[MOST_VARIANTS];
  return number < usable_variants(usable) ? usable[number] : &enn_library_base;
}

static napi_value scratch_floats(napi_env env, napi_callback_info info) {
  napi_value in[MOST_ARGUMENTS], out = 0;
  const enn_library *library = arguments(env, info, in);
  int32_t number = 0;
  void *params = 0;
  napi_get_value_int32(env, in[1], &number);
  if (napi_get_typedarray_info(env, in[2], 0, 0, &params, 0, 0) != napi_ok) return undefined(env);
  napi_create_int32(env, library->scratch_floats(number, params), &out);
  return out;
}

static void free_memory(napi_env env, void *data, void *bytes) {
  (void)env;
  munmap(data, (size_t)(uintptr_t)bytes);
}

static napi_value memory(napi_env env, napi_callback_info info) {
  napi_value in[1], out = 0;
  size_t count = 1;
  int64_t bytes = 0;
  napi_get_cb_info(env, info, &count, in, 0, 0);
  napi_get_value_int64(env, in[0], &bytes);
  void *data = mmap(0, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) {
    napi_throw_error(env, 0, "the system has not got so much memory");
    return 0;
  }
#if defined(MADV_HUGEPAGE)
  /* Fewer pages, fewer misses; without them it works too. */
  (void)madvise(data, (size_t)bytes, MADV_HUGEPAGE);
#endif
  if (napi_create_external_arraybuffer(env, data, (size_t)bytes, free_memory,
                                       (void *)(uintptr_t)bytes, &out) != napi_ok) {
    munmap(data, (size_t)bytes);
    napi_throw_error(env, 0, "this runtime has no external memory");
    return 0;
  }
  return out;
}

static napi_value run(napi_env env, napi_callback_info info) {
  napi_value in[MOST_ARGUMENTS];
  const enn_library *library = arguments(env, info, in);
  void *data = 0;
  size_t bytes = 0;
  uint32_t calls = 0;
  int32_t count = 0, threads = 1;
  if (napi_get_arraybuffer_info(env, in[1], &data, &bytes) != napi_ok) return undefined(env);
  napi_get_value_uint32(env, in[2], &calls);
  napi_get_value_int32(env, in[3], &count);
  napi_get_value_int32(env, in[4], &threads);
  if (threads > MOST_THREADS) threads = MOST_THREADS;
  pthread_mutex_lock(&run_lock);
  pthread_mutex_lock(&pool_lock);
  job.library = library, job.memory = data, job.calls = calls, job.count = count;
  job.threads = start_threads(threads);
  job.number++;
  if (job.threads > 1) pthread_cond_broadcast(&wake);
  pthread_mutex_unlock(&pool_lock);
  run_thread(0);
  pthread_mutex_unlock(&run_lock);
  return undefined(env);
}

static void export_function(napi_env env, napi_value exports, const char *name,
                            napi_callback function) {
  napi_value value = 0;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, function, 0, &value);
  napi_set_named_property(env, exports, name, value);
}

NAPI_MODULE_INIT() {
  export_function(env, exports, "variants", variants);
  export_function(env, exports, "scratchFloats", scratch_floats);
  export_function(env, exports, "memory", memory);
  export_function(env, exports, "run", run);
  return exports;
}
