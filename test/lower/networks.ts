/**
 * Small int8 networks with random weights and plausible scales, for the tests of lowering and
 * emission.
 */
import { randomInt } from '../../host/core/random.js';
import { elements, type Padding2d, type Pair, samePadding } from '../../host/core/shape.js';
import { buildGraph } from '../../host/ir/build-graph.js';
import type { Graph, Quantization, ValueId } from '../../host/ir/graph.js';

/** Integers in [low, high], one stream per seed. */
export function randomIntegers(seed: number): (low: number, high: number) => number {
  let index = 0;
  return (low, high) => low + randomInt({ seed, purpose: 'test' }, index++, high - low + 1);
}

/** Bytes of one inference's inputs. */
export function randomInputs(graph: Graph, seed: number): Int8Array[] {
  const next = randomIntegers(seed);
  return graph.inputs.map((id) =>
    Int8Array.from({ length: elements(graph.values.get(id)!.shape) }, () => next(-128, 127)),
  );
}

export interface ConvOptions {
  readonly kernel?: Pair;
  readonly stride?: Pair;
  readonly dilation?: Pair;
  /** Explicit, `same` or none. */
  readonly pad?: Padding2d | 'same';
  readonly bias?: boolean;
  readonly perAxis?: boolean;
  /** Clamp to [zero point, 127]. */
  readonly relu?: boolean;
  /** Clamp to these real numbers, as relu6 does. */
  readonly bounds?: Pair;
  /** With the weights of the layer that computes this value, of the same shape. */
  readonly weightsOf?: ValueId;
}

/** An int8 graph under construction. */
export function network(name: string, seed: number) {
  const b = buildGraph({ name, stage: 'int8' });
  const next = randomIntegers(seed);

  const quant = (): Quantization => ({
    scheme: 'tflite',
    scale: Float32Array.of(next(200, 1000) / 10000),
    zeroPoint: Int32Array.of(next(-128, 127)),
  });
  const quantOf = (id: ValueId): Quantization => b.values.get(id)!.quant!;
  const shapeOf = (id: ValueId): readonly number[] => b.values.get(id)!.shape;

  /** Weights of which one output sums `count`, scaled so that outputs fill the int8 range. */
  function weights(shape: readonly number[], axis: number | undefined, count: number) {
    return (x: ValueId, out: Quantization) => {
      const typical = (40 * out.scale[0]!) / (quantOf(x).scale[0]! * Math.sqrt(count) * 73 * 73);
      const scales = Float32Array.from(
        { length: axis === undefined ? 1 : shape[axis]! },
        () => (typical * next(50, 200)) / 100,
      );
      const zeroPoint = new Int32Array(scales.length);
      const data = Int8Array.from({ length: elements(shape) }, () => next(-127, 127));
      return b.constant({ shape, dtype: 's8' }, data, {
        id: 'w',
        quant: { scheme: 'tflite', scale: scales, zeroPoint, ...(axis !== undefined && { axis }) },
      });
    };
  }

  function bias(channels: number): ValueId {
    const data = Int32Array.from({ length: channels }, () => next(-20000, 20000));
    return b.constant({ shape: [channels], dtype: 's32' }, data, { id: 'b' });
  }

  /** Weights by the values that are computed with them. */
  const used = new Map<ValueId, ValueId>();

  function clamp(out: Quantization, relu: boolean | undefined, bounds?: Pair) {
    const zero = out.zeroPoint[0]!;
    const integer = (real: number) =>
      Math.min(Math.max(zero + Math.round(real / out.scale[0]!), -128), 127);
    const given: Pair = bounds ? [integer(bounds[0]), integer(bounds[1])] : [-128, 127];
    return { clamp: relu ? ([zero, 127] as const) : given };
  }

  function windowAttrs(x: ValueId, options: ConvOptions, size: Pair) {
    const [, h, w] = shapeOf(x) as [number, number, number];
    const { stride = [1, 1], dilation = [1, 1] } = options;
    const pad: Padding2d =
      options.pad === 'same'
        ? [
            ...samePadding(h, size[0], stride[0], dilation[0]),
            ...samePadding(w, size[1], stride[1], dilation[1]),
          ]
        : (options.pad ?? [0, 0, 0, 0]);
    return { stride, pad, dilation };
  }

  return {
    builder: b,
    quantOf,
    shapeOf,
    input: (shape: readonly number[]): ValueId =>
      b.input({ shape: [1, ...shape], dtype: 's8' }, { quant: quant() }),
    /** A constant of the type of an activation. */
    constant(shape: readonly number[]): ValueId {
      const data = Int8Array.from({ length: elements(shape) }, () => next(-128, 127));
      return b.constant({ shape, dtype: 's8' }, data, { quant: quant() });
    },
    conv(x: ValueId, outC: number, options: ConvOptions = {}): ValueId {
      const size = options.kernel ?? [3, 3];
      const inC = shapeOf(x)[3]!;
      const out = quant();
      const axis = options.perAxis === false ? undefined : 0;
      const w =
        used.get(options.weightsOf ?? '') ??
        weights([outC, ...size, inC], axis, size[0] * size[1] * inC)(x, out);
      const inputs = options.bias === false ? [x, w] : [x, w, bias(outC)];
      const attrs = {
        ...windowAttrs(x, options, size),
        ...clamp(out, options.relu, options.bounds),
      };
      const y = b.add('conv2d', inputs, attrs, { quant: out });
      used.set(y, w);
      return y;
    },
    depthwise(x: ValueId, multiplier: number, options: ConvOptions = {}): ValueId {
      const size = options.kernel ?? [3, 3];
      const outC = shapeOf(x)[3]! * multiplier;
      const out = quant();
      const axis = options.perAxis === false ? undefined : 3;
      const w = weights([1, ...size, outC], axis, size[0] * size[1])(x, out);
      const inputs = options.bias === false ? [x, w] : [x, w, bias(outC)];
      const attrs = {
        ...windowAttrs(x, options, size),
        ...clamp(out, options.relu, options.bounds),
      };
      return b.add('depthwiseConv2d', inputs, attrs, { quant: out });
    },
    dense(x: ValueId, outputs: number, options: ConvOptions = {}): ValueId {
      const inputs = shapeOf(x)[1]!;
      const out = quant();
      const axis = options.perAxis ? 0 : undefined;
      const w = weights([outputs, inputs], axis, inputs)(x, out);
      const operands = options.bias === false ? [x, w] : [x, w, bias(outputs)];
      return b.add('dense', operands, clamp(out, options.relu), { quant: out });
    },
    pool(op: 'maxPool2d' | 'avgPool2d', x: ValueId, size: Pair, options: ConvOptions = {}) {
      const { stride, pad } = windowAttrs(x, { stride: size, ...options }, size);
      const attrs = { size, stride, pad, ...clamp(quantOf(x), options.relu, options.bounds) };
      return b.add(op, [x], attrs, { quant: quantOf(x) });
    },
    mean: (x: ValueId, axes: readonly number[], keepDims = false): ValueId =>
      b.add('mean', [x], { axes, keepDims }, { quant: quant() }),
    binary(op: 'add' | 'mul', left: ValueId, right: ValueId, relu = false): ValueId {
      const out = quant();
      return b.add(op, [left, right], clamp(out, relu), { quant: out });
    },
    concat(inputs: readonly ValueId[], axis: number): ValueId {
      const out = quantOf(inputs[0]!);
      return b.add('concat', inputs, { axis, ...clamp(out, false) }, { quant: out });
    },
    /** With `rescale`, the output gets another scale than the input. */
    activation: (op: 'relu' | 'relu6' | 'requantize', x: ValueId, rescale = false): ValueId =>
      b.add(op, [x], {}, { quant: rescale ? quant() : quantOf(x) }),
    softmax: (x: ValueId): ValueId =>
      b.add(
        'softmax',
        [x],
        {},
        {
          quant: {
            scheme: 'tflite',
            scale: Float32Array.of(1 / 256),
            zeroPoint: Int32Array.of(-128),
          },
        },
      ),
    reshape: (x: ValueId, shape: readonly number[]): ValueId =>
      b.add('reshape', [x], { shape }, { quant: quantOf(x) }),
    flatten(x: ValueId): ValueId {
      return b.add('reshape', [x], { shape: [elements(shapeOf(x))] }, { quant: quantOf(x) });
    },
    pad: (x: ValueId, padding: readonly number[]): ValueId =>
      b.add('pad', [x], { padding }, { quant: quantOf(x) }),
    finish: (...outputs: ValueId[]): Graph => b.finish(outputs),
  };
}

export function lenetLike(seed: number): Graph {
  const n = network('lenet', seed);
  let x = n.input([12, 12, 1]);
  x = n.pool('maxPool2d', n.conv(x, 4, { kernel: [5, 5], pad: 'same', relu: true }), [2, 2]);
  x = n.pool('maxPool2d', n.conv(x, 6, { relu: true, bias: false }), [2, 2]);
  x = n.activation('relu', n.dense(n.flatten(x), 20));
  return n.finish(n.dense(x, 10, { perAxis: true }));
}

function residual(seed: number): Graph {
  const n = network('residual', seed);
  const x = n.conv(n.input([9, 7, 3]), 8, { pad: 'same', relu: true });
  const branch = n.conv(n.conv(x, 8, { pad: 'same', relu: true }), 8, { pad: 'same' });
  const sum = n.binary('add', x, branch, true);
  const down = n.conv(sum, 12, { stride: [2, 2], pad: 'same' });
  const short = n.conv(sum, 12, { kernel: [1, 1], stride: [2, 2], perAxis: false });
  const y = n.activation('relu6', n.binary('add', down, short));
  return n.finish(n.dense(n.flatten(n.pool('avgPool2d', y, [2, 2])), 5), y);
}

function separable(seed: number): Graph {
  const n = network('separable', seed);
  let x = n.pad(n.input([10, 11, 2]), [0, 0, 1, 2, 2, 1, 0, 0]);
  x = n.conv(x, 5, { stride: [2, 2], relu: true });
  x = n.depthwise(x, 2, { pad: 'same', relu: true });
  x = n.conv(x, 7, { kernel: [1, 1] });
  x = n.depthwise(x, 1, { dilation: [2, 2], pad: 'same', bias: false });
  x = n.activation('relu6', x);
  const gate = n.reshape(n.conv(n.mean(x, [1, 2], true), 7, { kernel: [1, 1] }), [1, 1, 7]);
  x = n.mean(n.binary('mul', x, gate), [1, 2]);
  return n.finish(n.softmax(n.dense(x, 6)));
}

function branches(seed: number): Graph {
  const n = network('branches', seed);
  const x = n.input([8, 8, 3]);
  const y = n.input([8, 8, 2]);
  const a = n.conv(x, 4, { pad: 'same' });
  const b = n.pool('avgPool2d', x, [3, 3], { stride: [1, 1], pad: 'same' });
  const c = n.activation(
    'requantize',
    n.pool('maxPool2d', y, [3, 3], { stride: [1, 1], pad: 'same' }),
    true,
  );
  const all = n.activation('relu', n.concat([a, b, c], -1));
  const shifted = n.binary('add', all, n.constant([9]));
  const rows = n.concat([shifted, all], 1);
  return n.finish(n.activation('requantize', rows, true), n.reshape(a, [4, 64]));
}

function standalone(seed: number): Graph {
  const n = network('standalone', seed);
  const x = n.input([5, 4, 3]);
  const padded = n.pad(x, [0, 0, 2, 1, 0, 3, 1, 1]);
  const clipped = n.activation('relu', padded, true);
  const low = n.activation('relu6', clipped, true);
  const same = n.activation('requantize', low);
  const pooled = n.pool('maxPool2d', n.pad(same, [0, 0, 1, 1, 1, 1, 0, 0]), [2, 2]);
  return n.finish(n.mean(pooled, [1, 3]), padded, n.softmax(pooled), same);
}

/** Every op that reaches a device, and every shape class of its kernel. */
function everything(seed: number): Graph {
  const n = network('everything', seed);
  const x = n.input([6, 6, 2]);
  const conv = n.conv(n.pad(x, [0, 0, 0, 0, 0, 0, 1, 0]), 4, { pad: 'same', dilation: [1, 2] });
  const depthwise = n.depthwise(x, 2, { pad: 'same', bias: false });
  const sum = n.activation('requantize', n.binary('add', conv, depthwise), true);
  const both = n.concat([sum, conv], 3);
  const max = n.pool('maxPool2d', n.activation('relu', both, true), [2, 2]);
  const average = n.pool('avgPool2d', n.activation('relu6', both, true), [2, 2], {
    pad: [1, 0, 0, 1],
  });
  const scaled = n.binary('mul', max, n.mean(max, [1, 2], true));
  const flat = n.concat([n.flatten(scaled), n.flatten(average)], 1);
  const hidden = n.dense(flat, 6, { relu: true });
  return n.finish(n.softmax(n.dense(hidden, 4, { perAxis: true, bias: false })), average);
}

type Network = ReturnType<typeof network>;
type Grow = (
  n: Network,
  pick: () => ValueId,
  next: (low: number, high: number) => number,
) => ValueId;

/** Ways to add a layer to a graph of [1, H, W, C] values. */
const growths: readonly Grow[] = [
  (n, pick, next) =>
    n.conv(pick(), next(1, 5), {
      kernel: [next(1, 3), next(1, 3)],
      stride: [next(1, 2), next(1, 2)],
      pad: 'same',
      relu: next(0, 1) === 1,
      bias: next(0, 1) === 1,
      perAxis: next(0, 1) === 1,
    }),
  (n, pick, next) =>
    n.depthwise(pick(), next(1, 2), { dilation: [next(1, 2), next(1, 2)], pad: 'same' }),
  (n, pick, next) => n.pad(pick(), [0, 0, next(0, 2), next(0, 1), next(0, 1), next(0, 2), 0, 0]),
  (n, pick, next) => n.pool('maxPool2d', pick(), [2, 2], { pad: 'same', relu: next(0, 1) === 1 }),
  (n, pick) => n.pool('avgPool2d', pick(), [2, 3], { stride: [1, 1], pad: 'same' }),
  (n, pick, next) => n.activation('relu', pick(), next(0, 2) === 0),
  (n, pick, next) => n.activation('relu6', pick(), next(0, 2) === 0),
  (n, pick, next) => n.activation('requantize', pick(), next(0, 2) === 0),
  (n, pick) => {
    const x = pick();
    return n.binary('add', x, n.conv(x, n.shapeOf(x)[3]!, { kernel: [1, 1] }));
  },
  (n, pick) => {
    const x = pick();
    return n.binary('mul', n.mean(x, [1, 2], true), x);
  },
  (n, pick) => {
    const x = pick();
    return n.concat([x, n.depthwise(x, 1, { pad: 'same' }), x], 3);
  },
  (n, pick) => {
    const x = pick();
    const [, h, w, c] = n.shapeOf(x) as [number, number, number, number];
    return n.reshape(x, [w, h, c]);
  },
];

/** A graph of random layers that branches and has several outputs. */
export function randomNetwork(seed: number): Graph {
  const n = network(`random${seed}`, seed);
  const next = randomIntegers(seed + 1000);
  const values = [n.input([next(3, 7), next(3, 7), next(1, 4)])];
  // Mostly the newest value, so that graphs grow deep.
  const pick = () => values[next(0, 2) > 0 ? values.length - 1 : next(0, values.length - 1)]!;
  for (let layers = next(3, 8); layers > 0; layers--) {
    values.push(growths[next(0, growths.length - 1)]!(n, pick, next));
  }
  return n.finish(values.at(-1)!, pick());
}

/** All of them, by name. */
export const networks: Readonly<Record<string, (seed: number) => Graph>> = {
  lenet: lenetLike,
  residual,
  separable,
  branches,
  standalone,
  everything,
};
