/**
 * Where the time of a program goes, for EDGE_NN_DEBUG=1: its calls one by one, summed by kernel, on
 * stderr when the program is disposed of.
 */
import { debug, isDebugging } from '../../core/debug.js';
import { callWords } from './program.js';

/** Runs `count` calls from the one at byte `calls` on. */
export type RunCalls = (calls: number, count: number) => void;

interface Timed {
  run(): void;
  report(): void;
}

interface Line {
  ms: number;
  calls: number;
}

function table(runs: number, lines: ReadonlyMap<string, Line>): string {
  const all = [...lines.values()].reduce((sum, { ms }) => sum + ms, 0);
  const rows = [...lines].sort(([, a], [, b]) => b.ms - a.ms);
  return rows
    .map(([name, { ms, calls }]) => {
      const share = ((100 * ms) / all).toFixed(1).padStart(5);
      return `${share} %  ${(ms / runs).toFixed(3).padStart(9)} ms  ${calls} x ${name}`;
    })
    .join('\n');
}

/**
 * A program's run, timed when somebody asked for it.
 *
 * @param names the kernel of every call
 * @param base the address of the first call in bytes
 */
export function timedRun(names: readonly string[], base: number, runCalls: RunCalls): Timed {
  if (!isDebugging('time')) return { run: () => runCalls(base, names.length), report() {} };
  const lines = new Map<string, Line>();
  for (const name of names) {
    const line = lines.get(name) ?? { ms: 0, calls: 0 };
    lines.set(name, { ...line, calls: line.calls + 1 });
  }
  let runs = 0;
  return {
    run() {
      runs++;
      names.forEach((name, i) => {
        const start = performance.now();
        runCalls(base + 4 * callWords * i, 1);
        lines.get(name)!.ms += performance.now() - start;
      });
    },
    report() {
      if (runs > 0) debug('time', `kernels of a run, ${runs} runs`, () => table(runs, lines));
    },
  };
}
