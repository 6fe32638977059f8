/** What goes wrong on a real machine: each exit code, with a message that names the thing. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SerialPort } from 'serialport';
import { findProgram } from '../../host/board/toolchain/tools.js';
import { sha256 } from '../../host/core/hash.js';
import { writeIdx } from '../../host/format/idx.js';
import { writeNpy } from '../../host/format/npy.js';
import { wideModel } from '../board/support.js';
import { alterWeight, flashAltered } from '../eval/fixture.js';
import { quick, sample } from '../quick.js';
import {
  cli,
  cliComplaint,
  cliFailure,
  cliJson,
  data,
  fast,
  modelSource,
  quickBoard,
  testData,
  writeProject,
} from './cli.js';

const cwd = mkdtempSync(join(tmpdir(), 'edge-nn-cli-'));
after(() => rmSync(cwd, { recursive: true, force: true }));
const at = (path: string): string => join(cwd, path);
const nothingOnPath = { cwd, env: { ...process.env, PATH: at('empty') } };

before(async () => {
  writeProject(cwd);
  mkdirSync(at('empty'));
  const train = ['train', 'model.ts', ...data, ...testData, ...fast, '--out', 'out'];
  await cliJson(train, { cwd });
  const quantize = ['quantize', 'out/best.safetensors', ...data, '--out', 'tiny.tflite'];
  await cliJson(quantize, { cwd });
  await cliJson(['compile', 'tiny.tflite', '--board', await quickBoard(), '--out', 'cold'], {
    cwd,
  });
});

/** A copy of the build, flashed unless it is to stay cold. */
async function build(name: string): Promise<string> {
  cpSync(at('cold'), at(name), { recursive: true });
  await cliJson(['flash', name], { cwd });
  return name;
}

/** Lets a build claim another board, as if it had been compiled for it. */
function rename(build: string, board: string): void {
  const file = at(`${build}/certificate.json`);
  const certificate = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...certificate, board }));
}

/** Puts a program into the flash of a build of the board `host`. */
async function flashScript(name: string, script: string): Promise<string> {
  await build(name);
  rename(name, 'host');
  writeFileSync(at(`${name}/flash/image`), script, { mode: 0o755 });
  writeFileSync(at(`${name}/flash/image.sha256`), sha256(Buffer.from(script)));
  return name;
}

const evaluate = (model: string, ...more: string[]): string[] => [
  ...['eval', model, '--data', 'npy:tx.npy,ty.npy'],
  ...more,
];

test('2: a board that does not exist', async () => {
  const error = await cliFailure(['compile', 'tiny.tflite', '--board', 'arduino'], 2, { cwd });
  assert.match(error.message, /no board named "arduino"/);
  assert.match(error.hint, /virtual, host/);
});

test('2: an output path that runs through a file, for train, quantize and compile', async () => {
  const out = 'model.ts/out';
  for (const args of [
    ['train', 'model.ts', ...data, ...testData, '--epochs', '1'],
    ['quantize', 'out/best.safetensors', ...data],
    ['compile', 'tiny.tflite'],
  ]) {
    const error = await cliFailure([...args, '--out', out], 2, { cwd });
    assert.match(error.message, /cannot write .*model\.ts/);
    assert.match(error.hint, /--out/);
  }
  assert.equal(readFileSync(at('model.ts'), 'utf8'), modelSource());
});

test('2: an output that would destroy its input', async () => {
  const model = readFileSync(at('out/best.safetensors'));
  const lines = [
    ['quantize', 'out/best.safetensors', ...data, '--out', 'out/best.safetensors'],
    ['compile', 'out/best.safetensors', '--emit', 'onnx', '--out', './out/best.safetensors'],
    ['run', 'tiny.tflite', '--input', 'x.npy', '--output', 'tiny.tflite'],
    ['train', 'model.ts', ...data, ...testData, '--from', 'out/best.safetensors', '--out', 'out'],
  ];
  for (const line of lines) {
    assert.match((await cliFailure(line, 2, { cwd })).message, /is the input/, line[0]);
  }
  writeFileSync(at('pair.npz'), '');
  const convert = ['convert', '--data', 'npz:pair.npz', '--out', 'pair.npz'];
  assert.match((await cliFailure(convert, 2, { cwd })).message, /is the input/);
  assert.ok(readFileSync(at('out/best.safetensors')).equals(model));
});

test("2: somebody's folder is not replaced by a build", async () => {
  mkdirSync(at('thesis'));
  writeFileSync(at('thesis/chapter.txt'), 'years');
  const error = await cliFailure(['compile', 'tiny.tflite', '--out', 'thesis'], 2, { cwd });
  assert.match(error.message, /chapter\.txt/);
  assert.deepEqual(readdirSync(at('thesis')), ['chapter.txt']);
});

test('3: data that is missing, unknown, cut or of another shape', async () => {
  mkdirSync(at('idx'));
  const images = writeIdx({ dtype: 'u8', shape: [6, 6, 6], data: new Uint8Array(216) });
  const labels = writeIdx({ dtype: 'u8', shape: [6], data: new Uint8Array(6) });
  for (const part of ['train', 't10k']) {
    writeFileSync(at(`idx/${part}-images-idx3-ubyte`), images);
    writeFileSync(at(`idx/${part}-labels-idx1-ubyte`), labels);
  }
  truncateSync(at('idx/train-images-idx3-ubyte'), 150);
  writeFileSync(
    at('wide.npy'),
    writeNpy({ dtype: 'f32', shape: [30, 7], data: new Float32Array(210) }),
  );
  for (const [spec, code, words] of sample([
    ['idx:nowhere', 3, /nowhere/],
    ['npy:gone.npy,y.npy', 3, /gone\.npy/],
    ['idx:idx', 3, /idx\/train-images-idx3-ubyte.*134 left of 150/],
    ['npy:wide.npy,ty.npy', 3, /7/],
    ['mnits', 2, /mnits/],
  ] as const)) {
    const args = ['train', 'model.ts', '--data', spec, ...testData, '--out', 'never'];
    const { message, where } = await cliFailure(args, code, { cwd });
    assert.match(`${where}: ${message}`, words);
  }
  assert.ok(!existsSync(at('never')));
});

test('3: a model file that is missing, does not parse, throws, or exports no model', async () => {
  const source = modelSource();
  const files: readonly (readonly [string, string, RegExp])[] = [
    ['throws.ts', modelSource("throw new Error('no such layer');"), /throws\.ts:5.*no such layer/],
    ['broken.ts', source.replace('const x =', 'const x'), /broken\.ts:4:/],
    ['unknown.ts', source.replaceAll('maxPool2d', 'maxPool3d'), /maxPool3d/],
    ['none.ts', 'export const x = 1;\n', /no default export/],
    ['wrong.ts', 'export default 7;\n', /is no model/],
  ];
  for (const [file, text] of files) writeFileSync(at(file), text);
  const wanted = [...files, ['gone.ts', '', /no such model file: gone\.ts/] as const];
  for (const [file, , words] of sample(wanted)) {
    const error = await cliFailure(['train', file, ...data, ...testData], 3, { cwd });
    assert.match(error.message, words);
    assert.ok(error.where?.startsWith(file), error.where);
  }
});

test('3: files that are cut, or something else than their name says', async () => {
  for (const file of ['tiny.tflite', 'out/best.safetensors']) {
    const bytes = readFileSync(at(file));
    const cut = `cut-${file.replace('/', '-')}`;
    writeFileSync(at(cut), bytes.subarray(0, bytes.length - 40));
    assert.match(await cliComplaint(['info', cut], 3, { cwd }), new RegExp(cut));
    writeFileSync(at(cut), 'hello');
    assert.match(await cliComplaint(evaluate(cut), 3, { cwd }), new RegExp(cut));
  }
  assert.match((await cliFailure(evaluate('cold/none'), 3, { cwd })).message, /no such model/);
  assert.match((await cliFailure(['flash', 'empty'], 3, { cwd })).message, /no certificate\.json/);
});

test('3 and 4: every verb says what a wrong file is', async () => {
  const complaints: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['train', 'x.npy', ...data], 3, /x.npy is no model file.*\.ts or \.js/s],
    [['quantize', 'model.ts', ...data], 4, /Train it first: `edge-nn train model.ts/],
    [['bench', 'out/best.safetensors'], 4, /is a float model.*Quantize it first/s],
    [['bench', 'nowhere.tflite'], 3, /no such model: nowhere.tflite/],
    [
      ['train', 'model.ts', '--data', 't.csv'],
      2,
      /unknown source 't.csv'\nhint: Write csv:t.csv\n/,
    ],
    [['info', 'model.ts/x'], 3, /no such model file/],
    [['quantize', 'out/best.safetensors', ...data, '--layers', 'c1'], 2, /'c1' is no layer=scheme/],
  ];
  for (const [line, code, words] of complaints) {
    assert.match(await cliComplaint(line, code, { cwd }), words);
  }
});

test('4: an operator without int8 form, a float model for a board, a suffix nobody knows', async () => {
  writeFileSync(
    at('tanh.ts'),
    modelSource('return dense(tanh(flatten(x)), 3);').replace('relu }', 'relu, tanh }'),
  );
  const train = ['train', 'tanh.ts', ...data, ...testData, '--epochs', '1', '--out', 'tanh'];
  await cliJson(train, { cwd });
  const args = ['quantize', 'tanh/best.safetensors', ...data, '--out', 'tanh.tflite'];
  const error = await cliFailure(args, 4, { cwd });
  assert.match(error.message, /tanh/);
  assert.match(error.hint, /relu/);
  assert.ok(!existsSync(at('tanh.tflite')));
  const float = await cliFailure(['compile', 'out/best.safetensors'], 4, { cwd });
  assert.match(float.hint, /edge-nn quantize/);
  await cliFailure(['info', 'model.ts'], 4, { cwd });
});

test('5: LeNet-5 with 400 channels on a micro:bit, before anything is built', async () => {
  writeFileSync(at('wide.tflite'), wideModel(400));
  const args = ['compile', 'wide.tflite', '--board', 'microbit', '--out', 'wide'];
  const error = await cliFailure(args, 5, nothingOnPath);
  assert.match(error.message, /does not fit microbit.*largest live tensors.* 313,600 bytes/);
  assert.match(error.hint, /fewer channels/);
  assert.ok(!existsSync(at('wide')));
  assert.match(await cliComplaint(args, 5, nothingOnPath), /313,600 bytes/);
});

test('6: no cross compiler, no emulator: the command that mends it', async () => {
  const compile = ['compile', 'tiny.tflite', '--board', 'mps2-an386', '--out', 'arm'];
  const compiler = await cliFailure(compile, 6, nothingOnPath);
  assert.match(compiler.message, /mps2-an386 needs arm-none-eabi-gcc/);
  assert.match(compiler.hint, /edge-nn setup.*apt-get install/);
  assert.ok(!existsSync(at('arm')));
  await build('emulated');
  rename('emulated', 'mps2-an386');
  const emulator = await cliFailure(['flash', 'emulated'], 6, nothingOnPath);
  assert.match(emulator.message, /qemu-system-arm/);
  assert.match(emulator.hint, /edge-nn setup/);
});

test('7: a build that was never flashed, and a port that is not there', async () => {
  const cold = await cliFailure(evaluate('cold'), 7, { cwd });
  assert.match(cold.message, /nothing has been flashed from cold/);
  assert.match(cold.hint, /edge-nn flash cold/);
  const port = await cliFailure(['monitor', '--port', '/dev/ttyNONE9'], 7, { cwd });
  assert.match(port.message, /\/dev\/ttyNONE9.*no such port/);
  assert.match(port.hint, /edge-nn devices/);
});

test('7: a port in use', async (t) => {
  if (!findProgram('script')) return t.skip('`script`, which makes a PTY, is not on this machine');
  const child = spawn('script', ['-qfc', 'tty; sleep 60', '/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  t.after(() => child.kill());
  const path = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.once('close', () => reject(new Error(`script: ${said}`)));
    child.stdout.on('data', (chunk) => {
      said += chunk;
      const name = /\/dev\/\S+/.exec(said)?.[0];
      if (name && said.includes('\n')) resolve(name);
    });
  });
  const port = new SerialPort({ path, baudRate: 115200, autoOpen: false });
  port.on('error', () => {});
  await new Promise<void>((resolve, reject) => port.open((e) => (e ? reject(e) : resolve())));
  t.after(() => new Promise<void>((resolve) => port.close(() => resolve())));
  const error = await cliFailure(['monitor', '--port', path, '--seconds', '1'], 7, { cwd });
  assert.match(error.message, /it is in use/);
  assert.match(error.hint, /fuser/);
});

test('8: a device that is mute, talks nonsense or ends, within its timeout', async (t) => {
  if (process.platform === 'win32') return t.skip('needs /bin/sh');
  for (const [name, script] of sample([
    ['mute', '#!/bin/sh\nexec sleep 600\n'],
    ['noisy', '#!/bin/sh\nwhile :; do echo login:; sleep 0.01; done\n'],
    ['dying', '#!/bin/sh\nexit 3\n'],
  ] as const)) {
    await flashScript(name, script);
    const start = performance.now();
    const error = await cliFailure(evaluate(name, '--timeout', '1'), 8, { cwd });
    assert.equal(error.name, 'LinkError');
    assert.ok(performance.now() - start < 15_000, `${name} took too long`);
  }
});

test('9: a damaged image, and damaged flash', async () => {
  await build('rotten');
  appendFileSync(at('rotten/flash/image'), 'x');
  const flash = await cliFailure(evaluate('rotten'), 9, { cwd });
  assert.match(flash.hint, /edge-nn flash rotten/);
  const image = readdirSync(at('rotten')).find((name) => /^firmware\.\w+$/.test(name))!;
  appendFileSync(at(`rotten/${image}`), 'x');
  const error = await cliFailure(['flash', 'rotten'], 9, { cwd });
  assert.match(error.message, /SHA-256/);
});

test('10: the accuracy gates', async () => {
  const wrong = Uint8Array.from({ length: 30 }, (_, i) => (i + 1) % 3);
  writeFileSync(at('wrong.npy'), writeNpy({ dtype: 'u8', shape: [30], data: wrong }));
  const gate = ['--data', 'npy:tx.npy,wrong.npy', '--min-accuracy', '50'];
  const low = await cliFailure(['eval', await build('gated'), ...gate], 10, { cwd });
  assert.match(low.message, /accuracy is .* %, below 50 %/);
  // Calibrated with darkness, every picture saturates.
  const dark = writeNpy({
    dtype: 'f32',
    shape: [30, 6, 6, 1],
    data: new Float32Array(30 * 36).fill(1e-3),
  });
  writeFileSync(at('dark.npy'), dark);
  const args = ['quantize', 'out/best.safetensors', '--data', 'npy:dark.npy,ty.npy', ...testData];
  const drop = await cliFailure([...args, '--max-drop', '0.5', '--out', 'dark.tflite'], 10, {
    cwd,
  });
  assert.match(drop.message, /more than 0\.5|0\.5/);
  assert.ok(!existsSync(at('dark.tflite')));
});

test('10: altered firmware, and the layer is named', async (t) => {
  if (quick) return t.skip('builds firmware; EDGE_NN_QUICK is set');
  await cliJson(['compile', 'tiny.tflite', '--out', 'altered'], { cwd });
  await flashAltered(at('altered'), alterWeight('conv1_w', 0));
  const { code, stdout } = await cli(evaluate('altered', '--diff'), { cwd });
  assert.equal(code, 10, stdout);
  assert.match(stdout, /first difference: layer \S+ \(step 0: .*conv1\.w/);
});
