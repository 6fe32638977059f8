/**
 * The external programs that boards need: where they are, which version, how to get them.
 */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { ToolchainError } from '../../core/errors.js';
import { wantsSwiftShader } from '../../engine/webgpu/adapter.js';
import { runTool, type ToolRun } from './run-tool.js';

export type ToolName = 'cc' | 'arm-none-eabi-gcc' | 'arm-newlib' | 'qemu-system-arm' | 'chromium';

export interface ToolSpec {
  readonly purpose: string;
  /** Programs that serve, the best first. */
  readonly programs: readonly string[];
  readonly probe: readonly string[];
  /** What the probe's output says: a version, or undefined when the tool is not usable. */
  version(run: ToolRun): string | undefined;
  /** Debian and Ubuntu packages. */
  readonly packages: readonly string[];
}

const firstLine = ({ status, stdout }: ToolRun): string | undefined =>
  status === 0 ? stdout.split('\n', 1)[0]!.trim() : undefined;

export const tools: Readonly<Record<ToolName, ToolSpec>> = {
  cc: {
    purpose: 'the boards host and host-asan, the native engine',
    programs: ['gcc', 'cc'],
    probe: ['--version'],
    // Only gcc writes the call graph that bounds the stack; `cc` may be clang.
    version: (run) => (/clang/i.test(run.stdout) ? undefined : firstLine(run)),
    packages: ['gcc', 'libc6-dev'],
  },
  'arm-none-eabi-gcc': {
    purpose: 'firmware for Cortex-M boards',
    programs: ['arm-none-eabi-gcc'],
    probe: ['--version'],
    version: firstLine,
    packages: ['gcc-arm-none-eabi'],
  },
  'arm-newlib': {
    purpose: 'the C library of Cortex-M boards',
    programs: ['arm-none-eabi-gcc'],
    // The bare name comes back when the compiler does not find the file.
    probe: ['-print-file-name=libc.a'],
    version: (run) => (isAbsolute(run.stdout.trim()) ? run.stdout.trim() : undefined),
    packages: ['libnewlib-arm-none-eabi'],
  },
  'qemu-system-arm': {
    purpose: 'the emulator of Cortex-M boards',
    programs: ['qemu-system-arm'],
    probe: ['--version'],
    version: firstLine,
    packages: ['qemu-system-arm'],
  },
  chromium: {
    purpose: 'SwiftShader, on which the engine webgpu runs without a GPU',
    programs: ['chromium'],
    probe: ['--version'],
    version: firstLine,
    packages: ['chromium'],
  },
};

/** What the boards need. */
export const toolNames = (Object.keys(tools) as ToolName[]).filter((name) => name !== 'chromium');

/** Other distributions' package of the name Chromium only installs a snap. */
const isDebian = (): boolean =>
  existsSync('/etc/os-release') && /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));

/** What the engine webgpu needs beside npm `webgpu`: nothing where there is a GPU. */
export const webgpuTools = (): ToolName[] => (isDebian() && wantsSwiftShader() ? ['chromium'] : []);

export interface FoundTool {
  readonly path: string;
  readonly version: string;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The first file in PATH that can be executed under this name. */
export function findProgram(name: string, path = process.env.PATH ?? ''): string | undefined {
  return path
    .split(delimiter)
    .filter((dir) => dir !== '')
    .map((dir) => join(dir, name))
    .find(isProgram);
}

/** A tool with its version; undefined when it is missing or does not run. */
export async function findTool(name: ToolName): Promise<FoundTool | undefined> {
  const spec = tools[name];
  for (const program of spec.programs) {
    const path = findProgram(program);
    if (path === undefined) continue;
    const run = await runTool(path, spec.probe, { timeoutMs: 20_000 }).catch(() => undefined);
    const version = run && spec.version(run);
    if (version) return { path, version };
  }
  return undefined;
}

/** The command that installs packages, for a person to type. */
export const installCommand = (packages: readonly string[]): string =>
  `sudo apt-get install ${packages.join(' ')}`;

/**
 * A tool that must be there.
 *
 * @throws ToolchainError (exit code 6) with the command that installs it
 */
export async function requireTool(name: ToolName, reason: string): Promise<FoundTool> {
  const found = await findTool(name);
  if (found) return found;
  const { packages, purpose } = tools[name];
  throw new ToolchainError(`${reason} needs ${name} (${purpose}), which is not on this machine`, {
    hint: `Run \`edge-nn setup\`, or \`${installCommand(packages)}\`.`,
    where: name,
  });
}
