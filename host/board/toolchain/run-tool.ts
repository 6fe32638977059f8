/**
 * Runs compilers and other tools as child processes: no shell, output captured, a time limit.
 */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { ToolchainError } from '../../core/errors.js';

export interface ToolRun {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string | undefined;
  /** Milliseconds until the tool is killed; default 120,000. */
  readonly timeoutMs?: number | undefined;
  /** Lets the tool write to this process's terminal instead of capturing what it prints. */
  readonly show?: boolean | undefined;
}

/** English messages in a fixed locale, so that diagnostics can be read by programs. */
const environment = (): NodeJS.ProcessEnv => ({ ...process.env, LC_ALL: 'C' });

const notStarted = (file: string, cause: Error): ToolchainError =>
  new ToolchainError(`cannot run ${file}: ${cause.message}`, {
    hint: 'Run `edge-nn doctor` to see what is missing on this machine.',
    where: file,
    cause,
  });

const ended = (file: string, how: string, stderr: string): ToolchainError =>
  new ToolchainError(`${file} was ended by ${how}\n${stderr}`, {
    hint: 'Check that the machine has memory left, and try again.',
    where: file,
  });

/** Gathers what a stream says. */
function gather(stream: Readable | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}

/**
 * Runs a tool to its end.
 *
 * @returns its exit status and output, whatever the status
 * @throws ToolchainError when it cannot be started, is killed, or runs out of time
 */
export function runTool(
  file: string,
  args: readonly string[],
  { cwd, timeoutMs = 120_000, show = false }: RunOptions = {},
): Promise<ToolRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd,
      env: environment(),
      // A tool's own progress goes where people look for progress: stdout carries results only.
      stdio: show ? ['inherit', 2, 2] : ['ignore', 'pipe', 'pipe'],
    });
    // Not spawn's own limit: its timer outlives a program that cannot be started.
    const limit = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const [stdout, stderr] = [gather(child.stdout), gather(child.stderr)];
    child.on('error', (cause) => {
      clearTimeout(limit);
      reject(notStarted(file, cause));
    });
    child.on('close', (status, signal) => {
      clearTimeout(limit);
      if (status !== null) resolve({ status, stdout: stdout(), stderr: stderr() });
      else reject(ended(file, `${signal} (limit ${timeoutMs} ms)`, stderr()));
    });
  });
}
