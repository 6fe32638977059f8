/** Help, and command lines that mean nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commands } from '../../host/cli/commands.js';
import { packageVersion } from '../../host/core/package.js';
import { sample } from '../quick.js';
import {
  cli,
  cliComplaint,
  cliFailure,
  data,
  program,
  runProgram,
  scratch,
  testData,
  writeProject,
} from './cli.js';

test('--help lists the verbs; each verb has a help with an example', {
  concurrency: 2,
}, async (t) => {
  const { code, stdout } = await cli(['--help']);
  assert.equal(code, 0);
  for (const { verb } of commands) assert.match(stdout, new RegExp(`^  edge-nn ${verb}\\b`, 'm'));
  await Promise.all(
    sample(commands).map(({ verb }) =>
      t.test(verb, async () => {
        const help = await cli([verb, '--help']);
        assert.equal(help.code, 0);
        assert.equal(help.stderr, '');
        assert.match(help.stdout, new RegExp(`^Examples:\\n  edge-nn ${verb}`, 'm'));
        assert.match(help.stdout, /--json/);
      }),
    ),
  );
});

test('--version is that of the package', async () => {
  assert.equal((await cli(['--version'])).stdout, `${packageVersion}\n`);
});

/** Command lines, and what the message must say. */
const mistakes: readonly (readonly [string, RegExp])[] = [
  ['', /no verb is given.*Verbs: train, /s],
  ['trian', /no verb trian.*Did you mean train\?.*Verbs: train, /s],
  ['frobnicate', /no verb frobnicate\nhint: Verbs: train, /],
  ['train', /train needs a <model>/],
  ['train m.ts', /train needs --data/],
  ['run m.tflite', /run needs --input and --output/],
  ['train m.ts --data mnist --foo-bar 3', /train has no option --foo-bar.*--epochs/s],
  ['devices --foo=3', /devices has no option --foo\n/],
  ['doctor -x', /doctor has no option -x/],
  ['info a b', /info has no use for b/],
  ['train m.ts --data mnist --optimizer fast', /--optimizer cannot be "fast".*"adam"/s],
  ['train m.ts --data mnist --data mnist', /--data is given more than once/],
  ['train m.ts --data', /--data needs a value/],
  ['train m.ts --data mnist --epochs many', /--epochs needs a number/],
  ['eval m.tflite --data mnist --limit 0', /whole number of at least 1, got 0/],
  ['quantize m.safetensors --data mnist --limit 0', /whole number of at least 1, got 0/],
  ['convert --data mnist --out x.npz --limit 1.5', /whole number of at least 1, got 1.5/],
  ['bench m.tflite --timeout 0', /timeout must be above 0, got 0/],
  ['monitor', /nothing to listen to/],
  ['monitor --port /dev/null --seconds -1', /seconds must be above 0, got -1/],
  ['train m.ts --no-data', /train has no option --no-data/],
  ['train m.ts --dta mnist', /train has no option --dta\n/],
  ['train m.ts --data mnist --resume=maybe', /--resume cannot be "maybe"/],
  [
    'train m.ts --data mnist --qat-layers c=int8',
    /--qat-layers is an option of quantization-aware/,
  ],
];

for (const [line, words] of sample(mistakes)) {
  test(`edge-nn ${line}: exit code 2`, async () => {
    assert.match(await cliComplaint(line.split(' ').filter(Boolean), 2), words);
  });
}

test('the messages are English whatever the locale', async () => {
  const env = { ...process.env, LANG: 'de_DE.UTF-8', LC_ALL: 'de_DE.UTF-8' };
  assert.match(await cliComplaint(['train'], 2, { env }), /train needs a <model>/);
});

test('--json: an error is one document on stdout, and nothing else', async () => {
  const error = await cliFailure(['compile', 'x', '--emit', 'rust'], 2);
  assert.equal(error.name, 'UsageError');
  assert.match(error.message, /--emit cannot be "rust"/);
});

test('a result that cannot be written is exit code 2, also with --json', async (t) => {
  const line = (more: string) =>
    `"${process.execPath}" "${program}" devices ${more} > /dev/full; echo $? >&2`;
  for (const more of ['', '--json']) {
    const { stderr } = await runProgram('bash', ['-c', line(more)], { cwd: scratch(t) });
    assert.match(stderr, /cannot write the result: ENOSPC/);
    assert.match(stderr, /\n2\n$/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  }
});

test('a reader of notes that leaves early does not end a training', async (t) => {
  const cwd = scratch(t);
  writeProject(cwd);
  const train = `"${process.execPath}" "${program}" train model.ts ${[...data, ...testData].join(' ')}`;
  const line = `${train} --epochs 40 2>&1 >/dev/null | head -1; echo "\${PIPESTATUS[0]}"`;
  const { stdout } = await runProgram('bash', ['-c', line], { cwd });
  assert.match(stdout, /^epoch 1\/40 [^\n]*\n0\n$/);
});

test('a reader that leaves early ends the command without a word', async (t) => {
  const pipe = `"${process.execPath}" "${program}" --help | head -1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await runProgram('bash', ['-c', pipe], { cwd: scratch(t) });
  assert.equal(stdout, 'edge-nn <verb>\n0\n');
  assert.equal(stderr, '');
});
