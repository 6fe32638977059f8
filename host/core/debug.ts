/**
 * The debug ladder, on stderr: EDGE_NN_DEBUG=1 prints timings, 2 also the graph after each pass,
 * 3 the memory plan, 4 the emitted C.
 */

const levels = { time: 1, graph: 2, plan: 3, code: 4 } as const;
export type DebugTopic = keyof typeof levels;

/** Whether somebody asked for a topic. */
export const isDebugging = (topic: DebugTopic): boolean =>
  Number(process.env.EDGE_NN_DEBUG ?? 0) >= levels[topic];

/** Prints a heading and a text that is made only when somebody asked for it. */
export function debug(topic: DebugTopic, heading: string, text: () => string): void {
  if (isDebugging(topic)) process.stderr.write(`--- ${heading}\n${text().trimEnd()}\n`);
}

/** Runs something; prints how long it took when somebody asked. */
export function timed<T>(what: string, run: () => T): T {
  if (!isDebugging('time')) return run();
  const start = performance.now();
  const result = run();
  process.stderr.write(`--- ${what}: ${(performance.now() - start).toFixed(1)} ms\n`);
  return result;
}
