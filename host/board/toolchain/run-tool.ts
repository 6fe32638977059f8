/**
 * Runs compilers and other tools as child processes: no shell, output captured, a time limit.
 */
import { spawn } from 'node:child_process';
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
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', (cause) => {
      clearTimeout(limit);
      reject(
        new ToolchainError(`cannot run ${file}: ${cause.message}`, {
          hint: 'Run `edge-nn doctor` to see what is missing on this machine.',
          where: file,
          cause,
        }),
      );
    });
    child.on('close', (status, signal) => {
      clearTimeout(limit);
      const run = {
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      };
      if (status !== null) return resolve({ status, ...run });
      reject(
        new ToolchainError(
          `${file} was ended by ${signal} (limit ${timeoutMs} ms)\n${run.stderr}`,
          {
            hint: 'Check that the machine has memory left, and try again.',
            where: file,
          },
        ),
      );
    });
  });
}
