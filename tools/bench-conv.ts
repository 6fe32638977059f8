/**
 * From which kernel size on a convolution by the convolution theorem is faster than a direct one,
 * and for 3x3 kernels whether tiles with fewer multiplications are: times of both on one thread,
 * with their largest difference, and what host/engine/kernels/conv-path.ts chooses.
 *
 *     npm run bench:conv [-- size channels filters batch]
 *
 * A row is one op; its numbers are direct time / other time per kernel size, so that above 1 the
 * other way is faster; `*` marks the sizes for which the engine takes it. Below 3 stands `w` where
 * the other way is that of enn_f32_conv_winograd.h.
 */
import { type RandomKey, randomNormal } from '../host/core/random.js';
import { elements } from '../host/core/shape.js';
import { createEngine } from '../host/engine/engine.js';
import { convolution } from '../host/engine/kernels/conv-path.js';
import { buildGraph } from '../host/ir/build-graph.js';
import { type Graph, getValue, type ValueId } from '../host/ir/graph.js';

interface Shape {
  readonly size: number;
  readonly channels: number;
  readonly filters: number;
  readonly batch: number;
}

const ops = ['conv2d', 'conv2d_grad_input', 'conv2d_grad_weights'] as const;
type Op = (typeof ops)[number];

const kernels = [3, 5, 7, 9, 11, 13, 15, 17, 21, 25, 31];
const random: RandomKey = { seed: 1, purpose: 'test' };
const engine = await createEngine();

/** One op with padding 'same', its operands as inputs. */
function graphOf(op: Op, { size, channels, filters, batch }: Shape, kernel: number): Graph {
  const g = buildGraph({ name: op, stage: 'train' });
  const f32 = (...shape: number[]) => g.input({ shape, dtype: 'f32' });
  const image = [batch, size, size, channels];
  const half = Math.floor(kernel / 2);
  const window = { stride: [1, 1], pad: [half, half, half, half], dilation: [1, 1] } as const;
  const x = (): ValueId => f32(...image);
  const w = (): ValueId => f32(filters, kernel, kernel, channels);
  const dy = (): ValueId => f32(batch, size, size, filters);
  const add = {
    conv2d: () => g.add('conv2d', [x(), w()], window),
    conv2d_grad_input: () =>
      g.add('conv2dGradInput', [dy(), w()], { ...window, inputShape: image }),
    conv2d_grad_weights: () =>
      g.add('conv2dGradWeights', [x(), dy()], { ...window, kernel: [kernel, kernel] }),
  };
  return g.finish([add[op]()]);
}

/** Seconds of one run, and its result. */
function measure(graph: Graph, path: 'direct' | 'fft' | 'winograd') {
  process.env.EDGE_NN_CONV = path;
  const program = engine.compile(graph);
  graph.inputs.forEach((id, stream) => {
    const count = elements(getValue(graph, id).shape);
    const data = Float32Array.from({ length: count }, (_, i) =>
      randomNormal({ ...random, stream }, i),
    );
    program.write(id, data);
  });
  program.run();
  const result = program.read(graph.outputs[0]!) as Float32Array;
  const start = process.cpuUsage();
  const spent = (): number => process.cpuUsage(start).user / 1e6;
  let runs = 0;
  while (spent() < 0.05) {
    program.run();
    runs++;
  }
  const seconds = spent() / runs;
  program.dispose();
  return { seconds, result };
}

/** The largest difference, relative to the largest number. */
function difference(a: Float32Array, b: Float32Array): number {
  const most = a.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  return a.reduce((worst, v, i) => Math.max(worst, Math.abs(v - b[i]!)), 0) / most;
}

function isChosen(op: Op, { size, channels, filters, batch }: Shape, kernel: number): boolean {
  delete process.env.EDGE_NN_CONV;
  const half = Math.floor(kernel / 2);
  const [image, out] = [
    [batch, size, size, channels],
    [size, size, filters],
  ];
  const window = [...image, ...out, kernel, kernel, 1, 1, half, half, 1, 1];
  return convolution(op, window).kernel !== op;
}

/** The other way than the direct one. */
const otherWay = ({ channels, filters }: Shape, kernel: number) =>
  kernel === 3 && channels % 16 === 0 && filters % 16 === 0 ? 'winograd' : 'fft';

function row(op: Op, shape: Shape): string {
  let worst = 0;
  const cells = kernels
    .filter((kernel) => kernel <= shape.size)
    .map((kernel) => {
      const graph = graphOf(op, shape, kernel);
      const way = otherWay(shape, kernel);
      const [direct, other] = [measure(graph, 'direct'), measure(graph, way)];
      worst = Math.max(worst, difference(direct.result, other.result));
      const mark = `${isChosen(op, shape, kernel) ? '*' : ' '}${way === 'winograd' ? 'w' : ' '}`;
      return `${(direct.seconds / other.seconds).toFixed(2)}${mark}`.padStart(7);
    });
  const empty = ''.padStart(7 * (kernels.length - cells.length));
  return `${op.padEnd(20)}${cells.join('')}${empty}   ${worst.toExponential(1)}`;
}

const given = process.argv.slice(2).map(Number);
const [size, channels = 1, filters = 1, batch = 1] = given;
const shapes: readonly Shape[] =
  size === undefined
    ? [
        { size: 28, channels: 1, filters: 8, batch: 16 },
        { size: 32, channels: 16, filters: 16, batch: 16 },
        { size: 8, channels: 64, filters: 64, batch: 16 },
        { size: 64, channels: 8, filters: 8, batch: 4 },
        { size: 128, channels: 1, filters: 1, batch: 1 },
        { size: 224, channels: 3, filters: 16, batch: 1 },
      ]
    : [{ size, channels, filters, batch }];
console.log(
  `engine ${engine.name} (${engine.variant}); direct time / FFT time (w: Winograd); * chosen`,
);
for (const shape of shapes) {
  const { size: n, channels: c, filters: f, batch: b } = shape;
  const title = `${b} x ${n} x ${n} x ${c} to ${f}`.padEnd(20);
  console.log(`${title}${kernels.map((k) => String(k).padStart(6)).join(' ')}   difference`);
  for (const op of ops) console.log(row(op, shape));
}
