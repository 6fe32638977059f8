/** `edge-nn setup`: installs the compilers and emulators that are missing. */
import { type SetupOptions, type SetupResult, setupMachine } from '../../board/setup.js';
import { type Context, command, silent } from '../command.js';
import { read } from '../options.js';

/**
 * Installs what is missing with apt (through sudo where needed), and nothing else.
 *
 * @throws ToolchainError (exit code 6) with what to do by hand
 */
export const setup = (
  options: Omit<SetupOptions, 'report'> = {},
  context: Context = silent,
): Promise<SetupResult> => setupMachine({ ...options, report: context.note });

export const setupCommand = command<SetupResult>({
  verb: 'setup',
  summary: 'Install the compilers and emulators that are missing',
  options: {
    webgpu: {
      type: 'boolean',
      default: false,
      describe: 'Also what the engine webgpu needs on a machine without a GPU',
    },
    'dry-run': { type: 'boolean', default: false, describe: 'Say what would be done' },
  },
  examples: [
    ['edge-nn setup', 'Install what is missing'],
    ['edge-nn setup --dry-run', 'Only say what would be done'],
  ],
  run: (flags, context) =>
    setup({ webgpu: read.flag(flags, 'webgpu'), dryRun: read.flag(flags, 'dry-run') }, context),
  render: ({ installed }, flags) => {
    if (installed.length === 0) return 'Everything is there already; nothing was changed.';
    const verb = read.flag(flags, 'dry-run') ? 'missing' : 'installed';
    return `${verb}: ${installed.join(', ')}`;
  },
});
