/**
 * stderr for people: notes always, a bar on a terminal only.
 */
import cliProgress from 'cli-progress';
import type { Console, ProgressBar } from './command.js';

const barFormat = '{label} {bar} {percentage}% {value}/{total} {detail}';

function terminalBar(label: string, total: number): ProgressBar {
  const bar = new cliProgress.SingleBar(
    {
      format: barFormat,
      hideCursor: true,
      clearOnComplete: true,
      etaBuffer: 50,
      stream: process.stderr,
    },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0, { label, detail: '' });
  return {
    update: (done, detail = '') => bar.update(done, { detail }),
    stop: () => bar.stop(),
  };
}

/** The console of a command-line run. `signal` fires at Ctrl-C; a second Ctrl-C ends at once. */
export function terminalConsole(): Console {
  const abort = new AbortController();
  process.on('SIGINT', () => {
    if (abort.signal.aborted) process.exit(130);
    abort.abort();
  });
  return {
    note: (line) => process.stderr.write(`${line}\n`),
    progress: (label, total) =>
      process.stderr.isTTY ? terminalBar(label, total) : { update() {}, stop() {} },
    signal: abort.signal,
  };
}
