/**
 * Runs the tests that the build produced, through Node's test runner.
 *
 *     npm test                       all of them
 *     npm test -- test/link          build and run those below a path
 *     npm test -- --name "pattern"   only tests whose name matches
 *     npm test -- '!test/cli'        all but those below a path
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const out = process.env.EDGE_NN_DIST ?? 'dist';
const args = process.argv.slice(2).map((arg) => arg.replace(/\.test\.ts$/, '.test.js'));
const nameAt = args.indexOf('--name');
const name = nameAt >= 0 ? args.splice(nameAt, 2)[1] : undefined;

const unwanted = args.filter((arg) => arg.startsWith('!'));
const wanted = args.filter((arg) => !arg.startsWith('!'));

const dir = join(out, 'test');
const files = (existsSync(dir) ? readdirSync(dir, { recursive: true, encoding: 'utf8' }) : [])
  .filter((file) => file.endsWith('.test.js'))
  .map((file) => join(dir, file))
  .filter((file) => wanted.length === 0 || wanted.some((path) => file.startsWith(join(out, path))))
  .filter((file) => !unwanted.some((arg) => file.startsWith(join(out, arg.slice(1)))))
  .sort();
if (files.length === 0) {
  console.error(`no test below ${args.join(', ') || dir}`);
  process.exit(2);
}

// The runner's own default leaves one core idle, which is half of a small machine.
const flags = [
  '--test',
  `--test-concurrency=${availableParallelism()}`,
  '--enable-source-maps',
  ...(name ? [`--test-name-pattern=${name}`] : []),
];
const run = spawnSync(process.execPath, [...flags, ...files], { stdio: 'inherit' });
process.exit(run.status ?? 1);
