/**
 * Whether a model fits its board, and if not, what takes the room.
 */
import { byteSize } from '../core/dtype.js';
import { DoesNotFitError } from '../core/errors.js';
import { elements } from '../core/shape.js';
import type { Lowered } from '../lower/lowered.js';
import type { Board } from './boards.js';
import type { ImageSize, Overflow } from './image.js';

export interface LiveTensor {
  /** The id of the lowered value, or `scratch:<step>`. */
  readonly value: string;
  /** Its name in the model file, where it has one. */
  readonly name: string;
  readonly bytes: number;
}

/** What is live at the step where most is, the largest first. */
export const liveTensors = ({ plan, graph }: Lowered): LiveTensor[] =>
  plan.live.map(({ id, bytes }) => ({
    value: id,
    name: graph.values.get(id)?.name ?? id,
    bytes,
  }));

/** The constants that the steps read, the largest first. */
function constants({ graph }: Lowered): LiveTensor[] {
  const used = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  return [...graph.values.values()]
    .filter(({ id, kind }) => kind === 'const' && used.has(id))
    .map(({ id, name, dtype, shape }) => ({
      value: id,
      name,
      bytes: byteSize(dtype, elements(shape)),
    }))
    .sort((a, b) => b.bytes - a.bytes);
}

const number = (n: number): string => n.toLocaleString('en-US');

function listed(tensors: readonly LiveTensor[]): string {
  const shown = tensors.slice(0, 4).map(({ value, name, bytes }) => {
    const called = name === value ? '' : ` (${name})`;
    return `%${value}${called} ${number(bytes)} bytes`;
  });
  return shown.join(', ');
}

/** What is too large: the memory, what it needs and, where known, which tensors matter. */
function refuse(board: Board, lowered: Lowered, problems: readonly string[]): never {
  const { plan, steps, graph } = lowered;
  const at = steps[plan.peakStep]?.node.output;
  const where = at === undefined ? '' : ` (at step ${plan.peakStep}, %${at})`;
  throw new DoesNotFitError(
    `${graph.name} does not fit ${board.name}: ${problems.join('; ')}. ` +
      `The largest live tensors${where} are ${listed(liveTensors(lowered))}; ` +
      `the largest weights are ${listed(constants(lowered))}.`,
    {
      hint: 'Make these layers smaller (fewer channels, an earlier pool or stride), or choose a board with more memory: `edge-nn devices` lists them.',
      where: `%${plan.live[0]?.id ?? at}`,
    },
  );
}

/**
 * Checks what is known before anything is compiled: arena and weights alone.
 *
 * @throws DoesNotFitError (exit code 5) with the largest live tensors and their sizes
 */
export function checkPlan(board: Board, lowered: Lowered): void {
  const { flash, ram } = board.limits;
  const weights = constants(lowered).reduce((sum, { bytes }) => sum + bytes, 0);
  const problems: string[] = [];
  if (lowered.arenaBytes > ram) {
    problems.push(
      `its arena needs ${number(lowered.arenaBytes)} bytes of RAM, the board has ${number(ram)}`,
    );
  }
  if (weights > flash) {
    problems.push(
      `its weights need ${number(weights)} bytes of flash, the board has ${number(flash)}`,
    );
  }
  if (problems.length > 0) refuse(board, lowered, problems);
}

const regionNames: Readonly<Record<string, string>> = { FLASH: 'flash', RAM: 'RAM' };

/** The linker's own diagnosis as a refusal. @throws DoesNotFitError (exit code 5), always */
export function refuseOverflow(
  board: Board,
  lowered: Lowered,
  overflows: readonly Overflow[],
): never {
  const problems = overflows.map(({ region, bytes }) => {
    const limit = region === 'FLASH' ? board.limits.flash : board.limits.ram;
    const name = regionNames[region] ?? region;
    const arena = region === 'RAM' ? `, ${number(lowered.arenaBytes)} of them its arena` : '';
    return `the firmware needs ${number(limit + bytes)} bytes of ${name}${arena}, the board has ${number(limit)}`;
  });
  refuse(board, lowered, problems);
}

/** Checks a finished image. @throws DoesNotFitError (exit code 5) */
export function checkImage(board: Board, lowered: Lowered, size: ImageSize): void {
  const { flash, ram } = board.limits;
  const overflows = [
    { region: 'FLASH', bytes: size.flash - flash },
    { region: 'RAM', bytes: size.ram - ram },
  ].filter(({ bytes }) => bytes > 0);
  if (overflows.length > 0) refuseOverflow(board, lowered, overflows);
}
