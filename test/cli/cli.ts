/**
 * The real command line as a child process, and a small network with its data as files.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { builtFile } from '../../host/core/package.js';
import { randomInt } from '../../host/core/random.js';
import { writeNpy } from '../../host/format/npy.js';
import { lacking, smallModel } from '../board/support.js';

export const program = builtFile('cli.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Sees the running process, to send it a signal for example. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** Longer than any verb takes here on a loaded machine; reached only by a hang. */
const limitMs = 90_000;

/** Runs any program to its end. */
export function runProgram(
  file: string,
  args: readonly string[],
  { cwd, env = process.env, onStart }: RunOptions = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      ...(cwd !== undefined && { cwd }),
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    onStart?.(child);
  });
}

/** The board that compiles fastest here: cc needs a tenth of the time of clang in WebAssembly. */
export const quickBoard = async (): Promise<string> =>
  (await lacking('host')) === undefined ? 'host' : 'virtual';

/** Runs `edge-nn`. */
export const cli = (args: readonly string[], options?: RunOptions): Promise<Ended> =>
  runProgram(process.execPath, [program, ...args], options);

/** Runs a verb that must succeed, with --json; its document. */
export async function cliJson<T>(args: readonly string[], options?: RunOptions): Promise<T> {
  const { code, stdout, stderr } = await cli([...args, '--json'], options);
  assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
  return JSON.parse(stdout) as T;
}

export interface Failure {
  readonly code: number;
  readonly name: string;
  readonly message: string;
  readonly hint: string;
  readonly where?: string;
}

/** What every failure has: nothing but one message and one hint, and no stack. */
function checkWords({ message, hint }: Pick<Failure, 'message' | 'hint'>): void {
  assert.ok(message.length > 8, message);
  assert.ok(hint.length > 8, hint);
  assert.doesNotMatch(`${message}\n${hint}`, /^\s+at .*:\d+:\d+\)?$/m, 'a stack trace');
  assert.doesNotMatch(`${message}\n${hint}`, /undefined|\[object|mistake in edge-nn/);
}

/** Runs a verb that must fail, with --json; the error. */
export async function cliFailure(
  args: readonly string[],
  code: number,
  options?: RunOptions,
): Promise<Failure> {
  const ended = await cli([...args, '--json'], options);
  assert.equal(ended.code, code, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
  const { error } = JSON.parse(ended.stdout) as { error: Failure };
  assert.equal(error.code, code);
  checkWords(error);
  return error;
}

/** The same without --json, for people: message, place and hint on stderr, nothing on stdout. */
export async function cliComplaint(
  args: readonly string[],
  code: number,
  options?: RunOptions,
): Promise<string> {
  const { code: actual, stdout, stderr } = await cli(args, options);
  assert.equal(actual, code, `${args.join(' ')}: ${stdout}${stderr}`);
  assert.equal(stdout, '');
  const [, message, hint] = /^error: (.*?)(?:\nwhere: [^\n]*)?\nhint: (.*)\n$/s.exec(stderr) ?? [];
  assert.ok(message && hint, stderr);
  checkWords({ message, hint });
  return stderr;
}

/** A folder that is removed after the test. */
export function scratch(t: Pick<TestContext, 'after'>): string {
  const dir = mkdtempSync(join(tmpdir(), 'edge-nn-cli-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const classes = 3;

/** A network that learns in no time; `body` replaces its last line. */
export const modelSource = (
  body = `return dense(flatten(x), ${classes});`,
): string => `import { conv2d, dense, flatten, input, maxPool2d, model, relu } from 'edge-nn';

export default model('tiny', () => {
  const x = maxPool2d(relu(conv2d(input([6, 6, 1]), 4, [3, 3])), [2, 2]);
  ${body}
}, { loss: 'softmaxCrossEntropy', labels: ['left', 'middle', 'right'] });
`;

/** Pictures of a bright column at the left, in the middle or at the right. */
function pictures(count: number, seed: number) {
  const noise = (index: number): number =>
    randomInt({ seed, purpose: 'test', step: 0 } as const, index, 100) / 250;
  const x = Float32Array.from({ length: count * 36 }, (_, i) => {
    const bright = Math.floor((i % 6) / 2) === Math.floor(i / 36) % classes;
    return (bright ? 0.6 : 0) + noise(i);
  });
  return {
    x: writeNpy({ dtype: 'f32', shape: [count, 6, 6, 1], data: x }),
    y: writeNpy({
      dtype: 'u8',
      shape: [count],
      data: Uint8Array.from({ length: count }, (_, i) => i % classes),
    }),
  };
}

export const data = ['--data', 'npy:x.npy,y.npy'] as const;
export const testData = ['--test-data', 'npy:tx.npy,ty.npy'] as const;

/** Enough for all pictures to be told apart. */
export const fast = ['--epochs', '6', '--batch', '4', '--lr', '0.01'] as const;

/** Writes model.ts, its data, and small.tflite: an int8 network of random weights. */
export function writeProject(dir: string): void {
  writeFileSync(join(dir, 'model.ts'), modelSource());
  const [train, test] = [pictures(96, 1), pictures(30, 2)];
  writeFileSync(join(dir, 'x.npy'), train.x);
  writeFileSync(join(dir, 'y.npy'), train.y);
  writeFileSync(join(dir, 'tx.npy'), test.x);
  writeFileSync(join(dir, 'ty.npy'), test.y);
  writeFileSync(join(dir, 'small.tflite'), smallModel());
}
