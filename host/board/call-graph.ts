/**
 * A bound of the stack: the longest path through the call graph, by frame sizes.
 *
 * gcc's `-fcallgraph-info=su` writes a .ci file per object (VCG text): a node per function with its
 * frame, an edge per call, `__indirect_call` for calls through pointers. Functions of libraries have
 * no frame there; `library-frames.ts` finds theirs in the image.
 */

export interface StackFunction {
  /** Bytes of its own frame, saved registers included. */
  readonly frame: number;
  readonly callees: readonly string[];
}

/** By title: a global function's name, a static one's with its file before it. */
export type CallGraph = ReadonlyMap<string, StackFunction>;

const indirect = '__indirect_call';

/** Unites the .ci files of all objects. @throws Error when a frame has no static bound */
export function parseCallGraph(files: readonly string[]): CallGraph {
  const graph = new Map<string, { frame: number; callees: string[] }>();
  for (const text of files) {
    for (const [, title, label] of text.matchAll(/^node: \{ title: "([^"]+)" label: "([^"]+)"/gm)) {
      const size = /\\n(\d+) bytes \(([a-z,]+)\)/.exec(label!);
      if (!size) continue;
      if (size[2] === 'dynamic') throw new Error(`${title} has a frame of varying size`);
      graph.set(title!, { frame: Number(size[1]), callees: [] });
    }
    for (const [, from, to] of text.matchAll(
      /^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"/gm,
    )) {
      graph.get(from!)?.callees.push(to!);
    }
  }
  return graph;
}

/** The title of a function by its name; a static or weak one's title has its file before it. */
function resolve(graph: CallGraph, name: string): string | undefined {
  if (graph.has(name)) return name;
  const found = [...graph.keys()].filter((title) => title.endsWith(`:${name}`));
  return found.length === 1 ? found[0] : undefined;
}

/** The deepest path from a function down, and the functions on it. */
export interface StackPath {
  readonly bytes: number;
  readonly path: readonly string[];
}

/**
 * The deepest path below a function.
 *
 * @param library frame and callees of a function that the graph does not have
 * @throws Error on recursion, a call through a pointer, or a function that nobody knows
 */
export function deepestPath(
  graph: CallGraph,
  root: string,
  library: (name: string) => StackFunction,
): StackPath {
  const done = new Map<string, StackPath>();
  const open = new Set<string>();
  const visit = (name: string): StackPath => {
    const title = resolve(graph, name) ?? name;
    const known = done.get(title);
    if (known) return known;
    if (title === indirect) throw new Error(`${[...open].at(-1)} calls through a pointer`);
    if (open.has(title)) throw new Error(`${title} calls itself`);
    open.add(title);
    const { frame, callees } = graph.get(title) ?? library(title);
    const below = callees.map(visit).reduce((a, b) => (b.bytes > a.bytes ? b : a), {
      bytes: 0,
      path: [] as readonly string[],
    });
    open.delete(title);
    const result = { bytes: frame + below.bytes, path: [title, ...below.path] };
    done.set(title, result);
    return result;
  };
  return visit(root);
}
