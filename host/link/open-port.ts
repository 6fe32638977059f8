/**
 * What `--port` names: a serial port by its path, or a device behind a network port.
 */
import { UsageError } from '../core/errors.js';
import { serialTransport } from './serial.js';
import { tcpTransport } from './tcp.js';
import type { Transport } from './transport.js';

const tcpPrefix = 'tcp:';

/** `tcp:HOST:PORT`; an IPv6 address stands in brackets. @throws UsageError */
function parseTcp(port: string): readonly [string, number] {
  const [, host, number] = /^(.+):(\d+)$/.exec(port.slice(tcpPrefix.length)) ?? [];
  if (host !== undefined && Number(number) >= 1 && Number(number) <= 65535) {
    return [host.replace(/^\[(.*)\]$/, '$1'), Number(number)];
  }
  throw new UsageError(`${port} is no network port`, {
    hint: 'Write tcp:HOST:PORT, such as tcp:192.168.0.7:5000.',
    where: port,
  });
}

/**
 * Opens `/dev/ttyACM0`, `COM3` or `tcp:HOST:PORT`.
 *
 * @param baudRate of serial ports
 * @throws DeviceNotFoundError (exit code 7) when nothing is there, or it may not be used
 */
export async function openPort(port: string, baudRate?: number): Promise<Transport> {
  if (port.startsWith(tcpPrefix)) return tcpTransport(...parseTcp(port));
  return serialTransport(port, baudRate);
}
