/**
 * What is missing on this machine, and the command that mends it.
 */
import { type Board, boards } from './boards.js';
import { findTool, installCommand, type ToolName, toolNames, tools } from './toolchain/tools.js';

export interface ToolState {
  readonly name: ToolName;
  readonly purpose: string;
  readonly found: boolean;
  readonly path: string | null;
  readonly version: string | null;
  /** The boards that need it. */
  readonly boards: readonly string[];
  /** The command that installs it; null when it is there. */
  readonly mend: string | null;
}

/** A board with what it lacks. */
export interface BoardState {
  readonly name: string;
  readonly description: string;
  readonly cpu: string;
  readonly emulated: boolean;
  readonly available: boolean;
  readonly missing: readonly ToolName[];
}

export interface DoctorResult {
  /** True when every board of the table can be used. */
  readonly ok: boolean;
  readonly node: string;
  readonly tools: readonly ToolState[];
  readonly boards: readonly BoardState[];
  /** Commands to type, in order; empty when nothing is missing. */
  readonly mend: readonly string[];
}

const boardsOf = (tool: ToolName): string[] =>
  [...boards.values()].filter(({ needs }) => needs.includes(tool)).map(({ name }) => name);

/** The state of tools; default: of those that boards need. */
export const toolStates = (names: readonly ToolName[] = toolNames): Promise<ToolState[]> =>
  Promise.all(
    names.map(async (name) => {
      const { purpose, packages } = tools[name];
      const tool = await findTool(name);
      return {
        name,
        purpose,
        found: tool !== undefined,
        path: tool?.path ?? null,
        version: tool?.version ?? null,
        boards: boardsOf(name),
        mend: tool ? null : installCommand(packages),
      };
    }),
  );

/** Boards with what is missing for them, given the state of the tools. */
export function boardStates(states: readonly ToolState[]): BoardState[] {
  const absent = new Set(states.filter(({ found }) => !found).map(({ name }) => name));
  return [...boards.values()].map(({ name, description, cpu, needs, flasher }: Board) => {
    const missing = needs.filter((tool) => absent.has(tool));
    const emulated = flasher === 'file';
    return { name, description, cpu, emulated, available: missing.length === 0, missing };
  });
}

/** Looks at this machine; changes nothing. */
export async function doctor(): Promise<DoctorResult> {
  const states = await toolStates();
  const missing = states.filter(({ found }) => !found);
  const packages = [...new Set(missing.flatMap(({ name }) => tools[name].packages))];
  return {
    ok: missing.length === 0,
    node: process.version,
    tools: states,
    boards: boardStates(states),
    mend: packages.length === 0 ? [] : ['edge-nn setup', installCommand(packages)],
  };
}
