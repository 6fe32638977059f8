/**
 * The verbs, in the order of the work.
 */
import type { Command } from './command.js';
import { benchCommand } from './commands/bench.js';
import { compileCommand } from './commands/compile.js';
import { convertCommand } from './commands/convert.js';
import { demoCommand } from './commands/demo.js';
import { devicesCommand } from './commands/devices.js';
import { doctorCommand } from './commands/doctor.js';
import { evalCommand } from './commands/eval.js';
import { flashCommand } from './commands/flash.js';
import { infoCommand } from './commands/info.js';
import { monitorCommand } from './commands/monitor.js';
import { quantizeCommand } from './commands/quantize.js';
import { runCommand } from './commands/run.js';
import { setupCommand } from './commands/setup.js';
import { trainCommand } from './commands/train.js';

export const commands: readonly Command[] = [
  trainCommand,
  quantizeCommand,
  compileCommand,
  flashCommand,
  monitorCommand,
  runCommand,
  evalCommand,
  benchCommand,
  convertCommand,
  infoCommand,
  devicesCommand,
  doctorCommand,
  setupCommand,
  demoCommand,
];
