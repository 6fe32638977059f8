/**
 * stderr for people: notes always, a bar on a terminal only.
 */
import cliProgress from 'cli-progress';
import type { Config } from '../front/config.js';
import type { Context, ProgressBar } from './command.js';

const format = '{label} {bar} {percentage}% | {value}/{total} | {eta_formatted} left {detail}';

function terminalBar(label: string, total: number): ProgressBar {
  const bar = new cliProgress.SingleBar(
    { format, hideCursor: true, clearOnComplete: true, stream: process.stderr, etaBuffer: 50 },
    cliProgress.Presets.shades_classic,
  );
  bar.start(total, 0, { label, detail: '' });
  return {
    update: (done, detail = '') => bar.update(done, { detail: detail && `| ${detail}` }),
    stop: () => bar.stop(),
  };
}

/** The context of a command-line run. `signal` fires at Ctrl-C; a second Ctrl-C ends at once. */
export function terminalContext(config: Config): Context {
  const abort = new AbortController();
  const stop = () => {
    if (abort.signal.aborted) process.exit(130);
    abort.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const interactive = process.stderr.isTTY === true;
  return {
    config,
    interactive,
    note: (line) => process.stderr.write(`${line}\n`),
    progress: (label, total) =>
      interactive ? terminalBar(label, total) : { update() {}, stop() {} },
    signal: abort.signal,
  };
}
