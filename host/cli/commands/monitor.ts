/** `edge-nn monitor`: what a device says; text as it is, frames in words. */
import { openBoard } from '../../board/open.js';
import { exitCodes, UsageError } from '../../core/errors.js';
import { encodeFrame } from '../../link/frame.js';
import { createMonitor } from '../../link/monitor.js';
import { openPort } from '../../link/open-port.js';
import { packHello, protocol } from '../../link/protocol.js';
import type { Transport } from '../../link/transport.js';
import { type Context, command, defined, silent } from '../command.js';
import { read, requirePositive } from '../options.js';

export interface MonitorOptions {
  /** A flashed build of an emulated board; or give `port`. */
  readonly build?: string;
  /** A serial port, or `tcp:HOST:PORT`. */
  readonly port?: string;
  /** Default 115200. */
  readonly baud?: number;
  /** Ends after so many seconds; default: at Ctrl-] or Ctrl-C. */
  readonly seconds?: number;
  /** Asks the device who it is, so that there is something to see. */
  readonly hello?: boolean;
  /** Hears every line; default: it is written to stdout. */
  readonly onLine?: (line: string) => void;
}

export interface MonitorReport {
  readonly port: string;
  readonly lines: number;
}

async function open({ build, port, baud, seconds }: MonitorOptions): Promise<Transport> {
  requirePositive('baud', baud);
  requirePositive('seconds', seconds);
  if (port !== undefined) return openPort(port, baud);
  if (build !== undefined) return openBoard(build);
  throw new UsageError('nothing to listen to', {
    hint: 'Give --port (see `edge-nn devices`), or the folder of a flashed build.',
  });
}

/** Ctrl-] (0x1d) or Ctrl-C from a terminal in raw mode. */
const leaveKeys: ReadonlySet<number> = new Set([0x1d, 0x03]);

/** Resolves when the person leaves, the signal fires, the time is up or the line closes. */
function untilEnd(options: MonitorOptions, context: Context, transport: Transport): Promise<void> {
  const { stdin } = process;
  return new Promise<void>((resolve) => {
    transport.onClose(() => resolve());
    context.signal.addEventListener('abort', () => resolve(), { once: true });
    if (options.seconds !== undefined) setTimeout(resolve, 1000 * options.seconds);
    if (!context.interactive || !stdin.isTTY) return;
    stdin.setRawMode(true);
    stdin.on('data', (keys: Buffer) => {
      if (keys.some((key) => leaveKeys.has(key))) resolve();
      else void transport.write(keys);
    });
  }).finally(() => {
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
  });
}

/**
 * Shows what comes over a line until it is left.
 *
 * @throws DeviceNotFoundError (exit code 7) when the port is missing, in use or not permitted
 */
export async function monitor(
  options: MonitorOptions,
  context: Context = silent,
): Promise<MonitorReport> {
  const transport = await open(options);
  const show = options.onLine ?? ((line) => process.stdout.write(`${line}\n`));
  let lines = 0;
  const { feed, end } = createMonitor((line) => {
    lines++;
    show(line);
  });
  transport.onData(feed);
  if (context.interactive) context.note(`${transport.name}; Ctrl-] leaves`);
  if (options.hello) {
    const hello = encodeFrame(protocol.hello, 0, packHello(0, protocol.pageIdentity));
    await transport.write(Buffer.concat([Uint8Array.of(0), hello]));
  }
  await untilEnd(options, context, transport);
  end();
  await transport.close();
  return { port: transport.name, lines };
}

export const monitorCommand = command<MonitorReport>({
  verb: 'monitor',
  summary: 'Show what a device says; Ctrl-] leaves',
  positionals: { build: { describe: 'Flashed build of an emulated board', demandOption: false } },
  options: {
    port: { type: 'string', describe: 'Serial port, such as /dev/ttyACM0, or tcp:HOST:PORT' },
    baud: { type: 'number', default: 115200, describe: 'Baud rate' },
    seconds: { type: 'number', describe: 'End after so many seconds' },
    hello: { type: 'boolean', default: false, describe: 'Ask the device who it is first' },
  },
  examples: [
    ['edge-nn monitor --port /dev/ttyACM0', 'A real board'],
    ['edge-nn monitor build/lenet5 --hello --seconds 2', 'An emulated one'],
  ],
  run: (flags, context) =>
    monitor(
      defined({
        build: read.text(flags, 'build'),
        port: read.text(flags, 'port'),
        baud: read.number(flags, 'baud'),
        seconds: read.number(flags, 'seconds'),
        hello: read.flag(flags, 'hello'),
        // With --json, stdout carries the one document and nothing else.
        onLine: read.flag(flags, 'json') ? context.note : undefined,
      }),
      context,
    ),
  render: () => '',
  interrupted: exitCodes.ok,
});
