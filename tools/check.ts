/**
 * The quick gate, under a minute: types, lint, import order, and the tests that need no emulator.
 */
import { spawnSync } from 'node:child_process';

const out = process.env.EDGE_NN_DIST ?? 'dist';

const checks: readonly (readonly [string, readonly string[]])[] = [
  ['types', ['npm', 'run', '-s', 'types']],
  ['lint', ['npm', 'run', '-s', 'lint']],
  ['import order', ['npm', 'run', '-s', 'order']],
  ['tests without emulators', [process.execPath, `${out}/tools/test.js`]],
];

for (const [name, [program, ...args]] of checks) {
  console.error(`check: ${name}`);
  const run = spawnSync(program!, args, {
    stdio: 'inherit',
    env: { ...process.env, EDGE_NN_SKIP_EMULATORS: '1', EDGE_NN_QUICK: '1' },
  });
  if (run.status !== 0) {
    console.error(`check: ${name} failed`);
    process.exit(1);
  }
}
console.error('check: all good');
