/**
 * stderr for people: notes always, a bar on a terminal only.
 */
import cliProgress from 'cli-progress';
import type { Config } from '../front/config.js';
import { type Context, type ProgressBar, signalCodes } from './command.js';
import { duration } from './table.js';

const longestBar = 40;
const shortestBar = 4;

/** One line of at most `columns`: the bar is what gives way to the text. */
export function barLine(
  label: string,
  { done, total }: { readonly done: number; readonly total: number },
  detail: string,
  columns: number,
): string {
  const part = total > 0 ? Math.min(done / total, 1) : 1;
  const text = `${Math.floor(100 * part)}% | ${detail}`;
  // Two blanks, and the last column, in which some terminals wrap.
  const room = columns - label.length - text.length - 3;
  const size = Math.max(shortestBar, Math.min(longestBar, room));
  const full = Math.round(part * size);
  return `${label} ${'\u2588'.repeat(full)}${'\u2591'.repeat(size - full)} ${text}`;
}

function terminalBar(label: string, total: number): ProgressBar {
  const bar = new cliProgress.SingleBar({
    format: (_, { value, eta }, { detail }: { detail: string }) =>
      barLine(
        label,
        { done: value, total },
        detail || `${value}/${total}, ${duration(eta)} left`,
        process.stderr.columns,
      ),
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
    etaBuffer: 50,
  });
  bar.start(total, 0, { detail: '' });
  return {
    update: (done, detail = '') => bar.update(done, { detail }),
    stop: () => bar.stop(),
  };
}

export interface Terminal extends Context {
  /** Removes the bar that an interrupted verb leaves, and shows the cursor again. */
  close(): void;
}

/**
 * The context of a command-line run.
 *
 * @param endsItself `signal` fires at Ctrl-C, a second Ctrl-C ends at once; otherwise the first does
 */
export function terminalContext(config: Config, endsItself: boolean): Terminal {
  const abort = new AbortController();
  let bar: ProgressBar | undefined;
  const close = () => {
    bar?.stop();
    bar = undefined;
  };
  for (const [name, code] of Object.entries(signalCodes)) {
    process.on(name, () => {
      if (endsItself && !abort.signal.aborted) return abort.abort();
      close();
      process.exit(code);
    });
  }
  // Whoever stops reading notes does not end the work; who stops reading what `monitor` shows does.
  process.stderr.on('error', () => {});
  process.stdout.on('error', () => abort.abort());
  const interactive = process.stderr.isTTY === true;
  return {
    config,
    interactive,
    note(line) {
      close();
      process.stderr.write(`${line}\n`);
    },
    progress(label, total) {
      if (!interactive) return { update() {}, stop() {} };
      close();
      bar = terminalBar(label, total);
      return bar;
    },
    signal: abort.signal,
    close,
  };
}
