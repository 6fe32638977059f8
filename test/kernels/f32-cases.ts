/**
 * Random cases for the float kernels, one maker per op of the op table: an op without a maker does
 * not compile. A maker draws one case from a seeded source.
 */
import { samePadding, windowLength } from '../../host/core/shape.js';
import type { OpAttrs, OpName } from '../../host/ir/ops.js';
import type { Operand, Source } from './f32-source.js';

export interface Case<O extends OpName = OpName> {
  readonly inputs: readonly Operand[];
  readonly attrs: OpAttrs<O>;
}

type Maker<O extends OpName> = (s: Source) => Case<O>;
type Quad = readonly [number, number, number, number];

const shape = (s: Source, rank = s.int(1, 4)): number[] =>
  Array.from({ length: rank }, () => s.int(1, 6));

const one = (fill: Operand['fill'] = 'normal') =>
  ((s: Source) => ({
    inputs: [{ shape: shape(s), fill }],
    attrs: {},
  })) as Maker<never>;

const two = (attrs: object = {}) =>
  ((s: Source) => {
    const both = shape(s);
    return { inputs: [{ shape: both }, { shape: both }], attrs };
  }) as Maker<never>;

function broadcasting(s: Source): { inputs: Operand[]; attrs: object } {
  const full = shape(s);
  const thin = (): number[] =>
    full.slice(s.pick(0, 0, s.int(0, full.length))).map((d) => s.pick(d, d, 1));
  const inputs = [{ shape: s.pick(full, thin()) }, { shape: s.pick(full, thin()) }];
  return { inputs: s.pick(inputs, [{ shape: full }, inputs[1]!]), attrs: {} };
}

/** Kernel, stride, dilation and padding that leave at least one output. */
function window(s: Source, options: { readonly dilated: boolean }) {
  const axis = () => {
    const kernel = s.pick(1, 2, 3, 3, 5);
    const stride = s.int(1, 3);
    const dilation = options.dilated ? s.pick(1, 1, 2, 3) : 1;
    const size = s.int(1, 12);
    const reach = (kernel - 1) * dilation;
    const same = samePadding(size, kernel, stride, dilation);
    const most = kernel - 1;
    const pad = s.pick(same, [0, 0] as const, [s.int(0, most), s.int(0, most)] as const);
    const fits = windowLength(size, kernel, stride, pad[0] + pad[1], dilation) >= 1;
    return { kernel, stride, dilation, pad, size: fits ? size : size + reach };
  };
  const [h, w] = [axis(), axis()];
  const batch = s.pick(1, 2, 3, 9, 17);
  return {
    batch,
    size: [h.size, w.size] as const,
    kernel: [h.kernel, w.kernel] as const,
    out: [h, w].map((a) =>
      windowLength(a.size, a.kernel, a.stride, a.pad[0] + a.pad[1], a.dilation),
    ) as [number, number],
    stride: [h.stride, w.stride] as const,
    pad: [...h.pad, ...w.pad] as unknown as Quad,
    dilation: [h.dilation, w.dilation] as const,
  };
}

const channels = (s: Source): number => s.pick(1, 2, 3, 4, 6, 8, 9, 12, 17);

function convCase(s: Source) {
  const { batch, size, kernel, out, stride, pad, dilation } = window(s, { dilated: true });
  const [inC, outC] = [channels(s), channels(s)];
  return {
    x: { shape: [batch, ...size, inC] },
    y: { shape: [batch, ...out, outC] },
    w: { shape: [outC, ...kernel, inC] },
    b: { shape: [outC] },
    attrs: { stride, pad, dilation },
    kernel,
  };
}

function depthwiseCase(s: Source) {
  const { batch, size, kernel, out, stride, pad, dilation } = window(s, { dilated: true });
  const inC = channels(s);
  const outC = inC * s.pick(1, 1, 2, 3);
  return {
    x: { shape: [batch, ...size, inC] },
    y: { shape: [batch, ...out, outC] },
    w: { shape: [1, ...kernel, outC] },
    b: { shape: [outC] },
    attrs: { stride, pad, dilation },
    kernel,
  };
}

function poolCase(s: Source) {
  const { batch, size, kernel, out, stride, pad } = window(s, { dilated: false });
  const c = channels(s);
  return {
    // Few different values, so that maxima tie.
    x: { shape: [batch, ...size, c], fill: 'ties' },
    y: { shape: [batch, ...out, c] },
    attrs: { size: kernel, stride, pad },
  } as const;
}

function reduction(s: Source) {
  const x = shape(s);
  const axes = x.map((_, i) => i).filter(() => s.pick(true, false));
  const some = axes.length > 0 ? axes : [x.length - 1];
  const named = some.map((axis) => s.pick(axis, axis - x.length));
  return {
    inputs: [{ shape: x.with(0, s.pick(1, 3, 8, 21)) }],
    attrs: { axes: named, keepDims: s.pick(true, false) },
  };
}

function overAxis(s: Source) {
  const x = shape(s);
  const axis = s.int(0, x.length - 1);
  const inputs = [{ shape: x, fill: s.pick('ties', 'normal') }];
  return { inputs, attrs: { axis: s.pick(axis, axis - x.length) } };
}

/** An element-by-element op with one float attribute. */
const withAttr = <O extends OpName>(name: string, inputs: 1 | 2, value: number): Maker<O> => {
  const maker = (s: Source) => {
    const all = shape(s);
    return {
      inputs: Array.from({ length: inputs }, () => ({ shape: all })),
      attrs: { [name]: value },
    };
  };
  return maker as unknown as Maker<O>;
};

const rows = (s: Source): number[] => [s.pick(1, 3, 8, 19), s.int(1, 13)];

function elementLoss(s: Source) {
  const both = shape(s);
  return { inputs: [{ shape: both }, { shape: both, fill: 'unit' as const }], attrs: {} };
}

/** x or ties of it, one scale or one per index of an axis, limits, and dy where it is a gradient. */
const fake =
  (gradient: boolean) =>
  (s: Source): Case<'fakeQuantize'> => {
    const x: Operand = { shape: shape(s), fill: s.pick('normal', 'ties') };
    const axis = s.pick(undefined, s.int(0, x.shape.length - 1));
    const scale: Operand = {
      shape: axis === undefined ? [] : [x.shape[axis]!],
      fill: 'positive',
    };
    const inputs: Operand[] = [x, scale, { shape: [2], fill: 'limits' }];
    if (gradient) inputs.push({ shape: x.shape });
    return { inputs, attrs: axis === undefined ? {} : { axis } };
  };

/** One maker per op; `null` for ops that exist in integer graphs only. */
export const makers = {
  conv2d: (s) => {
    const { x, w, b, attrs } = convCase(s);
    return { inputs: s.pick([x, w, b], [x, w]), attrs };
  },
  depthwiseConv2d: (s) => {
    const { x, w, b, attrs } = depthwiseCase(s);
    return { inputs: s.pick([x, w, b], [x, w]), attrs };
  },
  dense: (s) => {
    const [n, i, o] = [s.int(1, 19), s.int(1, 33), s.int(1, 25)];
    const inputs = [{ shape: [n, i] }, { shape: [o, i] }, { shape: [o] }];
    return { inputs: s.pick(inputs, inputs.slice(0, 2)), attrs: {} };
  },
  batchNorm: (s) => {
    const x = shape(s);
    const channel = { shape: [x.at(-1)!] };
    const variance = { ...channel, fill: 'positive' as const };
    const epsilon = 1e-3;
    return { inputs: [{ shape: x }, channel, channel, channel, variance], attrs: { epsilon } };
  },
  maxPool2d: (s) => {
    const { x, attrs } = poolCase(s);
    return { inputs: [x], attrs };
  },
  avgPool2d: (s) => {
    const { x, attrs } = poolCase(s);
    return { inputs: [x], attrs };
  },
  mean: reduction,
  sum: reduction,
  variance: reduction,
  add: broadcasting as Maker<'add'>,
  sub: broadcasting as Maker<'sub'>,
  mul: broadcasting as Maker<'mul'>,
  div: ((s) => {
    const { inputs, attrs } = broadcasting(s);
    return { inputs: [inputs[0]!, { ...inputs[1]!, fill: 'positive' }], attrs };
  }) as Maker<'div'>,
  scale: withAttr('factor', 1, -0.375),
  rsqrt: (s) => ({ inputs: [{ shape: shape(s), fill: 'positive' }], attrs: { epsilon: 1e-3 } }),
  relu: one(),
  relu6: one(),
  leakyRelu: withAttr('alpha', 1, 0.2),
  elu: withAttr('alpha', 1, 0.7),
  selu: one(),
  sigmoid: one(),
  tanh: one(),
  softplus: one(),
  softsign: one(),
  softmax: one(),
  reshape: (s) => {
    const [n, a, b] = [s.int(1, 5), s.int(1, 6), s.int(1, 6)];
    return { inputs: [{ shape: [n, a, b] }], attrs: { shape: [b * a] } };
  },
  concat: (s) => {
    const first = shape(s);
    const axis = s.int(0, first.length - 1);
    const others = Array.from({ length: s.int(0, 3) }, () => first.with(axis, s.int(1, 5)));
    const inputs = [first, ...others].map((dims) => ({ shape: dims }));
    return { inputs, attrs: { axis: s.pick(axis, axis - first.length) } };
  },
  pad: (s) => {
    const x = shape(s);
    return {
      inputs: [{ shape: x }],
      attrs: { padding: x.flatMap(() => [s.int(0, 2), s.int(0, 2)]) },
    };
  },
  slice: (s) => {
    const x = shape(s);
    const begin = x.map((d) => s.int(0, d - 1));
    const size = x.map((d, i) => s.pick(-1, s.int(1, d - begin[i]!)));
    return { inputs: [{ shape: x }], attrs: { begin, size } };
  },
  broadcastTo: (s) => {
    const full = shape(s);
    const from = full.slice(s.int(0, full.length)).map((d) => s.pick(d, 1));
    return { inputs: [{ shape: from }], attrs: { shape: full } };
  },
  requantize: null,
  dropout: withAttr('rate', 1, 0.5),
  dropoutMask: (s) => ({
    inputs: [{ shape: shape(s) }, { shape: [3], fill: 'key' }],
    attrs: { rate: s.pick(0, 0.25, 0.5), stream: s.int(0, 3) },
  }),
  softmaxCrossEntropy: (s) => {
    const x = rows(s);
    return { inputs: [{ shape: x }, { shape: [x[0]!], fill: { classes: x[1]! } }], attrs: {} };
  },
  softCrossEntropy: (s) => {
    const x = rows(s);
    return { inputs: [{ shape: x }, { shape: x, fill: 'unit' }], attrs: {} };
  },
  softCrossEntropyGrad: (s) => {
    const x = rows(s);
    return { inputs: [{ shape: x }, { shape: x, fill: 'unit' }, { shape: [] }], attrs: {} };
  },
  sigmoidCrossEntropy: elementLoss,
  meanSquares: elementLoss,
  sumSquares: elementLoss,
  matmul: (s) => {
    const [m, k, n] = [s.int(1, 19), s.int(1, 33), s.int(1, 25)];
    const outer = s.pick([], [], [s.int(1, 4)], [2, s.int(1, 3)]);
    const attrs = { transposeA: s.pick(true, false), transposeB: s.pick(true, false) };
    const a = { shape: [...outer, ...(attrs.transposeA ? [k, m] : [m, k])] };
    const b = { shape: [...outer, ...(attrs.transposeB ? [n, k] : [k, n])] };
    return { inputs: [a, b], attrs };
  },
  max: reduction,
  min: reduction,
  argMax: overAxis as Maker<'argMax'>,
  argMin: overAxis as Maker<'argMin'>,
  transpose: (s) => {
    const x = shape(s);
    const order = x.map((_, i) => [s.int(0, 99), i] as const).sort(([a], [b]) => a - b);
    return { inputs: [{ shape: x }], attrs: { perm: order.map(([, axis]) => axis) } };
  },
  reverse: (s) => {
    const x = shape(s);
    const axes = x.map((_, i) => s.pick(i, i - x.length)).filter(() => s.pick(true, false));
    return { inputs: [{ shape: x }], attrs: { axes } };
  },
  fft: (s) => ({
    inputs: [{ shape: [...shape(s, s.int(0, 2)), s.pick(1, 2, 4, 8, 32, 3, 5, 12), 2] }],
    attrs: { inverse: s.pick(true, false) },
  }),
  equal: ((s) => {
    const { inputs, attrs } = broadcasting(s);
    return { inputs: inputs.map((input) => ({ ...input, fill: 'ties' })), attrs };
  }) as Maker<'equal'>,
  notZero: one('ties'),
  truncate: one(),
  hardSwish: one(),
  gelu: one(),
  hardSwishGrad: two(),
  geluGrad: two(),
  conv2dGradInput: (s) => {
    const { x, y, w, attrs } = convCase(s);
    return { inputs: [y, w], attrs: { ...attrs, inputShape: x.shape } };
  },
  conv2dGradWeights: (s) => {
    const { x, y, kernel, attrs } = convCase(s);
    return { inputs: [x, y], attrs: { ...attrs, kernel } };
  },
  depthwiseConv2dGradInput: (s) => {
    const { x, y, w, attrs } = depthwiseCase(s);
    return { inputs: [y, w], attrs: { ...attrs, inputShape: x.shape } };
  },
  depthwiseConv2dGradWeights: (s) => {
    const { x, y, kernel, attrs } = depthwiseCase(s);
    return { inputs: [x, y], attrs: { ...attrs, kernel } };
  },
  maxPool2dGrad: (s) => {
    const { x, y, attrs } = poolCase(s);
    return { inputs: [x, y], attrs };
  },
  avgPool2dGrad: (s) => {
    const { x, y, attrs } = poolCase(s);
    return { inputs: [y], attrs: { ...attrs, inputShape: x.shape } };
  },
  reluGrad: two(),
  relu6Grad: two(),
  leakyReluGrad: withAttr('alpha', 2, 0.2),
  eluGrad: withAttr('alpha', 2, 0.7),
  seluGrad: two(),
  sigmoidGrad: two(),
  tanhGrad: two(),
  softplusGrad: two(),
  softsignGrad: two(),
  softmaxGrad: two(),
  softmaxCrossEntropyGrad: (s) => {
    const x = rows(s);
    const labels = { shape: [x[0]!], fill: { classes: x[1]! } };
    return { inputs: [{ shape: x }, labels, { shape: [] }], attrs: {} };
  },
  sigmoidCrossEntropyGrad: (s) => {
    const { inputs } = elementLoss(s);
    return { inputs: [...inputs, { shape: [] }], attrs: {} };
  },
  fakeQuantize: fake(false),
  fakeQuantizeGrad: fake(true),
  fakeQuantizeSlope: fake(false),
  gradientScale: two(),
  scaleAdd: withAttr('factor', 2, 0.9),
  ema: withAttr('decay', 2, 0.9),
  descend: (s) => {
    const w = { shape: shape(s) };
    return { inputs: [w, w, { shape: [] }], attrs: {} };
  },
  adaptiveDescend: (s) => {
    const w = { shape: shape(s) };
    const v = { ...w, fill: 'positive' as const };
    return { inputs: [w, w, v, { shape: [] }], attrs: { epsilon: 1e-3 } };
  },
} satisfies { readonly [O in OpName]: Maker<O> | null };
