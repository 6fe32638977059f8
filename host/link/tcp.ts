/**
 * A device behind a TCP port: a network bridge, or an emulator's serial socket.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { DeviceNotFoundError } from '../core/errors.js';
import type { Transport } from './transport.js';

/** @throws DeviceNotFoundError when nothing listens there, or not within `timeoutMs` */
export async function tcpTransport(
  host: string,
  port: number,
  timeoutMs = 5000,
): Promise<Transport> {
  const name = `${host}:${port}`;
  const socket = connect({ host, port, noDelay: true });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(timeoutMs) });
  } catch (cause) {
    socket.destroy();
    throw new DeviceNotFoundError(`Cannot connect to ${name}: ${cause}`, {
      hint: 'Check address and port, and that the device or emulator is running.',
      where: name,
      cause,
    });
  }
  let fault: unknown;
  socket.on('error', (error) => (fault = error));
  return {
    name,
    write: (bytes) =>
      new Promise((resolve, reject) =>
        socket.write(bytes, (error) => (error ? reject(error) : resolve())),
      ),
    onData: (listener) => void socket.on('data', listener),
    onClose: (listener) => void socket.once('close', () => listener(fault)),
    async close() {
      if (socket.closed) return;
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
    },
  };
}
