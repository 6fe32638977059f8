/**
 * The first layers of a graph as one step that goes row by row: only its result is a whole image,
 * of what lies between input and result a few lines are kept.
 */
import { byteSize } from '../../core/dtype.js';
import { elements } from '../../core/shape.js';
import { type Graph, getValue, type ValueId } from '../../ir/graph.js';
import type { GroupImage, RowGroup, RowLayer, StepProof, Target } from '../lowered.js';
import { isAliasOp, isStepOp, type StepNode } from '../lowered-ops.js';
import { rowLayer } from './layer.js';
import { memoryOf, orderFeeds, type RowFeed, scheduleRows } from './schedule.js';

/** How far into a graph its layers can go row by row, and the layers. */
export interface RowPrefix {
  readonly layers: readonly RowLayer[];
  /** Numbers of steps after which one value is all that the others read, ascending. */
  readonly cuts: readonly number[];
  /** What is read in rows and lies in memory before: inputs, and reshapes of them. */
  readonly sources: ReadonlySet<ValueId>;
}

/** Inputs, and what is another name of their bytes. */
function sourcesOf(graph: Graph): Set<ValueId> {
  const sources = new Set(graph.inputs);
  for (const { op, inputs, output } of graph.nodes) {
    if (isAliasOp(op) && sources.has(inputs[0]!)) sources.add(output);
  }
  return sources;
}

/** Whether of the values that the first steps compute, others read the last one only. */
function isCut(graph: Graph, steps: readonly StepNode[], count: number): boolean {
  const inside = new Set(steps.slice(0, count));
  const computed = new Set(steps.slice(0, count - 1).map(({ output }) => output));
  const outside = graph.nodes.filter((node) => !inside.has(node as StepNode));
  const read = [...outside.flatMap(({ inputs }) => inputs), ...graph.outputs];
  return !read.some((id) => computed.has(id));
}

/**
 * How far into a graph its layers can go row by row.
 *
 * @param graph stage `lowered`
 */
export function rowPrefix(graph: Graph, target: Target, proof: readonly StepProof[]): RowPrefix {
  const bounds = new Map(proof.map(({ value, largest }) => [value, largest]));
  const sources = sourcesOf(graph);
  const known = new Set(sources);
  const steps = graph.nodes.filter((node): node is StepNode => isStepOp(node.op));
  const layers: RowLayer[] = [];
  for (const node of steps) {
    const layer = rowLayer(graph, node, target, bounds.get(node.output));
    if (!layer || ![...layer.windows.keys()].every((id) => known.has(id))) break;
    layers.push(layer);
    known.add(node.output);
  }
  const cuts = layers.map((_, i) => i + 1).filter((count) => isCut(graph, steps, count));
  return { layers, cuts, sources };
}

/** The images of the first `count` layers; sources first, in the order in which they are read. */
function imagesOf(graph: Graph, { layers, sources }: RowPrefix, count: number) {
  const own = layers.slice(0, count);
  const read = own.flatMap(({ windows }) => [...windows.keys()]);
  const ids = [...new Set(read.filter((id) => sources.has(id)))];
  const values = [...ids, ...own.map(({ node }) => node.output)];
  const index = new Map(values.map((id, i) => [id, i]));
  return values.map((value, i) => {
    const layer = own[i - ids.length];
    const { dtype, shape } = getValue(graph, value);
    const feeds: RowFeed[] = [...(layer?.windows ?? [])].map(([id, window]) => ({
      from: index.get(id)!,
      ...window,
    }));
    const lineBytes = byteSize(dtype, elements(shape.slice(2)));
    return { value, rows: shape[1]!, feeds, lineBytes, ...(layer && { layer }) };
  });
}

/**
 * The first `count` layers as a group.
 *
 * @param streams whether the rows of the input arrive one by one
 */
export function rowGroup(
  graph: Graph,
  prefix: RowPrefix,
  count: number,
  streams: boolean,
): RowGroup {
  const bare = imagesOf(graph, prefix, count);
  const ordered = orderFeeds(bare);
  const arrives = (i: number) => streams && bare[i]!.layer === undefined;
  const events = scheduleRows(ordered, arrives);
  const kept = (i: number) =>
    i === bare.length - 1 || (bare[i]!.layer === undefined && !arrives(i));
  const lineBytes = bare.map((image) => image.lineBytes);
  const memory = memoryOf(ordered, events, kept, lineBytes);
  const images = bare.map((image, i) => ({
    ...image,
    feeds: ordered[i]!.feeds,
    lines: memory.lines[i]!,
  }));
  const kernels = prefix.layers.slice(0, count).flatMap(({ classes }) => classes);
  const scratch = kernels.map(({ kernel }) => kernel.scratchBytes ?? 0);
  return { steps: count, images, memory, streams, scratchBytes: Math.max(0, ...scratch) };
}

/** Bytes of the lines that an image of a group keeps. */
export const keptBytes = ({ lines, lineBytes }: GroupImage): number => lines * lineBytes;
