/**
 * What is plugged in, and which emulated boards this machine can run.
 */
import { listPorts, type PortInfo } from '../link/ports.js';
import { type BoardState, boardStates, toolStates } from './doctor.js';

export interface DevicesResult {
  readonly ports: readonly PortInfo[];
  readonly boards: readonly BoardState[];
}

/** Serial ports and boards. */
export async function listDevices(): Promise<DevicesResult> {
  const [ports, states] = await Promise.all([listPorts(), toolStates()]);
  return { ports, boards: boardStates(states) };
}
