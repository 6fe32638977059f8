/** Worked examples about the gradients of networks: of dense layers, from upstream or from a loss. */
import type { Engine } from '../../host/engine/engine.js';
import {
  compare,
  type Example,
  type Fields,
  fail,
  fieldsOf,
  isTensor,
  type Json,
  need,
  pick,
  plainName,
  type Tensor,
  toTensor,
} from './example.js';
import { isLoss, lossGradients } from './loss-ops.js';
import {
  execute,
  feedsOf,
  type Gradient,
  inputOf,
  listOf,
  network,
  networkGradients,
  upstreamOf,
} from './networks.js';

/** The name of an operand from that of its gradient: dx, gradX, df/dx and x are one. */
export const operandName = (name: string): string =>
  name
    .replace(/^.*\//, '')
    .replace(/^(grad_?|d_?)(?=.)/i, '')
    .toLowerCase();

/** A layer by its name alone, by its weights alone, or whole. */
function asLayer(layer: unknown): Json {
  if (typeof layer === 'string') return { op: layer };
  return isTensor(layer) || Array.isArray(layer) ? { w: layer } : (layer as Json);
}

/** Dense layers, written as layers, as bare weights, or as inputs w1, b1, w2, ... */
function denseLayers(example: Example): Json[] {
  const given = pick(example, 'layers', 'weights', 'network');
  const biases = pick(example, 'biases', 'bias');
  if (given !== undefined && (Array.isArray(given) || 'layers' in (given as Json))) {
    return listOf(given).map((layer, i) => ({
      op: 'dense',
      ...asLayer(layer),
      ...(Array.isArray(biases) && { b: biases[i] }),
    }));
  }
  const { tensors } = fieldsOf(example);
  const numbers = Object.keys(tensors).flatMap((name) => /^w_?(\d*)$/i.exec(name)?.slice(1) ?? []);
  if (numbers.length === 0) fail('the case has no layers');
  const sorted = numbers.sort((m, n) => Number(m) - Number(n));
  return sorted.map((n) => {
    const bias = pick(tensors, `b${n}`, `b_${n}`);
    return { op: 'dense', w: need(tensors, `w${n}`, `w_${n}`, `W${n}`), ...(bias && { b: bias }) };
  });
}

/** Names of the operands of a dense layer. */
const operands: Readonly<Record<string, readonly string[]>> = {
  w: ['w', 'weight', 'weights', 'kernel', 'kernels', 'filter'],
  b: ['b', 'bias', 'biases'],
  x: ['x', 'input', 'inputs'],
};

/** The tensors inside of lists and objects, with the way to them; `#2` is the third of a list. */
function leaves(value: unknown, path: readonly string[] = []): [readonly string[], Tensor][] {
  const isNumbers = Array.isArray(value) && typeof [value].flat(9)[0] === 'number';
  if (isTensor(value) || isNumbers || typeof value === 'number') return [[path, toTensor(value)]];
  const inside = Array.isArray(value)
    ? value.map((inner, i) => [`#${i}`, inner] as const)
    : Object.entries((value ?? {}) as Json).map(([key, inner]) => [key, inner] as const);
  return inside.flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

interface Wanted {
  readonly what: string;
  /** w, b or x. */
  readonly operand: string;
  /** The layer by its name, by its place, or as the n-th that has weights, from `base`. */
  readonly layer: string | undefined;
  readonly place: number | undefined;
  readonly nth: number | undefined;
  readonly tensor: Tensor;
}

/** What `layers.0.w`, `layer1.b`, `dW_1`, `w[0]` or `first.w` mean. */
function wantedOf([path, tensor]: readonly [readonly string[], Tensor]): Wanted {
  const what = path.join('.');
  const words = what.replace(/\[(\d+)\]/g, '.#$1').split(/[._]/);
  const bare = words.map((word) => operandName(word.replace(/#?\d+$/, '')));
  const isOperand = (word: string) =>
    Object.keys(operands).find((operand) => operands[operand]!.includes(word));
  const operand = bare.map(isOperand).find((found) => found !== undefined);
  const digits = words.map((word) => /(#?)(\d+)$/.exec(word)).find((match) => match !== null);
  const isInside = digits?.[1] === '#' && isOperand(bare[0]!) !== undefined;
  const isPlace = !isInside && (digits?.[1] === '#' || /^layers\./.test(what));
  const number = digits ? Number(digits[2]) : undefined;
  return {
    ...{
      what,
      tensor,
      operand: operand ?? (digits?.[1] === '#' ? 'w' : fail(`no operand ${what}`)),
    },
    layer: words.length > 1 ? words[0] : undefined,
    place: isPlace ? number : undefined,
    // The lists w and b hold those of the layers that have weights, from the first.
    nth: isPlace || number === undefined ? undefined : isInside ? number + 1 : number,
  };
}

/** The gradient that a case names. */
function gradientFor(found: readonly Gradient[], wanted: Wanted, base: number, layers: Json[]) {
  const { operand, layer, place, nth, what } = wanted;
  const named = layers.findIndex(({ name }) => name !== undefined && name === layer);
  const weighted = [...new Set(found.map((g) => g.layer))].filter((i) => i >= 0);
  const at = named >= 0 ? named : (place ?? weighted[(nth ?? base) - base]);
  const wantedLayer = operand === 'x' ? -1 : at;
  const gradient = found.find((g) => g.layer === wantedLayer && g.name === operand);
  return gradient?.tensor ?? fail(`there is no gradient of ${what}`);
}

export function networkGradient(engine: Engine, example: Example): void {
  const fields = fieldsOf(example);
  const x = inputOf(fields);
  const layers = denseLayers(example);
  const net = network(x, [layers]);
  const [y] = execute(engine, net.graph, feedsOf(net, x));
  const dy = upstreamOf(fields) ?? lossGradient(engine, withLoss(fields), y!);
  const found = networkGradients(engine, net, x, dy);
  const wanted = leaves(example.expect).map(wantedOf);
  if (wanted.length === 0) fail('the case expects nothing');
  const base = wanted.some(({ nth }) => nth === 0) ? 0 : 1;
  for (const want of wanted) {
    const gradient = gradientFor(found, want, base, layers);
    compare({ ...gradient, shape: want.tensor.shape }, want.tensor, example, want.what);
  }
}

/** Losses that differ from one of the engine's by a factor. */
const scaledLosses: Readonly<Record<string, number>> = { halfsumsquares: 0.5, l2loss: 0.5 };

/** A loss with fields of its own, its name among them. */
function withLoss({ tensors, attrs }: Fields): Fields {
  const { loss, ...others } = attrs;
  if (typeof loss !== 'object' || loss === null) return { tensors, attrs };
  const own = fieldsOf(loss as Json);
  const name = pick(own.attrs, 'op', 'name', 'type', 'kind');
  return {
    tensors: { ...tensors, ...own.tensors },
    attrs: { ...others, ...own.attrs, loss: name },
  };
}

/** Without upstream: that of the loss that the case names, of no target or one; else of the sum. */
export function lossGradient(engine: Engine, { tensors, attrs }: Fields, y: Tensor): Tensor {
  const target = pick(tensors, 'target', 'targets', 'labels', 'y');
  const name = plainName(String(attrs.loss ?? (target ? '' : 'sum')));
  if (name === 'sum' || name === 'reducesum') return { ...y, data: y.data.map(() => 1) };
  const factor = scaledLosses[name] ?? 1;
  const loss = name in scaledLosses ? 'sumsquares' : name;
  if (!isLoss(loss)) fail(`there is no loss ${name}`);
  const inputs = { logits: y, ...(target && { labels: target }) };
  const { reduction } = attrs;
  const example = { name, kind: 'gradient', inputs, ...(reduction !== undefined && { reduction }) };
  const gradient = lossGradients(engine, example, loss).get('logits')!;
  return { ...gradient, data: gradient.data.map((v) => factor * v) };
}
