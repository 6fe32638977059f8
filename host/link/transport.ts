/**
 * What the link needs of a line: bytes both ways. Bytes may be lost or damaged on it, not reordered.
 */
export interface Transport {
  /** How messages name it: a port, an address, a board. */
  readonly name: string;
  /** Resolves when the bytes have been handed on; rejects when the line is gone. */
  write(bytes: Uint8Array): Promise<void>;
  /** Sets the one listener that gets every received chunk. */
  onData(listener: (bytes: Uint8Array) => void): void;
  /** Sets the one listener that hears, once, that the line is gone. */
  onClose(listener: (cause?: unknown) => void): void;
  /** Restarts the device, where the line can (a USB serial port's DTR; a PTY has none). */
  reset?(): Promise<void>;
  close(): Promise<void>;
}

/** Time, so that tests can bring their own. */
export interface Clock {
  /** Milliseconds from any origin. */
  now(): number;
  /** Calls back once after that many milliseconds; the result cancels. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
