/**
 * What an emitted folder holds beside the model: the runtime's and the board's C, a CMakeLists and
 * a README, so that it builds without edge-nn.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { byteSize } from '../core/dtype.js';
import { packageFile } from '../core/package.js';
import { elements, formatShape } from '../core/shape.js';
import { getValue, type ValueId } from '../ir/graph.js';
import type { Lowered } from '../lower/lowered.js';
import { type Board, getBoard } from './boards.js';
import { compileFlags, linkFlags } from './flags.js';
import type { SourceTree } from './image.js';
import { qemuArguments } from './qemu.js';

/** What comes with a folder that is included. */
const headerPattern = /\.(h|ld)$/;

/** The C, headers and linker scripts of a board, as they lie in the package. */
export function boardSources(board: Board): SourceTree {
  const files = new Set(board.sources);
  for (const dir of board.include.filter((path) => path !== 'model')) {
    const names = readdirSync(packageFile(dir)).filter((name) => headerPattern.test(name));
    for (const name of names) files.add(`${dir}/${name}`);
  }
  return new Map([...files].sort().map((path) => [path, readFileSync(packageFile(path), 'utf8')]));
}

/** The board that a person builds for where this one's compiler is not at hand. */
const standaloneBoard = (board: Board): Board =>
  board.standalone === undefined ? board : getBoard(board.standalone);

/** The sources of an emitted folder: the board's, and those of its standalone build. */
export const folderSources = (board: Board): SourceTree =>
  new Map([...boardSources(board), ...boardSources(standaloneBoard(board))]);

const root = '$' + '{CMAKE_CURRENT_SOURCE_DIR}';

/** Paths in linker flags, absolute for CMake, which links in the build folder. */
const anchored = (flag: string): string => flag.replace(/^(-[TL])(?=firmware\/)/, `$1${root}/`);

const list = (items: readonly string[]): string => items.map((item) => `  ${item}\n`).join('');

const crossHead = `set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc CACHE STRING "C compiler")
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
`;

/**
 * The CMakeLists of an emitted folder.
 *
 * @param stackBytes what the linker sets aside for the stack
 */
export function cmakeLists(forBoard: Board, stackBytes: number): string {
  const board = standaloneBoard(forBoard);
  const flags = compileFlags(board).filter((flag) => !flag.startsWith('-I'));
  const link = [...board.flags, ...linkFlags(board, stackBytes).map(anchored)];
  return `# Builds the firmware without edge-nn: cmake -S . -B build && cmake --build build
cmake_minimum_required(VERSION 3.16)
${board.compiler === 'arm-none-eabi-gcc' ? crossHead : ''}project(firmware C)

add_executable(firmware
${list(['model/model.c', ...board.sources])})
target_include_directories(firmware PRIVATE
${list(board.include)})
target_compile_options(firmware PRIVATE
${list(flags)})
target_link_options(firmware PRIVATE
${list(link)})
set_target_properties(firmware PROPERTIES
  SUFFIX .elf
  C_EXTENSIONS OFF
  LINK_DEPENDS "${board.linkerScript ? `${root}/${board.linkerScript}` : ''}")
`;
}

/** How to start what CMake built. */
function startLine(board: Board): string {
  if (board.runner.kind !== 'qemu') return 'build/firmware.elf';
  return `qemu-system-arm ${qemuArguments(board.runner, 'build/firmware.elf').join(' ')}`;
}

const startNote = (board: Board): string =>
  board.runner.kind === 'qemu'
    ? 'QEMU prints the name of the PTY on which the device speaks.'
    : 'The device speaks on stdin and stdout.';

/** An input or output for the README's table. */
function tensorRow(lowered: Lowered, role: string, id: ValueId): string {
  const { graph, windows } = lowered;
  const { name, dtype, shape, quant } = getValue(graph, id);
  const bytes = byteSize(dtype, elements(shape));
  const streamed = role === 'input' && lowered.rows?.group.streams;
  const offset = streamed ? 'streamed' : windows.get(id)!.offset;
  const real = `${quant?.scale[0] ?? 1} * (q - ${quant?.zeroPoint[0] ?? 0})`;
  return `| ${role} | ${name} | ${dtype}${formatShape(shape)} | ${real} | ${offset} | ${bytes} |`;
}

const tensorTable = (lowered: Lowered): string =>
  [
    '| | name | type | real value | arena offset | bytes |',
    '| --- | --- | --- | --- | --- | --- |',
    ...lowered.graph.inputs.map((id) => tensorRow(lowered, 'input', id)),
    ...lowered.graph.outputs.map((id) => tensorRow(lowered, 'output', id)),
  ].join('\n');

/** How a caller gives the model its input. */
const inputNote = ({ rows }: Lowered): string =>
  rows?.group.streams
    ? `The input
is never in the arena as a whole: give its bytes, in order and as they come, to \`enn_model_feed\`
(\`device/enn_model.h\`), which computes the first ${rows.group.steps} layers row by row, then call \`enn_model_run\`.`
    : `An inference
overwrites its inputs.`;

/** The README of an emitted folder. */
export function folderReadme(forBoard: Board, lowered: Lowered): string {
  const board = standaloneBoard(forBoard);
  const other =
    board === forBoard
      ? ''
      : `
edge-nn built \`firmware.wasm\` for the board \`${forBoard.name}\`: ${forBoard.description}.
The CMakeLists builds the same C for \`${board.name}\`: ${board.description}.
`;
  const compiler = board.compiler === 'cc' ? 'a C compiler' : 'arm-none-eabi-gcc with newlib';
  return `# ${lowered.graph.name} for ${forBoard.name}

Emitted by edge-nn. All that the firmware needs is in this folder; with CMake and ${compiler}
it builds without edge-nn:

    cmake -S . -B build
    cmake --build build
    ${startLine(board)}

${startNote(board)}
It speaks in frames (COBS, CRC-32); \`device/enn_protocol.h\` has their numbers.
${other}
| what | |
| --- | --- |
| \`model/\` | the model: \`model.c\`, \`model.h\` and the kernels that it calls |
| \`device/\` | the runtime that answers the link and runs the model |
| \`firmware/\` | the board: start-up code, UART, memory |
| \`certificate.json\` | flash, RAM and stack against the board's limits; the accumulator proof |
| \`trace.json\` | where each layer's result lies in the arena |
| \`model.tflite\` | the model that this was made from |

To use the model without the runtime, compile \`model/model.c\` and call \`enn_model_run\`, as the
example at the head of \`device/enn_model.h\` does, with \`device/\` in the include path. ${inputNote(lowered)}

${tensorTable(lowered)}

Licence of runtime and kernels: Apache-2.0.
`;
}
