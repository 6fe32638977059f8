/** `edge-nn devices`: what is plugged in, and which boards this machine can emulate. */
import { type DevicesResult, listDevices } from '../../board/devices.js';
import { command } from '../command.js';
import { table } from '../table.js';

/** Serial ports and boards. */
export const devices = (): Promise<DevicesResult> => listDevices();

function render({ ports, boards }: DevicesResult): string {
  const usb = (vendor?: string, product?: string) => (vendor ? `${vendor}:${product ?? '?'}` : '');
  const portTable =
    ports.length === 0
      ? 'no serial port'
      : table(
          ['port', 'USB', 'maker'],
          ports.map((p) => [p.path, usb(p.vendorId, p.productId), p.manufacturer ?? '']),
        );
  const boardTable = table(
    ['board', 'CPU', '', 'what'],
    boards.map(({ name, cpu, missing, description }) => [
      name,
      cpu,
      missing.length === 0 ? 'ready' : `needs ${missing.join(', ')}`,
      description,
    ]),
  );
  return `${portTable}\n\n${boardTable}`;
}

export const devicesCommand = command<DevicesResult>({
  verb: 'devices',
  summary: 'Serial ports, and the boards that can be used here',
  options: {},
  examples: [['edge-nn devices', 'Ports and boards, emulated ones too']],
  run: () => devices(),
  render,
});
