/**
 * Builds an image with gcc: for Cortex-M boards, and for this machine.
 *
 * It links twice: once to see which library functions came in, then with the stack's size, which
 * the call graph and these functions' frames bound.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type EdgeNnError, ToolchainError, UsageError } from '../core/errors.js';
import type { Board, StackRoots } from './boards.js';
import { type CallGraph, deepestPath, parseCallGraph, type StackFunction } from './call-graph.js';
import { compileFlags, linkFlags } from './flags.js';
import { type Image, ImageOverflow, type ImageSize, type StackBound } from './image.js';
import { parseGnuMap } from './image-map.js';
import { calledFrames, caseHelperBytes } from './library-frames.js';
import { elfSections } from './toolchain/elf.js';
import { runTool } from './toolchain/run-tool.js';
import { type FoundTool, requireTool } from './toolchain/tools.js';

const objects = 'objects';

interface Gcc {
  readonly board: Board;
  readonly dir: string;
  readonly tool: FoundTool;
}

function compilerError(what: string, output: string): EdgeNnError {
  if (/No space left on device|Disk quota exceeded|File size limit exceeded/.test(output)) {
    return new UsageError(`${what} could not write its output:\n${output.trim()}`, {
      hint: 'The disk is full or a limit is reached: free some space, or choose an --out folder on another disk.',
      where: what,
    });
  }
  return new ToolchainError(`${what} failed:\n${output.trim()}`, {
    hint: 'If you changed C sources, mend the lines named above; if not, please report this output.',
    where: what,
  });
}

const objectOf = (source: string): string => `${objects}/${basename(source, '.c')}.o`;

async function compileSources({ board, dir, tool }: Gcc): Promise<void> {
  for (const source of ['model/model.c', ...board.sources]) {
    const flags = [...compileFlags(board), '-fcallgraph-info=su', `-ffile-prefix-map=${dir}=.`];
    const args = [...flags, '-c', source, '-o', objectOf(source)];
    const run = await runTool(tool.path, args, { cwd: dir });
    if (run.status !== 0) throw compilerError(`${basename(tool.path)} ${source}`, run.stderr);
  }
}

/** What the linker's diagnosis says of regions that are too small; undefined: it failed otherwise. */
export function parseOverflow(diagnosis: string): ImageOverflow | undefined {
  const found = [...diagnosis.matchAll(/region [`']?(\w+)'? overflowed by (\d+) bytes/g)];
  if (found.length === 0) return undefined;
  const most = new Map<string, number>();
  for (const [, region, bytes] of found) {
    most.set(region!, Math.max(most.get(region!) ?? 0, Number(bytes)));
  }
  return new ImageOverflow([...most].map(([region, bytes]) => ({ region, bytes })));
}

async function link({ board, dir, tool }: Gcc, stackBytes: number): Promise<void> {
  const inputs = ['model/model.c', ...board.sources].map(objectOf);
  const output = ['-Wl,-Map=objects/firmware.map', '-o', 'firmware.elf'];
  const args = [...compileFlags(board), ...linkFlags(board, stackBytes), ...inputs, ...output];
  const run = await runTool(tool.path, args, { cwd: dir });
  if (run.status !== 0) throw parseOverflow(run.stderr) ?? compilerError('linking', run.stderr);
}

/** The sibling of a compiler: `/usr/bin/arm-none-eabi-gcc` -> `/usr/bin/arm-none-eabi-nm`. */
const sibling = (compiler: string, name: string): string =>
  compiler.replace(/gcc$/, name).replace(/\/cc$/, `/${name}`);

async function toolOutput(file: string, args: readonly string[], cwd: string): Promise<string> {
  const run = await runTool(file, args, { cwd });
  if (run.status !== 0) throw compilerError(basename(file), run.stderr);
  return run.stdout;
}

const readCallGraph = (dir: string): CallGraph =>
  parseCallGraph(
    readdirSync(join(dir, objects))
      .filter((file) => file.endsWith('.ci'))
      .sort()
      .map((file) => readFileSync(join(dir, objects, file), 'utf8')),
  );

/** Main program and the deepest handler, each with what it takes to get there. */
function rootsBound(
  graph: CallGraph,
  roots: StackRoots,
  library: (name: string) => StackFunction,
): { bytes: number; path: readonly string[] } {
  const main = deepestPath(graph, roots.entry, library);
  const handlers = roots.handlers.map((name) => deepestPath(graph, name, library));
  const deepest = handlers.reduce((a, b) => (b.bytes > a.bytes ? b : a), { bytes: 0, path: [] });
  return {
    bytes: main.bytes + (handlers.length > 0 ? roots.exceptionBytes : 0) + deepest.bytes,
    path: [...main.path, ...deepest.path],
  };
}

/** @throws ToolchainError when the call graph has no bound, such as a call through a pointer */
async function stackBound({ board, dir, tool }: Gcc): Promise<StackBound> {
  const graph = readCallGraph(dir);
  try {
    if (board.compiler === 'cc') {
      const own = rootsBound(graph, board.stack!, () => ({ frame: 0, callees: [] }));
      return { ...own, method: 'call-graph-without-libc' };
    }
    const disassembly = await toolOutput(
      sibling(tool.path, 'objdump'),
      ['-d', 'firmware.elf'],
      dir,
    );
    const symbols = await toolOutput(sibling(tool.path, 'nm'), ['firmware.elf'], dir);
    const bound = rootsBound(graph, board.stack!, calledFrames(disassembly, symbols));
    // A helper may be active in the program and another in a handler.
    const bytes = bound.bytes + 2 * caseHelperBytes(disassembly);
    return { bytes: Math.ceil(bytes / 8) * 8, method: 'call-graph', path: bound.path };
  } catch (cause) {
    if (cause instanceof ToolchainError) throw cause;
    throw new ToolchainError(`no static bound of the stack: ${(cause as Error).message}`, {
      hint: 'Firmware and model may not recurse, call through pointers or use arrays of variable size.',
      where: board.name,
      cause,
    });
  }
}

/** Flash and RAM that the sections of an image take. */
function imageSize(image: Uint8Array): ImageSize {
  const sections = elfSections(image).filter(({ allocated }) => allocated);
  const sum = (list: typeof sections): number => list.reduce((n, { bytes }) => n + bytes, 0);
  return {
    flash: sum(sections.filter(({ stored }) => stored)),
    ram: sum(sections.filter(({ writable }) => writable)),
  };
}

/**
 * Builds the sources that lie in a folder; objects, map and image are left there.
 *
 * @param dir holds the tree that `board.sources` and `board.include` refer to, and `objects/`
 * @throws ImageOverflow when it is larger than the board; ToolchainError with the diagnostics
 */
export async function buildGnu(board: Board, dir: string): Promise<Image> {
  const name = board.compiler === 'cc' ? 'cc' : 'arm-none-eabi-gcc';
  const tool = await requireTool(name, `board ${board.name}`);
  if (name !== 'cc') await requireTool('arm-newlib', `board ${board.name}`);
  const gcc = { board, dir, tool };
  await compileSources(gcc);
  const provisional = 8;
  await link(gcc, provisional);
  const stack = await stackBound(gcc);
  if (board.linkerScript) await link(gcc, stack.bytes);
  const bytes = new Uint8Array(readFileSync(join(dir, 'firmware.elf')));
  const size = imageSize(bytes);
  const map = readFileSync(join(dir, objects, 'firmware.map'), 'utf8');
  return {
    file: 'firmware.elf',
    bytes,
    // A process gets its stack from the system, on top of what the image says.
    size: board.linkerScript ? size : { ...size, ram: size.ram + stack.bytes },
    stack,
    placed: parseGnuMap(map),
    compiler: tool.version,
  };
}
