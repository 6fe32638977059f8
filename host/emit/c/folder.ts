/**
 * The model alone as a folder of C: no runtime, no board. It builds with any C11 compiler, or with
 * CMake, and needs nothing of edge-nn.
 */
import { readFileSync } from 'node:fs';
import { bytesOf } from '../../core/dtype.js';
import { packageFile } from '../../core/package.js';
import { formatShape } from '../../core/shape.js';
import { getValue, type ValueId } from '../../ir/graph.js';
import type { Lowered } from '../../lower/lowered.js';
import { type EmitOptions, emitC } from './emit-c.js';
import { kernelHeaders } from './kernel-headers.js';
import { traceJson } from './trace.js';

export interface FolderOptions extends EmitOptions {
  /** Further files by name, such as the LICENSE. */
  readonly files?: ReadonlyMap<string, string> | undefined;
}

const cmakeLists = `# Builds the model and an example that runs it once:
#     cmake -S . -B build && cmake --build build && build/example input.bin > output.bin
cmake_minimum_required(VERSION 3.16)
project(model C)

add_library(model STATIC model.c)
target_include_directories(model PUBLIC \${CMAKE_CURRENT_SOURCE_DIR})
set_target_properties(model PROPERTIES C_STANDARD 11 C_EXTENSIONS OFF)
target_compile_options(model PRIVATE -Wall -Wextra -Wconversion -Werror -ffp-contract=off)

if(NOT CMAKE_CROSSCOMPILING)
  add_executable(example example_main.c)
  target_link_libraries(example PRIVATE model)
  set_target_properties(example PROPERTIES C_STANDARD 11 C_EXTENSIONS OFF)
endif()
`;

const exampleMain = `/* Runs the model once: all inputs, one after the other, from a file; all outputs to stdout. */
#include <stdio.h>

#include "model.h"

static _Alignas(ENN_ARENA_ALIGN) uint8_t arena[ENN_ARENA_BYTES];
static _Alignas(8) uint8_t state[ENN_STATE_BYTES + 1];

int main(int argc, char **argv) {
  FILE *in = argc == 2 ? fopen(argv[1], "rb") : NULL;
  if (in == NULL) {
    fprintf(stderr, "usage: example input.bin > output.bin\\n");
    return 2;
  }
  enn_model_reset(state);
  for (uint32_t i = 0; i < enn_model.input_count; i++) {
    const struct enn_tensor *x = &enn_model.inputs[i];
    if (fread(arena + x->offset, 1, x->bytes, in) != x->bytes) {
      fprintf(stderr, "%s: %s needs %lu bytes\\n", argv[1], x->name, (unsigned long)x->bytes);
      return 3;
    }
  }
  fclose(in);
  enn_model_run(arena, state, 0, ENN_STEPS);
  for (uint32_t i = 0; i < enn_model.output_count; i++) {
    const struct enn_tensor *y = &enn_model.outputs[i];
    if (fwrite(arena + y->offset, 1, y->bytes, stdout) != y->bytes) return 1;
  }
  return 0;
}
`;

/** Bytes of weights and biases. */
export function constantBytes({ graph }: Lowered): number {
  const consts = [...graph.values.values()].filter(({ kind }) => kind === 'const');
  return consts.reduce((sum, { id }) => sum + bytesOf(graph.data.get(id)!).length, 0);
}

function tensorRow({ graph, windows }: Lowered, role: string, id: ValueId): string {
  const { name, dtype, shape, quant } = getValue(graph, id);
  const { offset, bytes } = windows.get(id)!;
  const real = `${quant?.scale[0] ?? 1} * (q - ${quant?.zeroPoint[0] ?? 0})`;
  return `| ${role} | ${name} | ${dtype}${formatShape(shape)} | ${real} | ${offset} | ${bytes} |`;
}

function readme(lowered: Lowered): string {
  const { graph, arenaBytes, steps } = lowered;
  const macs = steps.reduce((sum, step) => sum + step.macs, 0);
  return `# ${graph.name}

An int8 network as C11, emitted by edge-nn. No heap, no floating point, no mutable globals: the
caller owns the memory.

| | |
| --- | --- |
| arena (RAM) | ${arenaBytes} bytes |
| weights and biases (flash) | ${constantBytes(lowered)} bytes |
| steps | ${steps.length} |
| multiply-accumulates of one inference | ${macs} |

| | name | type | real value | arena offset | bytes |
| --- | --- | --- | --- | --- | --- |
${graph.inputs.map((id) => tensorRow(lowered, 'input', id)).join('\n')}
${graph.outputs.map((id) => tensorRow(lowered, 'output', id)).join('\n')}

Compile \`model.c\` with this folder in the include path, and call it:

    #include "model.h"
    static _Alignas(ENN_ARENA_ALIGN) uint8_t arena[ENN_ARENA_BYTES];
    static _Alignas(8) uint8_t state[ENN_STATE_BYTES + 1];

    enn_model_reset(state);
    memcpy(arena + enn_model.inputs[0].offset, input, enn_model.inputs[0].bytes);
    enn_model_run(arena, state, 0, ENN_STEPS);
    const int8_t *scores = (const int8_t *)(arena + enn_model.outputs[0].offset);

\`enn_model_run(arena, state, first, last)\` runs the steps from first up to last, so that a step can
be looked at: \`trace.json\` says where its result lies. The run overwrites the inputs.

\`cmake -S . -B build && cmake --build build\` builds a library and \`example\`, which runs one
inference from a file. Licence of the kernels: Apache-2.0.
`;
}

/**
 * The files of a folder that builds without edge-nn: model.c, model.h, the kernels, enn_model.h,
 * an example, CMakeLists.txt, README.md and trace.json.
 *
 * @returns contents by file name
 */
export function modelFolder(
  lowered: Lowered,
  { files = new Map(), ...options }: FolderOptions,
): ReadonlyMap<string, string> {
  const model = emitC(lowered, options);
  return new Map([
    ...model,
    ...kernelHeaders(model.get('model.c')!),
    ['enn_model.h', readFileSync(packageFile('device', 'enn_model.h'), 'utf8')],
    ['example_main.c', exampleMain],
    ['CMakeLists.txt', cmakeLists],
    ['README.md', readme(lowered)],
    ['trace.json', traceJson(lowered)],
    ...files,
  ]);
}
