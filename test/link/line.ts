/**
 * A line that damages bytes on purpose, and time that passes only when nothing else happens: a
 * session with all its timeouts takes a fraction of a millisecond and is the same every time.
 */
import type { InProcessDevice } from '../../host/link/in-process.js';
import type { Clock, Transport } from '../../host/link/transport.js';

/** What arrives instead of a byte that is sent. */
export type Damage = (byte: number, position: number) => readonly number[];

/** What arrives of bytes sent in one direction; the first of them has this position in it. */
export type Fault = (bytes: Uint8Array, position: number) => Uint8Array;

export const noFault: Fault = (bytes) => bytes;

/** Damages every byte. */
export const everyByte =
  (damage: Damage): Fault =>
  (bytes, from) =>
    Uint8Array.from([...bytes].flatMap((byte, i) => damage(byte, from + i)));

/** Damages the byte at one position. */
export const oneByte =
  (position: number, damage: Damage): Fault =>
  (bytes, from) => {
    const at = position - from;
    if (at < 0 || at >= bytes.length) return bytes;
    const instead = damage(bytes[at]!, position);
    return Uint8Array.of(...bytes.subarray(0, at), ...instead, ...bytes.subarray(at + 1));
  };

export interface VirtualClock extends Clock {
  /** Lets time pass until the next timer; false when there is none. */
  skip(): boolean;
}

export function virtualClock(): VirtualClock {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  return {
    now: () => now,
    after(ms, callback) {
      const timer = { at: now + ms, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    skip() {
      const [next] = [...timers].sort((a, b) => a.at - b.at);
      if (next === undefined) return false;
      timers.delete(next);
      now = next.at;
      next.callback();
      return true;
    },
  };
}

export interface Line extends Transport {
  /** Bytes that went in at either end so far: towards the device, and from it. */
  readonly counts: { toDevice: number; fromDevice: number };
  /** Lets the device work; false when nothing happened. */
  serve(): boolean;
}

/** A device on a line; the faults see the bytes of each direction counted from 0. */
export function faultyLine(
  device: InProcessDevice,
  toDevice: Fault = noFault,
  fromDevice: Fault = noFault,
): Line {
  let onData: (bytes: Uint8Array) => void = () => {};
  let pending = false;
  const counts = { toDevice: 0, fromDevice: 0 };
  return {
    name: 'test',
    counts,
    async write(bytes) {
      device.push(toDevice(bytes, counts.toDevice));
      counts.toDevice += bytes.length;
      pending = true;
    },
    onData: (listener) => void (onData = listener),
    onClose() {},
    async close() {},
    serve() {
      if (!pending) return false;
      pending = false;
      for (let busy = true; busy; ) {
        for (let i = 0; busy && i < 256; i++) busy = device.poll();
        const sent = device.pull();
        if (sent.length === 0) continue;
        const from = counts.fromDevice;
        counts.fromDevice += sent.length;
        onData(fromDevice(sent, from));
      }
      return true;
    },
  };
}

/** Drives line and clock until the promise settles; fails when nothing can happen any more. */
export function drive<T>(promise: Promise<T>, line: Line, clock: VirtualClock): Promise<T> {
  return new Promise((resolve, reject) => {
    let settled = false;
    let idle = 0;
    const turn = (): void => {
      if (settled) return;
      if (line.serve()) idle = 0;
      else if (++idle > 1 && !clock.skip()) {
        reject(new Error('the session hangs: no byte, no timer'));
        return;
      }
      setImmediate(turn);
    };
    promise.then(resolve, reject).finally(() => (settled = true));
    turn();
  });
}
