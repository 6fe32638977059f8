/**
 * The float kernels outside WebAssembly: they compile without a warning for this machine and for
 * Arm, run clean under the sanitizers, and give the bytes of the WASM engine; those for NEON, in an
 * emulator, the bytes of its module that multiplies and adds at once.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytesOf } from '../../host/core/dtype.js';
import { packageFile } from '../../host/core/package.js';
import { randomBits } from '../../host/core/random.js';
import { elements } from '../../host/core/shape.js';
import { hasFusedMultiplyAdd } from '../../host/engine/cpu/wasm-fma.js';
import { createEngine } from '../../host/engine/engine.js';
import { convolution } from '../../host/engine/kernels/conv-path.js';
import { fftParams } from '../../host/engine/kernels/fft-tables.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import { getValue, type ValueId } from '../../host/ir/graph.js';

const strict = ['-std=c11', '-Wall', '-Wextra', '-Wconversion', '-Werror', '-ffp-contract=off'];
const include = `-I${packageFile('kernels', 'c')}`;
const source = packageFile('test', 'kernels', 'fixtures', 'f32-host.c');

const has = (tool: string): boolean => spawnSync(tool, ['--version']).status === 0;

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}\n${stderr}`);
  return stdout;
}

const draw = (seed: number, n: number): Float32Array =>
  Float32Array.from(
    { length: n },
    (_, i) => (randomBits({ seed, purpose: 'dropout' }, i) >>> 8) / 4194304 - 2,
  );

function fnv(bytes: Uint8Array): string {
  let hash = 2166136261;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 16777619) >>> 0;
  return hash.toString(16).padStart(8, '0');
}

/** The tables of the fixture's transforms, as a header. */
function tables(): string {
  const window = [9, 7, 8, 5, 4, 8, 11, 3, 3, 2, 1, 1, 1, 1, 1];
  const { params } = withPath('fft', () => convolution('conv2d', window));
  const words = {
    fft_words: fftParams(9, 140, false),
    chirp_words: fftParams(1, 137, false),
    conv_words: params,
  };
  return Object.entries(words)
    .map(([name, list]) => `static const int32_t ${name}[] = {${list.join(', ')}};\n`)
    .join('');
}

/** Runs something with EDGE_NN_CONV set. */
function withPath<T>(path: string, run: () => T): T {
  process.env.EDGE_NN_CONV = path;
  try {
    return run();
  } finally {
    delete process.env.EDGE_NN_CONV;
  }
}

/** The fixture's calls as a graph, by the names that it prints. */
function sameCalls() {
  const g = buildGraph({ name: 'g', stage: 'train' });
  const f32 = (...shape: number[]) => ({ shape, dtype: 'f32' }) as const;
  const shapes = [f32(9, 7, 8, 5), f32(11, 3, 3, 5), f32(11), f32(9, 4, 8, 11)];
  const [x, w, b, dy] = shapes.map((type) => g.input(type)) as [ValueId, ValueId, ValueId, ValueId];
  const part = f32(9, 4, 8, 5);
  const [dyPool, wDepthwise, bDepthwise] = [
    g.input(part),
    g.input(f32(1, 3, 3, 5)),
    g.input(f32(5)),
  ];
  const key = g.input({ shape: [3], dtype: 's32' });
  const window = { stride: [2, 1], pad: [1, 1, 1, 1], dilation: [1, 1] } as const;
  const pool = { size: [3, 3], stride: [2, 1], pad: [1, 1, 1, 1] } as const;
  const inputShape = [9, 7, 8, 5];
  const rows = g.add('reshape', [x], { shape: [280] });
  const first = g.add('slice', [rows], { begin: [0, 0], size: [9, 274] });
  const odd = g.add('reshape', [first], { shape: [137, 2] });
  const tileShapes = [f32(9, 7, 9, 16), f32(32, 3, 3, 16), f32(32), f32(9, 8, 7, 32)];
  const [xTiles, wTiles, bTiles, dyTiles] = tileShapes.map((type) => g.input(type)) as [
    ValueId,
    ValueId,
    ValueId,
    ValueId,
  ];
  const tiles = { stride: [1, 1], pad: [2, 1, 0, 0], dilation: [1, 1] } as const;
  const names: Readonly<Record<string, ValueId>> = {
    conv2d: g.add('conv2d', [x, w, b], window),
    conv2dGradInput: g.add('conv2dGradInput', [dy, w], { ...window, inputShape }),
    conv2dGradWeights: g.add('conv2dGradWeights', [x, dy], { ...window, kernel: [3, 3] }),
    maxPool2dGrad: g.add('maxPool2dGrad', [x, dyPool], pool),
    depthwiseConv2d: g.add('depthwiseConv2d', [x, wDepthwise, bDepthwise], window),
    depthwiseConv2dGradInput: g.add('depthwiseConv2dGradInput', [dyPool, wDepthwise], {
      ...window,
      inputShape,
    }),
    depthwiseConv2dGradWeights: g.add('depthwiseConv2dGradWeights', [x, dyPool], {
      ...window,
      kernel: [3, 3],
    }),
    dropoutMask: g.add('dropoutMask', [x, key], { rate: 0.25, stream: 5 }),
    tanh: g.add('tanh', [x], {}),
    elu: g.add('elu', [x], { alpha: 0.5 }),
    softplus: g.add('softplus', [x], {}),
    softmax: g.add('softmax', [x], {}),
    variance: g.add('variance', [x], { axes: [0, 1, 2], keepDims: false }),
    gelu: g.add('gelu', [x], {}),
    truncate: g.add('truncate', [x], {}),
    max: g.add('max', [x], { axes: [0, 1, 2], keepDims: false }),
    argMin: g.add('argMin', [x], { axis: 1 }),
    softCrossEntropy: g.add('softCrossEntropy', [rows, rows], {}),
    fft: g.add('fft', [g.add('reshape', [x], { shape: [140, 2] })], { inverse: false }),
    'fft of a prime length': g.add('fft', [odd], { inverse: false }),
    'conv2d by fft': g.add('conv2d', [x, w, b], window),
    'conv2dGradInput by fft': g.add('conv2dGradInput', [dy, w], { ...window, inputShape }),
    'conv2dGradWeights by fft': g.add('conv2dGradWeights', [x, dy], { ...window, kernel: [3, 3] }),
    'conv2d by tiles': g.add('conv2d', [xTiles, wTiles, bTiles], tiles),
    'conv2dGradInput by tiles': g.add('conv2dGradInput', [dyTiles, wTiles], {
      ...tiles,
      inputShape: [9, 7, 9, 16],
    }),
    'conv2dGradWeights by tiles': g.add('conv2dGradWeights', [xTiles, dyTiles], {
      ...tiles,
      kernel: [3, 3],
    }),
  };
  const seeds = new Map([
    [x, 1],
    [w, 2],
    [b, 3],
    [dy, 4],
    [dyPool, 4],
    [wDepthwise, 2],
    [bDepthwise, 3],
    [xTiles, 1],
    [wTiles, 2],
    [bTiles, 3],
    [dyTiles, 4],
  ]);
  return { graph: g.finish(Object.values(names)), names, seeds, key };
}

/** What the engine computes, as the fixture prints it. */
async function expectedLines(variant: string): Promise<string[]> {
  const { graph, names, seeds, key } = sameCalls();
  const engine = await createEngine('wasm', { variant });
  const [direct, fft, winograd] = ['direct', 'fft', 'winograd'].map((path) => {
    const program = withPath(path, () => engine.compile(graph));
    for (const [id, seed] of seeds) {
      program.write(id, draw(seed, elements(getValue(graph, id).shape)));
    }
    program.write(key, Int32Array.of(1, 2, 3));
    program.run();
    return program;
  });
  return Object.entries(names).map(([name, id]) => {
    const way = / by (fft|tiles)$/.exec(name)?.[1];
    const program = way === undefined ? direct! : way === 'fft' ? fft! : winograd!;
    return `${name} ${fnv(bytesOf(program.read(id)))}`;
  });
}

/** What the fixture prints, built by a compiler and run, maybe in an emulator. */
function fixtureLines(
  compiler: string,
  flags: readonly string[],
  emulator: readonly string[] = [],
) {
  const dir = mkdtempSync(join(tmpdir(), 'edge-nn-'));
  try {
    const out = join(dir, 'f32');
    writeFileSync(join(dir, 'f32-tables.h'), tables());
    run(compiler, [...strict, '-O2', ...flags, include, `-I${dir}`, source, '-o', out]);
    const [command, ...args] = [...emulator, out];
    return run(command!, args).trim().split('\n');
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test('the host build gives the bytes of the WASM engine, clean under the sanitizers', async (t) => {
  if (!has('cc')) return t.skip('no C compiler here');
  const sanitize = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
  assert.deepEqual(fixtureLines('cc', sanitize), await expectedLines('simd128'));
});

test('with NEON the kernels give the bytes of the WASM module with fused products', async (t) => {
  if (!has('aarch64-linux-gnu-gcc')) return t.skip('no aarch64-linux-gnu-gcc here');
  if (!has('qemu-aarch64')) return t.skip('no qemu-aarch64 here (Debian: apt install qemu-user)');
  if (!hasFusedMultiplyAdd()) return t.skip('this processor or runtime has no relaxed SIMD');
  const found = fixtureLines('aarch64-linux-gnu-gcc', ['-static'], ['qemu-aarch64']);
  assert.deepEqual(found, await expectedLines('relaxed'));
});

test('the kernels compile for Armv7E-M without a warning', (t) => {
  if (!has('arm-none-eabi-gcc')) return t.skip('no arm-none-eabi-gcc here');
  const cpu = ['-mcpu=cortex-m4', '-mthumb', '-mfloat-abi=hard', '-mfpu=fpv4-sp-d16'];
  const dir = mkdtempSync(join(tmpdir(), 'edge-nn-'));
  try {
    writeFileSync(join(dir, 'f32-tables.h'), tables());
    const paths = [include, `-I${dir}`];
    run('arm-none-eabi-gcc', [...strict, ...cpu, '-O2', ...paths, '-fsyntax-only', source]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
