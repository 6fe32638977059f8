/** `edge-nn quantize` on a network that int8 ruins: the gate, and the ways out of it. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { writeNpy } from '../../host/format/npy.js';
import { importTflite } from '../../host/front/tflite/import-tflite.js';
import { getData } from '../../host/ir/graph.js';
import { loadCheckpoint, writeCheckpoint } from '../../host/train/checkpoint.js';
import { cli, cliFailure, cliJson, data, fast, quickBoard, testData, writeProject } from './cli.js';

const cwd = mkdtempSync(join(tmpdir(), 'edge-nn-cli-'));
after(() => rmSync(cwd, { recursive: true, force: true }));
const at = (path: string): string => join(cwd, path);

/** Channel 0 of the convolution becomes enormous, and nobody reads it. */
function spoil(file: string): void {
  const checkpoint = loadCheckpoint(readFileSync(at('out/best.safetensors')));
  const { graph } = checkpoint;
  const [conv, dense] = ['conv2d', 'dense'].map((op) => graph.nodes.find((one) => one.op === op)!);
  const changed = new Map(graph.data);
  const edit = (id: string, each: (x: number, i: number) => number) =>
    changed.set(id, (getData(graph, id) as Float32Array).map(each));
  edit(conv!.inputs[1]!, (w, i) => (i < 9 ? 3000 * Math.abs(w) : w));
  edit(dense!.inputs[1]!, (w, i) => (i % 4 === 0 ? 0 : w));
  const bytes = writeCheckpoint({ ...checkpoint, graph: { ...graph, data: changed } });
  writeFileSync(at(file), bytes);
}

before(async () => {
  writeProject(cwd);
  await cliJson(['train', 'model.ts', ...data, ...testData, ...fast, '--out', 'out'], { cwd });
  spoil('spoilt.safetensors');
});

/** Without what would mend the network. */
const quantize = (...rest: string[]) => {
  const plain = ['--equalize=false', '--observer', 'minMax'];
  return ['quantize', 'spoilt.safetensors', ...data, ...testData, ...plain, ...rest];
};

interface Report {
  readonly floatAccuracy: number;
  readonly int8Accuracy: number;
  readonly equalized: number;
  readonly layers: readonly { name: string; snrDb: number; ownSnrDb: number }[];
  readonly promotions: readonly {
    name: string;
    layers: readonly string[];
    accuracy: number;
    arena: number;
    bytes: number;
  }[];
}

test('10: the gate names layers and writes nothing; without it the loss is told', async () => {
  const gate = quantize('--max-drop', '2', '--out', 'gate.tflite');
  const error = await cliFailure(gate, 10, { cwd });
  assert.match(
    error.message,
    /accuracy .* below float .*worst layers: \w+ \(-?[\d.]+ dB by itself/,
  );
  assert.match(error.hint, /--auto/);
  assert.ok(!existsSync(at('gate.tflite')));
  const { promotions } = await cliJson<Report>(
    quantize('--max-drop', '2', '--auto', '--out', 'named.tflite'),
    { cwd },
  );
  assert.equal(error.where, promotions[0]!.name);
  const told = await cliJson<Report>(quantize('--out', 'bad.tflite'), { cwd });
  assert.ok(told.int8Accuracy < told.floatAccuracy - 0.1);
  assert.deepEqual([told.promotions, told.equalized], [[], 0]);
});

test('--auto promotes what is guilty, and the device computes it to the byte', async () => {
  const args = quantize('--max-drop', '2', '--auto', '--out', 'auto.tflite');
  const report = await cliJson<Report>(args, { cwd });
  assert.ok(report.int8Accuracy >= report.floatAccuracy - 0.02);
  assert.equal(report.promotions.length, 1);
  const [promotion] = report.promotions;
  assert.match(promotion!.name, /relu|conv/);
  assert.equal(promotion!.layers.length, 2);
  assert.equal(promotion!.accuracy, report.int8Accuracy);
  assert.ok(promotion!.arena > 0 && promotion!.bytes === readFileSync(at('auto.tflite')).length);
  const graph = importTflite(readFileSync(at('auto.tflite')));
  const types = new Set([...graph.values.values()].map(({ dtype }) => dtype));
  assert.ok(types.has('s8') && types.has('s16'));
  const board = await quickBoard();
  await cliJson(['compile', 'auto.tflite', '--board', board, '--out', 'build'], { cwd });
  await cliJson(['flash', 'build'], { cwd });
  const evaluate = ['eval', 'build', '--data', 'npy:tx.npy,ty.npy'];
  const device = await cliJson<{ equal: number; accuracy: number }>(evaluate, { cwd });
  assert.deepEqual([device.equal, device.accuracy], [1, report.int8Accuracy]);
  const { stderr } = await cli(args, { cwd });
  assert.match(
    stderr,
    /^int16: \w+, \w+: accuracy [\d.]+ %, output [\d.]+ dB, arena [\d,]+, file/m,
  );
});

test('by default channels are balanced, and int8 is good enough', async () => {
  const args = ['quantize', 'spoilt.safetensors', ...data, ...testData];
  args.push('--max-drop', '2', '--auto', '--bias-correction=false');
  const report = await cliJson<Report>([...args, '--out', 'equal.tflite'], { cwd });
  assert.ok(report.equalized > 0);
  assert.deepEqual(report.promotions, []);
  assert.ok(report.int8Accuracy >= report.floatAccuracy - 0.02);
});

test('2: --auto without a budget, or with nothing to promote', async () => {
  assert.match((await cliFailure(quantize('--auto'), 2, { cwd })).hint, /--max-drop/);
  const wide = quantize('--auto', '--max-drop', '1', '--scheme', 'int16x8');
  await cliFailure(wide, 2, { cwd });
});

test('10: targets that are values count by their squared error', async () => {
  const values = Float32Array.from({ length: 30 * 3 }, (_, i) => ((i * 7) % 5) / 5);
  writeFileSync(at('tv.npy'), writeNpy({ dtype: 'f32', shape: [30, 3], data: values }));
  const args = [
    'quantize',
    'spoilt.safetensors',
    '--equalize=false',
    '--data',
    'npy:tx.npy,tv.npy',
  ];
  const told = await cliJson<Record<string, number | null>>([...args, '--out', 'v.tflite'], {
    cwd,
  });
  assert.deepEqual([told.floatAccuracy, told.int8Accuracy], [null, null]);
  assert.ok(told.floatMeanSquares! > 0 && told.int8MeanSquares! > 0);
  const rise = (100 * (told.int8MeanSquares! - told.floatMeanSquares!)) / told.floatMeanSquares!;
  assert.ok(Math.abs(rise) > 0.01);
  const error = await cliFailure([...args, '--max-drop', String(rise - 0.01)], 10, { cwd });
  assert.match(error.message, /mean squared error .* above float/);
  await cliJson([...args, '--max-drop', String(rise + 0.01), '--out', 'v.tflite'], { cwd });
});
