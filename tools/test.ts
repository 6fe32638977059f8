/**
 * Runs the tests that the build produced, through Node's test runner.
 *
 *     npm test                       all of them
 *     npm test -- test/link          build and run those below a path
 *     npm test -- --name "pattern"   only tests whose name matches
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const out = process.env.EDGE_NN_DIST ?? 'dist';
const args = process.argv.slice(2);
const nameAt = args.indexOf('--name');
const name = nameAt >= 0 ? args.splice(nameAt, 2)[1] : undefined;

const dir = join(out, 'test');
const files = (existsSync(dir) ? readdirSync(dir, { recursive: true, encoding: 'utf8' }) : [])
  .filter((file) => file.endsWith('.test.js'))
  .map((file) => join(dir, file))
  .filter((file) => args.length === 0 || args.some((arg) => file.startsWith(join(out, arg))))
  .sort();
if (files.length === 0) {
  console.error(`no test below ${args.join(', ') || dir}`);
  process.exit(2);
}

const flags = ['--test', '--enable-source-maps', ...(name ? [`--test-name-pattern=${name}`] : [])];
const run = spawnSync(process.execPath, [...flags, ...files], { stdio: 'inherit' });
process.exit(run.status ?? 1);
