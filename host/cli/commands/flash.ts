/** `edge-nn flash`: a build onto its board, verified by the hash that the device tells. */
import { type FlashResult, flashBuild } from '../../board/flash.js';
import { type Context, command, defined, silent } from '../command.js';
import { read, requireTexts, shared } from '../options.js';
import { facts } from '../table.js';

export interface FlashOptions {
  /** A folder that `compile` wrote. */
  readonly build: string;
  readonly port?: string;
}

/**
 * Flashes a build and asks the device what it runs.
 *
 * @throws FlashVerifyError when the image is not what was compiled, or the device runs another
 */
export async function flash(
  options: FlashOptions,
  _context: Context = silent,
): Promise<FlashResult> {
  requireTexts('flash', options, 'build');
  return flashBuild(options.build, defined({ port: options.port }));
}

export const flashCommand = command<FlashResult>({
  verb: 'flash',
  summary: 'Flash a build and verify it',
  positionals: { build: { describe: 'Folder that compile wrote' } },
  options: { port: shared.port },
  examples: [['edge-nn flash build/lenet5', 'Flash it, then check the hash that the device tells']],
  run: (flags, context) =>
    flash(
      defined({ build: read.required(flags, 'build'), port: read.text(flags, 'port') }),
      context,
    ),
  render: (result) =>
    facts([
      ['board', result.board],
      ['model', result.modelHash],
      ['flashed', `${result.bytes.toLocaleString('en-US')} bytes, verified`],
    ]),
});
