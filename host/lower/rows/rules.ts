/**
 * How a layer computes its output row by row: which rows of its operands a row reads, and the same
 * layer as one row, with what a window loses at the upper and lower edge made explicit padding.
 */
import { normalizeAxis } from '../../core/shape.js';
import { type Graph, getValue, type NodeOf, type ValueId } from '../../ir/graph.js';
import type { StepNode, StepOp } from '../lowered-ops.js';

/** Output row r reads rows [r stride - before, r stride - before + span) of an operand. */
export interface RowWindow {
  readonly stride: number;
  readonly before: number;
  readonly span: number;
}

/** What an image has of a window: `above` and `below` are outside. */
export interface Clip {
  readonly first: number;
  readonly count: number;
  readonly above: number;
  readonly below: number;
}

/** The rows of a window that exist. */
export function clipRows({ stride, before, span }: RowWindow, row: number, rows: number): Clip {
  const top = row * stride - before;
  const first = Math.min(Math.max(top, 0), rows);
  const end = Math.max(Math.min(top + span, rows), first);
  const above = Math.min(Math.max(-top, 0), span);
  return { first, count: end - first, above, below: span - above - (end - first) };
}

interface RowRule<O extends StepOp> {
  /** The window of an operand that is an image; undefined where rows do not come one by one. */
  readonly window: (graph: Graph, node: NodeOf<O>, operand: ValueId) => RowWindow | undefined;
  /** The attributes of one row, given what its window has of the first operand. */
  readonly attrs: (node: NodeOf<O>, clip: Clip) => NodeOf<O>['attrs'];
  /** Its constants are weights: every row takes all of them. */
  readonly weights?: true;
}

const sameRow: RowWindow = { stride: 1, before: 0, span: 1 };

type Padding = readonly [number, number, number, number];

const clipped = ([, , left, right]: Padding, { above, below }: Clip): Padding => [
  above,
  below,
  left,
  right,
];

type ConvOp = 'conv2d' | 'depthwiseConv2d';

const convWindow = (graph: Graph, { inputs, attrs }: NodeOf<ConvOp>): RowWindow => {
  const kernel = getValue(graph, inputs[1]!).shape[1]!;
  const span = (kernel - 1) * attrs.dilation[0] + 1;
  return { stride: attrs.stride[0], before: attrs.pad[0], span };
};

const conv = {
  weights: true,
  window: convWindow,
  attrs: ({ attrs }: NodeOf<'conv2d'>, clip: Clip) => ({ ...attrs, pad: clipped(attrs.pad, clip) }),
} satisfies RowRule<'conv2d'>;

const depthwise = {
  weights: true,
  window: convWindow,
  attrs: ({ attrs }: NodeOf<'depthwiseConv2d'>, clip: Clip) => ({
    ...attrs,
    pad: clipped(attrs.pad, clip),
  }),
} satisfies RowRule<'depthwiseConv2d'>;

type PoolOp = 'maxPool2d' | 'avgPool2d';

const pool = {
  window: (_: Graph, { attrs }: NodeOf<PoolOp>): RowWindow => ({
    stride: attrs.stride[0],
    before: attrs.pad[0],
    span: attrs.size[0],
  }),
  attrs: ({ attrs }: NodeOf<PoolOp>, clip: Clip) => ({ ...attrs, pad: clipped(attrs.pad, clip) }),
};

/** Element by element: an operand that is broadcast along the rows is none of this. */
const elementwise = {
  window: (graph: Graph, { output }: StepNode, operand: ValueId): RowWindow | undefined =>
    getValue(graph, operand).shape[1] === getValue(graph, output).shape[1] ? sameRow : undefined,
};

const unchanged = <A>({ attrs }: { readonly attrs: A }): A => attrs;

const pad: RowRule<'pad'> = {
  window: (_, { attrs: { padding } }) =>
    padding[0] === 0 && padding[1] === 0 ? { ...sameRow, before: padding[2]! } : undefined,
  attrs: ({ attrs: { padding } }, { above, below }) => ({
    padding: [0, 0, above, below, ...padding.slice(4)],
  }),
};

const concat: RowRule<'concat'> = {
  window: (graph, { attrs, output }) =>
    normalizeAxis(attrs.axis, getValue(graph, output).shape.length) >= 2 ? sameRow : undefined,
  attrs: unchanged,
};

const softmax: RowRule<'softmax'> = { window: () => sameRow, attrs: unchanged };

/** null: every output needs all rows. */
const rules: { readonly [O in StepOp]: RowRule<O> | null } = {
  conv2d: conv,
  depthwiseConv2d: depthwise,
  maxPool2d: pool,
  avgPool2d: pool,
  add: { ...elementwise, attrs: unchanged },
  mul: { ...elementwise, attrs: unchanged },
  relu: { ...elementwise, attrs: unchanged },
  relu6: { ...elementwise, attrs: unchanged },
  requantize: { ...elementwise, attrs: unchanged },
  softmax,
  pad,
  concat,
  mean: null,
  dense: null,
};

const isImage = (graph: Graph, id: ValueId): boolean => {
  const { shape } = getValue(graph, id);
  return shape.length === 4 && shape[0] === 1;
};

/** Whether a constant is the same for every row of a value of four axes. */
const servesEveryRow = (graph: Graph, id: ValueId): boolean => {
  const { shape } = getValue(graph, id);
  return shape.length < 3 || shape.at(-3) === 1;
};

/**
 * The rows of each operand that is no constant, by operand; undefined for a layer that cannot be
 * computed row by row.
 */
export function rowWindows(
  graph: Graph,
  node: StepNode,
): ReadonlyMap<ValueId, RowWindow> | undefined {
  const rule = rules[node.op] as RowRule<StepOp> | null;
  if (!rule || !isImage(graph, node.output)) return undefined;
  const windows = new Map<ValueId, RowWindow>();
  for (const id of node.inputs) {
    if (getValue(graph, id).kind === 'const') {
      if (!rule.weights && !servesEveryRow(graph, id)) return undefined;
      continue;
    }
    const window = isImage(graph, id) ? rule.window(graph, node as NodeOf<StepOp>, id) : undefined;
    if (!window) return undefined;
    windows.set(id, window);
  }
  return windows.size > 0 ? windows : undefined;
}

/** The attributes of a node that computes one row, given what its first operand's window has. */
export const rowAttrs = (node: StepNode, clip: Clip): StepNode['attrs'] =>
  (rules[node.op] as RowRule<StepOp>).attrs(node as NodeOf<StepOp>, clip);
