/**
 * Installs the compilers and emulators that are missing, builds the native engine, and nothing else.
 */
import { ToolchainError } from '../core/errors.js';
import { buildNative } from '../engine/cpu/native-build.js';
import { nativeVariants } from '../engine/cpu/native-engine.js';
import { toolStates } from './doctor.js';
import { runTool } from './toolchain/run-tool.js';
import {
  findProgram,
  installCommand,
  type ToolName,
  toolNames,
  tools,
  webgpuTools,
} from './toolchain/tools.js';

export interface SetupOptions {
  /** Also what the engine webgpu runs on where there is no GPU. */
  readonly webgpu?: boolean | undefined;
  /** Says what would be done and does nothing. */
  readonly dryRun?: boolean | undefined;
  /** Hears each command before it runs. */
  readonly report?: ((line: string) => void) | undefined;
}

export interface SetupResult {
  /** What was there already. */
  readonly present: readonly ToolName[];
  /** What was missing and is installed now; with `dryRun`, what would be. */
  readonly installed: readonly ToolName[];
  /** The commands, in order, with their arguments. */
  readonly commands: readonly (readonly string[])[];
  /** The file of the native engine; null where it cannot be built. */
  readonly nativeEngine: string | null;
}

/** Another installation may be under way, as on a machine that just started. */
const lockWait = 'DPkg::Lock::Timeout=300';

/** Downloads on a slow line take their time. */
const limitMs = 30 * 60_000;

interface Privileges {
  readonly root: boolean;
  readonly apt: string | undefined;
  readonly sudo: string | undefined;
}

const privileges = (): Privileges => ({
  root: process.getuid?.() === 0,
  apt: findProgram('apt-get'),
  sudo: findProgram('sudo'),
});

/**
 * The commands that install packages on this machine.
 *
 * @throws ToolchainError (exit code 6) without apt, or without the means to become root
 */
export function installCommands(
  packages: readonly string[],
  { root, apt, sudo }: Privileges = privileges(),
): string[][] {
  if (packages.length === 0) return [];
  if (apt === undefined) {
    throw new ToolchainError(`this machine has no apt to install ${packages.join(', ')}`, {
      hint: `Install the equivalents of these Debian packages with the system's package manager: ${packages.join(' ')}.`,
      where: 'apt-get',
    });
  }
  if (!root && sudo === undefined) {
    throw new ToolchainError('installing packages needs root, and there is no sudo', {
      hint: `As root, run \`${installCommand(packages).replace('sudo ', '')}\`.`,
      where: 'sudo',
    });
  }
  const prefix = root ? [] : [sudo!];
  const quiet = ['env', 'DEBIAN_FRONTEND=noninteractive', apt, '-q', '-y', '-o', lockWait];
  return [
    [...prefix, ...quiet, 'update'],
    [...prefix, ...quiet, 'install', '--no-install-recommends', ...packages],
  ];
}

async function run(command: readonly string[], optional: boolean): Promise<void> {
  const { status } = await runTool(command[0]!, command.slice(1), {
    show: true,
    timeoutMs: limitMs,
  });
  if (status === 0 || optional) return;
  throw new ToolchainError(`${command.join(' ')} failed with exit code ${status}`, {
    hint: 'Read what it printed above; check the network connection and the sources of apt.',
    where: 'apt-get',
  });
}

/**
 * Installs what is missing for the boards of the table; a second call does nothing.
 *
 * @throws ToolchainError (exit code 6) with what to do by hand
 */
export async function setupMachine({
  webgpu = false,
  dryRun = false,
  report = () => {},
}: SetupOptions = {}): Promise<SetupResult> {
  const states = await toolStates([...toolNames, ...(webgpu ? webgpuTools() : [])]);
  const names = (found: boolean): ToolName[] =>
    states.filter((state) => state.found === found).map(({ name }) => name);
  const installed = names(false);
  const packages = [...new Set(installed.flatMap((name) => tools[name].packages))];
  const commands = installCommands(packages);
  for (const name of names(true)) report(`${name} is there already`);
  for (const [index, command] of commands.entries()) {
    report(`${dryRun ? 'would run' : 'running'}: ${command.join(' ')}`);
    // A source that cannot be refreshed need not be one of those that have the packages.
    if (!dryRun) await run(command, index === 0);
  }
  if (!dryRun) await checkInstalled(installed);
  const nativeEngine = dryRun ? null : await buildEngine(report);
  return { present: names(true), installed, commands, nativeEngine };
}

/** The native engine; everything else works without it. */
async function buildEngine(report: (line: string) => void): Promise<string | null> {
  try {
    const path = await buildNative();
    report(`the native engine is ${path}; variants here: ${(await nativeVariants()).join(', ')}`);
    return path;
  } catch (error) {
    if (!(error instanceof ToolchainError)) throw error;
    report(`${error.message.split('\n')[0]}; the engine wasm needs no compiler`);
    return null;
  }
}

async function checkInstalled(wanted: readonly ToolName[]): Promise<void> {
  if (wanted.length === 0) return;
  const missing = (await toolStates(wanted)).filter(({ found }) => !found);
  if (missing.length === 0) return;
  const list = missing.map(({ name }) => name).join(', ');
  throw new ToolchainError(`after the installation ${list} cannot be found`, {
    hint: 'Open a new shell so that PATH is read again, then run `edge-nn doctor`.',
    where: list,
  });
}
