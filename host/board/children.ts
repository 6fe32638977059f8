/**
 * Child processes that must not outlive this one: emulators, which nothing else would end.
 */
import type { ChildProcess } from 'node:child_process';

const children = new Set<ChildProcess>();
const signals = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;

function killAll(): void {
  for (const child of children) child.kill('SIGKILL');
}

/** Where nobody else listens for the signal, it has its usual effect once the children are gone. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  killAll();
  unwatch();
  process.kill(process.pid, signal);
}

function watch(): void {
  process.on('exit', killAll);
  for (const signal of signals) process.on(signal, onSignal);
}

function unwatch(): void {
  process.removeListener('exit', killAll);
  for (const signal of signals) process.removeListener(signal, onSignal);
}

/** Kills the child when this process ends, by itself or by a signal, unless it ended before. */
export function keepUntilExit(child: ChildProcess): void {
  if (children.size === 0) watch();
  children.add(child);
  child.once('close', () => {
    children.delete(child);
    if (children.size === 0) unwatch();
  });
}
