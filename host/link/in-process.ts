/**
 * A device inside this process, such as the virtual board.
 */
import type { Transport } from './transport.js';

/** A device that is driven from outside: it does something only inside `poll`. */
export interface InProcessDevice {
  /** Hands it received bytes; like a UART, it may drop what does not fit its buffer. */
  push(bytes: Uint8Array): void;
  /** Does the next small thing; false when there is nothing to do until bytes arrive. */
  poll(): boolean;
  /** Takes what it has sent; empty when nothing. */
  pull(): Uint8Array;
  /** Restarts it, where that is possible. */
  reset?(): void;
}

/** After so many milliseconds of polling, timers and other work get their turn. */
const sliceMs = 10;

/** Lets a device work for a slice of time; gives what it says. Returns whether it has more to do. */
function serveSlice(device: InProcessDevice, hear: (bytes: Uint8Array) => boolean): boolean {
  const end = performance.now() + sliceMs;
  let [busy, open] = [true, true];
  while (busy && open && performance.now() < end) {
    for (let i = 0; busy && i < 64; i++) busy = device.poll();
    const sent = device.pull();
    if (sent.length > 0) open = hear(sent);
  }
  return busy;
}

/** A transport to a device that this process drives itself, in turns of the event loop. */
export function inProcessTransport(device: InProcessDevice, name = 'virtual'): Transport {
  let onData: (bytes: Uint8Array) => void = () => {};
  let scheduled = false;
  let closed = false;

  const schedule = (): void => {
    if (scheduled || closed) return;
    scheduled = true;
    setImmediate(serve);
  };
  const serve = (): void => {
    scheduled = false;
    if (closed) return;
    const busy = serveSlice(device, (sent) => {
      onData(sent);
      return !closed;
    });
    if (busy) schedule();
  };

  const { reset } = device;
  return {
    name,
    async write(bytes) {
      device.push(bytes);
      schedule();
    },
    onData: (listener) => void (onData = listener),
    onClose() {},
    ...(reset && {
      async reset() {
        reset.call(device);
        schedule();
      },
    }),
    async close() {
      closed = true;
    },
  };
}
