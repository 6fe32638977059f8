/**
 * Compiler and linker flags of a board, for the build here and for the CMakeLists of the emitted
 * folder alike.
 */
import { dirname } from 'node:path';
import type { Board } from './boards.js';

const warnings = ['-Wall', '-Wextra', '-Wconversion', '-Werror'];
/** C11 without contraction to FMA; a section per object, so that what is unused is left out. */
const language = ['-std=c11', '-ffp-contract=off', '-ffunction-sections', '-fdata-sections'];

/** Flags of every C file, the core's included. */
export const compileFlags = (board: Board): string[] => [
  ...board.flags,
  ...language,
  ...warnings,
  ...board.include.map((dir) => `-I${dir}`),
];

/** Flags of the link; the stack has the size that its bound asks for. */
export const linkFlags = (board: Board, stackBytes: number): string[] => [
  ...board.linkFlags,
  ...(board.linkerScript
    ? [
        `-T${board.linkerScript}`,
        '-Lfirmware/cortex-m',
        `-L${dirname(board.linkerScript)}`,
        `-Wl,--defsym=enn_stack_size=${stackBytes}`,
      ]
    : []),
];
