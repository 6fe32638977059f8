/**
 * A device on a serial port, or an emulator on a PTY.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { SerialPort } from 'serialport';
import { DeviceNotFoundError } from '../core/errors.js';
import type { Transport } from './transport.js';

/** Many boards restart when DTR drops; they need so long to see it. */
const resetPulseMs = 100;

function openingError(path: string, cause: Error): DeviceNotFoundError {
  const text = cause.message;
  const [what, hint] = /permission|EACCES|access denied/i.test(text)
    ? [
        'no permission',
        'Add yourself to the group of serial ports: sudo usermod -aG dialout $USER, then log in again.',
      ]
    : /lock|busy|EBUSY|in use|Resource temporarily/i.test(text)
      ? ['it is in use', `Close the program that has ${path} open (fuser ${path} names it).`]
      : /no such file|ENOENT|cannot find|not found/i.test(text)
        ? ['there is no such port', 'Plug the device in; edge-nn devices lists the ports.']
        : [text, 'Check the port with edge-nn devices; unplug the device and plug it in again.'];
  return new DeviceNotFoundError(`Cannot open ${path}: ${what}.`, { hint, where: path, cause });
}

/** Sets or clears DTR. A PTY has no such line and says ENOTTY, which is no failure. */
const setDtr = (port: SerialPort, dtr: boolean): Promise<void> =>
  new Promise((resolve) => port.set({ dtr, rts: dtr }, () => resolve()));

/**
 * Opens a port.
 *
 * @param baudRate ignored by PTYs and by most boards with USB of their own
 * @throws DeviceNotFoundError when it is missing, in use or not permitted
 */
export async function serialTransport(path: string, baudRate = 115200): Promise<Transport> {
  // Most verbs open no port: the bindings are loaded only here.
  const { SerialPort } = await import('serialport');
  const port = new SerialPort({ path, baudRate, autoOpen: false });
  let fault: unknown;
  let onClose: (cause?: unknown) => void = () => {};
  // Without a listener an error would end the process.
  port.on('error', (error) => (fault = error));
  port.on('close', (error: unknown) => onClose(error ?? fault));
  await new Promise<void>((resolve, reject) =>
    port.open((error) => (error ? reject(openingError(path, error)) : resolve())),
  );
  return {
    name: path,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        if (!port.isOpen) return reject(fault ?? new Error('the port is closed'));
        port.write(Buffer.from(bytes), (error) => (error ? reject(error) : resolve()));
      }),
    onData: (listener) => void port.on('data', listener),
    onClose: (listener) => void (onClose = listener),
    async reset() {
      await setDtr(port, false);
      await wait(resetPulseMs);
      await setDtr(port, true);
    },
    async close() {
      if (!port.isOpen) return;
      await new Promise<void>((resolve) => port.close(() => resolve()));
    },
  };
}
