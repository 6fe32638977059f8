/**
 * The gradient of every op. A rule gets the node and the gradient dy of its output, and returns
 * the gradient of each input, of the input's shape; undefined where there is none.
 */
import { UnsupportedError } from '../core/errors.js';
import { elements, normalizeAxis, type Shape } from '../core/shape.js';
import type { NodeOf, ValueId } from '../ir/graph.js';
import type { OpAttrs, OpName } from '../ir/ops.js';

export interface GradScope {
  /** Adds a node, or finds the same node if it is there. */
  add<O extends OpName>(op: O, inputs: readonly ValueId[], attrs: OpAttrs<O>): ValueId;
  shape(id: ValueId): Shape;
  /** True when a gradient of this value is wanted; rules skip work for others. */
  needed(id: ValueId): boolean;
}

type Gradients = readonly (ValueId | undefined)[];

export interface GradRule<O extends OpName> {
  (node: NodeOf<O>, dy: ValueId, scope: GradScope): Gradients;
  /** True for a rule that always raises UnsupportedError. */
  readonly refuses?: true;
}

type GradTable = { readonly [O in OpName]: GradRule<O> };

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(to - from, 0) }, (_, i) => from + i);

/** The rule of an op without a gradient. */
function refuse(reason: string, hint: string): GradRule<OpName> {
  const rule = (node: NodeOf<OpName>): never => {
    throw new UnsupportedError(`%${node.output}: no gradient through ${node.op}: ${reason}`, {
      hint,
      where: `%${node.output}`,
    });
  };
  return Object.assign(rule, { refuses: true as const });
}

const gradientOp = refuse(
  'it is a gradient itself, and second derivatives are not supported',
  'Differentiate the forward graph.',
);
const updateOp = refuse('it updates a parameter', 'Differentiate the graph before its updates.');

/** Sums a gradient over the axes along which its operand was broadcast. */
function sumTo({ add, shape }: GradScope, id: ValueId, target: Shape): ValueId {
  const extra = shape(id).length - target.length;
  const rest = extra > 0 ? add('sum', [id], { axes: range(0, extra), keepDims: false }) : id;
  const axes = range(0, target.length).filter((i) => target[i] === 1 && shape(rest)[i] !== 1);
  return axes.length > 0 ? add('sum', [rest], { axes, keepDims: true }) : rest;
}

/** Gradients of the two operands of a broadcasting op, summed to their shapes. */
function operands(
  [a, b]: readonly ValueId[],
  scope: GradScope,
  da: () => ValueId,
  db: () => ValueId,
): Gradients {
  const part = (id: ValueId, grad: () => ValueId): ValueId | undefined =>
    scope.needed(id) ? sumTo(scope, grad(), scope.shape(id)) : undefined;
  return [part(a!, da), part(b!, db)];
}

/** The sum over all axes but the last: the gradient of a bias [channels]. */
function perChannel({ add, shape }: GradScope, id: ValueId): ValueId {
  return add('sum', [id], { axes: range(0, shape(id).length - 1), keepDims: false });
}

/** A value only if it is needed. */
const when = (scope: GradScope, id: ValueId | undefined, make: () => ValueId) =>
  id !== undefined && scope.needed(id) ? make() : undefined;

/** The rule of an activation whose gradient op reads x or y. */
function activation<O extends OpName, G extends OpName>(grad: G, from: 'x' | 'y'): GradRule<O> {
  return (node, dy, { add }) => [
    add(grad, [from === 'x' ? node.inputs[0]! : node.output, dy], node.attrs as never),
  ];
}

interface Reduction {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

/** The number of elements that one output of a reduction sees. */
function reducedCount(shape: Shape, { axes }: Reduction): number {
  return elements(axes.map((axis) => shape[normalizeAxis(axis, shape.length)]!));
}

/**
 * A reduced value with its reduced axes put back as 1, so that it broadcasts over x. Leading axes
 * need not be put back, and reshape could not: it keeps the first dimension.
 */
function unreduced({ add }: GradScope, id: ValueId, x: Shape, reduction: Reduction): ValueId {
  if (reduction.keepDims) return id;
  const axes = reduction.axes.map((axis) => normalizeAxis(axis, x.length));
  const first = range(0, x.length).find((i) => !axes.includes(i));
  if (first === undefined || axes.every((axis) => axis < first)) return id;
  const shape = range(first + 1, x.length).map((i) => (axes.includes(i) ? 1 : x[i]!));
  return add('reshape', [id], { shape });
}

/** A piecewise constant function has the gradient 0 wherever it has one. */
const flat = (): Gradients => [undefined];

/** The gradient of max and min: shared evenly by all elements that reach the extreme. */
function extremeGrad(node: NodeOf<'max' | 'min'>, dy: ValueId, scope: GradScope): Gradients {
  const { add } = scope;
  const x = node.inputs[0]!;
  const shape = scope.shape(x);
  const back = (id: ValueId) => unreduced(scope, id, shape, node.attrs);
  const reached = add('equal', [x, back(node.output)], {});
  const share = add('div', [dy, add('sum', [reached], node.attrs)], {});
  return [add('mul', [reached, back(share)], {})];
}

/** The gradient of the squared differences' sum times factor, for x and for the target. */
function squaresGrad(
  [x, target]: readonly ValueId[],
  dy: ValueId,
  factor: number,
  scope: GradScope,
): Gradients {
  const { add } = scope;
  const dx = () => add('mul', [add('scale', [add('sub', [x!, target!], {})], { factor }), dy], {});
  return [when(scope, x, dx), when(scope, target, () => add('scale', [dx()], { factor: -1 }))];
}

/** The gradients of batch normalization with given statistics. */
function batchNormGrad(node: NodeOf<'batchNorm'>, dy: ValueId, scope: GradScope): Gradients {
  const { add } = scope;
  const [x, gamma, beta, mean, variance] = node.inputs;
  const r = add('rsqrt', [variance!], { epsilon: node.attrs.epsilon });
  const scale = () => add('mul', [gamma!, r], {});
  const centered = () => add('sub', [x!, mean!], {});
  /** sum dy (x - mean), per channel */
  const product = () => perChannel(scope, add('mul', [dy, centered()], {}));
  const total = () => perChannel(scope, dy);
  const cube = () => add('mul', [add('mul', [r, r], {}), scale()], {});
  return [
    when(scope, x, () => add('mul', [dy, scale()], {})),
    when(scope, gamma, () => add('mul', [product(), r], {})),
    when(scope, beta, total),
    when(scope, mean, () => add('scale', [add('mul', [total(), scale()], {})], { factor: -1 })),
    when(scope, variance, () =>
      add('scale', [add('mul', [product(), cube()], {})], { factor: -0.5 }),
    ),
  ];
}

/** Straight through to x; to the scale the sum of slope dy over all that share it. */
function fakeQuantizeGrad(node: NodeOf<'fakeQuantize'>, dy: ValueId, scope: GradScope): Gradients {
  const { add, shape } = scope;
  const { inputs, attrs } = node;
  const [x, scale] = inputs as [ValueId, ValueId];
  const axes = range(0, shape(x).length).filter((axis) => axis !== attrs.axis);
  const part = () => add('mul', [add('fakeQuantizeSlope', inputs, attrs), dy], {});
  return [
    when(scope, x, () => add('fakeQuantizeGrad', [...inputs, dy], attrs)),
    when(scope, scale, () => add('sum', [part()], { axes, keepDims: false })),
    undefined,
  ];
}

/** The rule of a convolution, from the ops that compute the gradients of its x and w. */
function windowGrad<
  I extends 'conv2dGradInput' | 'depthwiseConv2dGradInput',
  W extends 'conv2dGradWeights' | 'depthwiseConv2dGradWeights',
>(gradInput: I, gradWeights: W) {
  return (node: NodeOf<'conv2d' | 'depthwiseConv2d'>, dy: ValueId, scope: GradScope): Gradients => {
    const [x, w, b] = node.inputs as [ValueId, ValueId, ValueId?];
    const { stride, pad, dilation } = node.attrs;
    const window = { stride, pad, dilation };
    const [, kh, kw] = scope.shape(w) as [number, number, number, number];
    const inputShape = scope.shape(x);
    return [
      when(scope, x, () => scope.add(gradInput, [dy, w], { ...window, inputShape } as never)),
      when(scope, w, () =>
        scope.add(gradWeights, [x, dy], { ...window, kernel: [kh, kw] } as never),
      ),
      when(scope, b, () => perChannel(scope, dy)),
    ];
  };
}

export const gradRules: GradTable = {
  conv2d: windowGrad('conv2dGradInput', 'conv2dGradWeights'),
  depthwiseConv2d: windowGrad('depthwiseConv2dGradInput', 'depthwiseConv2dGradWeights'),
  dense({ inputs }, dy, scope) {
    const [x, w, b] = inputs as [ValueId, ValueId, ValueId?];
    const product = (a: ValueId, c: ValueId, transposeA: boolean) =>
      scope.add('matmul', [a, c], { transposeA, transposeB: false });
    return [
      when(scope, x, () => product(dy, w, false)),
      when(scope, w, () => product(dy, x, true)),
      when(scope, b, () => perChannel(scope, dy)),
    ];
  },
  batchNorm: batchNormGrad,

  maxPool2d(node, dy, { add }) {
    const { size, stride, pad } = node.attrs;
    return [add('maxPool2dGrad', [node.inputs[0]!, dy], { size, stride, pad })];
  },
  avgPool2d(node, dy, { add, shape }) {
    const { size, stride, pad } = node.attrs;
    const inputShape = shape(node.inputs[0]!);
    return [add('avgPool2dGrad', [dy], { size, stride, pad, inputShape })];
  },
  mean({ inputs, attrs }, dy, scope) {
    const shape = scope.shape(inputs[0]!);
    const factor = 1 / reducedCount(shape, attrs);
    const part = scope.add('scale', [dy], { factor });
    return [scope.add('broadcastTo', [unreduced(scope, part, shape, attrs)], { shape })];
  },
  sum({ inputs, attrs }, dy, scope) {
    const shape = scope.shape(inputs[0]!);
    return [scope.add('broadcastTo', [unreduced(scope, dy, shape, attrs)], { shape })];
  },
  variance({ inputs, attrs }, dy, scope) {
    const x = inputs[0]!;
    const shape = scope.shape(x);
    const average = unreduced(scope, scope.add('mean', [x], attrs), shape, attrs);
    const factor = 2 / reducedCount(shape, attrs);
    const part = unreduced(scope, scope.add('scale', [dy], { factor }), shape, attrs);
    return [scope.add('mul', [scope.add('sub', [x, average], {}), part], {})];
  },

  add: ({ inputs }, dy, scope) =>
    operands(
      inputs,
      scope,
      () => dy,
      () => dy,
    ),
  sub: ({ inputs }, dy, scope) =>
    operands(
      inputs,
      scope,
      () => dy,
      () => scope.add('scale', [dy], { factor: -1 }),
    ),
  mul: ({ inputs: [a, b] }, dy, scope) =>
    operands(
      [a!, b!],
      scope,
      () => scope.add('mul', [dy, b!], {}),
      () => scope.add('mul', [dy, a!], {}),
    ),
  div: ({ inputs: [a, b], output }, dy, scope) => {
    const { add } = scope;
    const quotient = () => add('div', [dy, b!], {});
    const db = () => add('scale', [add('mul', [quotient(), output], {})], { factor: -1 });
    return operands([a!, b!], scope, quotient, db);
  },
  max: extremeGrad,
  min: extremeGrad,
  argMax: flat,
  argMin: flat,
  equal: () => [undefined, undefined],
  notZero: flat,
  truncate: flat,
  fft({ inputs, attrs: { inverse } }, dy, { add, shape }) {
    // The transform's matrix is symmetric, so its adjoint is its conjugate: the other direction.
    const n = shape(inputs[0]!).at(-2)!;
    const other = add('fft', [dy], { inverse: !inverse });
    return [add('scale', [other], { factor: inverse ? 1 / n : n })];
  },
  scale: ({ attrs }, dy, { add }) => [add('scale', [dy], { factor: attrs.factor })],
  rsqrt({ output: y }, dy, { add }) {
    const cube = add('mul', [add('mul', [y, y], {}), y], {});
    return [add('scale', [add('mul', [dy, cube], {})], { factor: -0.5 })];
  },

  relu: activation('reluGrad', 'y'),
  relu6: activation('relu6Grad', 'y'),
  leakyRelu: activation('leakyReluGrad', 'x'),
  elu: activation('eluGrad', 'y'),
  selu: activation('seluGrad', 'y'),
  sigmoid: activation('sigmoidGrad', 'y'),
  tanh: activation('tanhGrad', 'y'),
  softplus: activation('softplusGrad', 'x'),
  softsign: activation('softsignGrad', 'x'),
  hardSwish: activation('hardSwishGrad', 'x'),
  gelu: activation('geluGrad', 'x'),
  softmax: activation('softmaxGrad', 'y'),

  reshape: ({ inputs }, dy, { add, shape }) => [
    add('reshape', [dy], { shape: shape(inputs[0]!).slice(1) }),
  ],
  concat({ inputs, attrs }, dy, scope) {
    const axis = normalizeAxis(attrs.axis, scope.shape(dy).length);
    let at = 0;
    return inputs.map((id) => {
      const size = scope.shape(id);
      const begin = size.map((_, i) => (i === axis ? at : 0));
      at += size[axis]!;
      return when(scope, id, () => scope.add('slice', [dy], { begin, size }));
    });
  },
  pad({ inputs, attrs: { padding } }, dy, { add, shape }) {
    const size = shape(inputs[0]!);
    return [add('slice', [dy], { begin: size.map((_, i) => padding[2 * i]!), size })];
  },
  slice({ inputs, output, attrs: { begin } }, dy, { add, shape }) {
    const size = shape(output);
    const padding = shape(inputs[0]!).flatMap((d, i) => [begin[i]!, d - begin[i]! - size[i]!]);
    return [add('pad', [dy], { padding })];
  },
  transpose: ({ attrs: { perm } }, dy, { add }) => [
    add('transpose', [dy], { perm: perm.map((_, axis) => perm.indexOf(axis)) }),
  ],
  reverse: ({ attrs: { axes } }, dy, { add }) => [add('reverse', [dy], { axes })],
  broadcastTo: ({ inputs }, dy, scope) => [sumTo(scope, dy, scope.shape(inputs[0]!))],
  requantize: refuse('it belongs to integer graphs', 'Train the float graph.'),

  dropout: refuse('it has no mask', 'Prepare the graph with forTraining first.'),
  dropoutMask: () => [undefined, undefined],

  softmaxCrossEntropy: ({ inputs }, dy, { add }) => [
    add('softmaxCrossEntropyGrad', [...inputs, dy], {}),
    undefined,
  ],
  softCrossEntropy: ({ inputs }, dy, { add }) => [
    add('softCrossEntropyGrad', [...inputs, dy], {}),
    undefined,
  ],
  sigmoidCrossEntropy: ({ inputs }, dy, { add }) => [
    add('sigmoidCrossEntropyGrad', [...inputs, dy], {}),
    undefined,
  ],
  meanSquares: ({ inputs }, dy, scope) =>
    squaresGrad(inputs, dy, 2 / elements(scope.shape(inputs[0]!)), scope),
  sumSquares: ({ inputs }, dy, scope) => squaresGrad(inputs, dy, 2, scope),

  matmul({ inputs: [a, b], attrs: { transposeA, transposeB } }, dy, scope) {
    const product = (x: ValueId, y: ValueId, tx: boolean, ty: boolean) =>
      scope.add('matmul', [x, y], { transposeA: tx, transposeB: ty });
    return [
      when(scope, a, () =>
        transposeA ? product(b!, dy, transposeB, true) : product(dy, b!, false, !transposeB),
      ),
      when(scope, b, () =>
        transposeB ? product(dy, a!, true, transposeA) : product(a!, dy, !transposeA, false),
      ),
    ];
  },

  conv2dGradInput: gradientOp,
  conv2dGradWeights: gradientOp,
  depthwiseConv2dGradInput: gradientOp,
  depthwiseConv2dGradWeights: gradientOp,
  maxPool2dGrad: gradientOp,
  avgPool2dGrad: gradientOp,
  reluGrad: gradientOp,
  relu6Grad: gradientOp,
  leakyReluGrad: gradientOp,
  eluGrad: gradientOp,
  seluGrad: gradientOp,
  sigmoidGrad: gradientOp,
  tanhGrad: gradientOp,
  softplusGrad: gradientOp,
  softsignGrad: gradientOp,
  hardSwishGrad: gradientOp,
  geluGrad: gradientOp,
  softmaxGrad: gradientOp,
  softmaxCrossEntropyGrad: gradientOp,
  softCrossEntropyGrad: gradientOp,
  sigmoidCrossEntropyGrad: gradientOp,

  fakeQuantize: fakeQuantizeGrad,
  fakeQuantizeGrad: gradientOp,
  fakeQuantizeSlope: gradientOp,
  gradientScale: ({ inputs: [, factor] }, dy, { add }) => [
    factor === undefined ? undefined : add('mul', [dy, factor], {}),
    undefined,
  ],
  scaleAdd: updateOp,
  ema: updateOp,
  descend: updateOp,
  adaptiveDescend: updateOp,
} satisfies GradTable;
