/**
 * The quick gate, under a minute on two cores: types, lint, import order, and the tests that need
 * no emulator, side by side. `npm test` runs every test in full, with those that it leaves out.
 */
import { spawn } from 'node:child_process';

const out = process.env.EDGE_NN_DIST ?? 'dist';

/** Slow tests: whole processes, time-outs, and C built for the host by its compiler. */
const slow = [
  'test/cli',
  'test/e2e',
  'test/device',
  'test/eval',
  'test/link/dead',
  'test/board/firmware',
  'test/board/rows',
  'test/emit/c/models',
  'test/emit/c/networks',
  'test/emit/c/portable',
  'test/emit/c/rows',
  'test/emit/c/types',
  'test/kernels/f32-host',
  'test/kernels/f32-winograd',
  'test/kernels/s8',
  'test/kernels/types',
];

const checks: readonly (readonly [string, readonly string[]])[] = [
  [
    'tests without emulators',
    [process.execPath, `${out}/tools/test.js`, ...slow.map((path) => `!${path}`)],
  ],
  ['types', ['npm', 'run', '-s', 'types']],
  ['import order', ['npm', 'run', '-s', 'order']],
  ['lint', ['npm', 'run', '-s', 'lint']],
];

/** Runs one check and prints all that it said once it ends, so that outputs do not mix. */
function run([name, [program, ...args]]: (typeof checks)[number]): Promise<boolean> {
  const env = { ...process.env, EDGE_NN_SKIP_EMULATORS: '1', EDGE_NN_QUICK: '1' };
  const child = spawn(program!, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => said.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk));
  return new Promise((resolve) => {
    const end = (passed: boolean): void => {
      process.stdout.write(Buffer.concat(said));
      console.log(`check: ${name} ${passed ? 'passed' : 'FAILED'}`);
      resolve(passed);
    };
    child.on('error', () => end(false));
    child.on('close', (code) => end(code === 0));
  });
}

const passed = await Promise.all(checks.map(run));
process.exit(passed.every(Boolean) ? 0 : 1);
