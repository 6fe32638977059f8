/**
 * Requests and replies over a line that loses and damages bytes.
 *
 * Requests go out in order, as many at once as the device's receive buffer holds, and each is
 * executed at most once: the device executes only the request after the last one. Since it also
 * answers in order, any reply to request n proves that all before n were executed. A request whose
 * reply was lost and which is no longer the device's last resolves to `undefined`: executed, answer
 * unknown. The caller knows whether that matters.
 */
import { LinkError } from '../core/errors.js';
import { createSplitter, decodeFrame, encodeFrame, type Frame } from './frame.js';
import { errorNames, packHello, protocol, requestNames } from './protocol.js';
import type { Clock, Transport } from './transport.js';

export interface Reply {
  readonly status: number;
  /** The payload behind the status. */
  readonly body: Uint8Array;
}

export interface Sent {
  readonly sequence: number;
  /** Undefined when the request was executed but its reply was lost. */
  readonly reply: Promise<Reply | undefined>;
}

export interface ChannelOptions {
  /** Without any answer for so long, the device is given up; in milliseconds. */
  readonly timeoutMs: number;
  /** The first wait before something is sent again; doubles each time. */
  readonly retryMs: number;
  readonly clock: Clock;
  /** Makes this session's frames different from those of an earlier one. */
  readonly nonce: number;
}

interface Entry {
  readonly sequence: number;
  readonly type: number;
  readonly bytes: Uint8Array;
  readonly resolve: (reply: Reply | undefined) => void;
  readonly reject: (error: unknown) => void;
}

const sequences = 0x10000;
/** A delimiter in front ends whatever noise came before. */
const delimiter = new Uint8Array(1);

export class Channel {
  readonly #transport: Transport;
  readonly #options: ChannelOptions;
  readonly #onEvent: (frame: Frame) => void;
  /** Not yet answered, in order; the first `#next` of them have been sent. */
  #entries: Entry[] = [];
  #next = 0;
  #sequence = 0;
  /** What may still lie in the device's receive buffer, in order. */
  #ledger: { readonly sequence: number; readonly bytes: number }[] = [];
  #inFlight = 0;
  #rxBytes = 0;
  /** After a timeout, one request at a time until the device answers. */
  #probing = false;
  #pumpQueued = false;
  #progressAt = 0;
  #retries = 0;
  #patient = false;
  #cancelTimer: (() => void) | undefined;
  #error: LinkError | undefined;

  /** @param onEvent called with every event frame of the session */
  constructor(transport: Transport, options: ChannelOptions, onEvent: (frame: Frame) => void) {
    this.#transport = transport;
    this.#options = options;
    this.#onEvent = onEvent;
    const split = createSplitter((block) => {
      const frame = decodeFrame(block);
      if (frame !== undefined && this.#error === undefined) this.#receive(frame);
    });
    transport.onData(split);
    transport.onClose((cause) =>
      this.fail(`The line to ${transport.name} was closed.`, {
        hint: 'Check that the device is still plugged in and powered, or that its process still runs.',
        cause,
      }),
    );
  }

  /**
   * Starts a session at sequence 0.
   *
   * @returns the body of HELLO's identity page
   * @throws LinkError when the device does not answer in time
   */
  async open(): Promise<Uint8Array> {
    this.#rxBytes = Number.POSITIVE_INFINITY;
    const payload = packHello(this.#options.nonce, protocol.pageIdentity);
    const reply = await this.request(protocol.hello, payload).reply;
    this.#rxBytes = Buffer.from(reply!.body).readUInt32LE(41);
    return reply!.body;
  }

  /** Queues a request; requests queued without a pause between them are executed in one piece. */
  request(type: number, payload: Uint8Array): Sent {
    const sequence = this.#sequence;
    const reply = new Promise<Reply | undefined>((resolve, reject) => {
      if (this.#error !== undefined) return reject(this.#error);
      const bytes = encodeFrame(type, sequence, payload);
      this.#entries.push({ sequence, type, bytes, resolve, reject });
    });
    this.#sequence = (sequence + 1) % sequences;
    if (!this.#pumpQueued) {
      this.#pumpQueued = true;
      queueMicrotask(() => {
        this.#pumpQueued = false;
        this.#pump();
      });
    }
    return { sequence, reply };
  }

  /**
   * Waits long before anything is sent again while `work` goes on: what is being measured on the
   * device should not be disturbed.
   */
  async patiently<T>(work: () => Promise<T>): Promise<T> {
    this.#patient = true;
    try {
      return await work();
    } finally {
      this.#patient = false;
    }
  }

  /** Ends the session with an error; every request that waits, and every later one, fails with it. */
  fail(message: string, details: { readonly hint: string; readonly cause?: unknown }): void {
    if (this.#error !== undefined) return;
    this.#error = new LinkError(message, { ...details, where: this.#transport.name });
    this.#cancelTimer?.();
    for (const entry of this.#entries.splice(0)) entry.reject(this.#error);
  }

  async close(): Promise<void> {
    this.fail('The session was closed.', { hint: 'Open a new session.' });
    await this.#transport.close();
  }

  /** Sends what credit allows. */
  #pump(): void {
    if (this.#error !== undefined) return;
    const batch: Uint8Array[] = [];
    for (; this.#next < this.#entries.length; this.#next++) {
      const { sequence, type, bytes } = this.#entries[this.#next]!;
      const prefix = this.#probing || (type === protocol.hello && sequence === 0) ? 1 : 0;
      const full = this.#inFlight + prefix + bytes.length > this.#rxBytes;
      if (this.#ledger.length > 0 && (full || this.#probing)) break;
      if (prefix > 0) batch.push(delimiter);
      batch.push(bytes);
      this.#ledger.push({ sequence, bytes: prefix + bytes.length });
      this.#inFlight += prefix + bytes.length;
    }
    if (batch.length > 0) {
      this.#transport.write(batch.length === 1 ? batch[0]! : Buffer.concat(batch)).catch((cause) =>
        this.fail(`Sending to ${this.#transport.name} failed: ${cause}`, {
          hint: 'Check that the device is still plugged in and powered.',
          cause,
        }),
      );
    }
    if (this.#cancelTimer === undefined && this.#entries.length > 0) this.#startTimer();
  }

  #startTimer(): void {
    const { clock, retryMs, timeoutMs } = this.#options;
    if (this.#retries === 0) this.#progressAt = clock.now();
    const left = this.#progressAt + timeoutMs - clock.now();
    const first = this.#patient ? Math.max(retryMs, timeoutMs / 4) : retryMs;
    const wait = Math.max(0, Math.min(left, first * 2 ** this.#retries));
    this.#cancelTimer = clock.after(wait, () => this.#timeout());
  }

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #timeout(): void {
    this.#cancelTimer = undefined;
    if (this.#entries.length === 0) return;
    const { clock, timeoutMs } = this.#options;
    if (clock.now() - this.#progressAt >= timeoutMs) {
      const request = requestNames.get(this.#entries[0]?.type ?? 0) ?? 'a request';
      this.fail(`${this.#transport.name} did not answer ${request} within ${timeoutMs} ms.`, {
        hint: 'Check cable and power, that the firmware of this project was flashed, and the baud rate; a slow model needs a longer timeout.',
      });
      return;
    }
    this.#retries++;
    this.#ledger = [];
    this.#inFlight = 0;
    this.#next = 0;
    this.#probing = true;
    this.#pump();
  }

  #receive(frame: Frame): void {
    if (frame.type === protocol.error) this.#receiveError(frame);
    else if (frame.type >= protocol.reply) this.#receiveReply(frame);
    else if (frame.type === protocol.eventStep) this.#onEvent(frame);
  }

  /** Whether the frame cannot belong to this session: the device has not said its HELLO yet. */
  #isOpening(): boolean {
    return this.#rxBytes === Number.POSITIVE_INFINITY;
  }

  #receiveReply({ type, sequence, payload }: Frame): void {
    const first = this.#entries[0];
    if (first === undefined || payload.length === 0) return;
    const index = (sequence - first.sequence + sequences) % sequences;
    const entry = this.#entries[index];
    if (entry === undefined || type !== (entry.type | protocol.reply)) return;
    if (this.#isOpening() && !this.#isOurHello(payload)) return;
    this.#credit(sequence);
    this.#settle(index);
    this.#entries.shift();
    this.#next = Math.max(0, this.#next - 1);
    entry.resolve({ status: payload[0]!, body: payload.slice(1) });
    this.#progress();
  }

  #isOurHello(payload: Uint8Array): boolean {
    const view = Buffer.from(payload);
    return (
      view.length === protocol.firstPayload &&
      view[0] === protocol.ok &&
      view.readUInt32LE(1) === this.#options.nonce
    );
  }

  #receiveError({ sequence, payload }: Frame): void {
    const code = payload[0] ?? 0;
    if (code === protocol.badVersion) {
      this.fail(`${this.#transport.name} speaks another version of the protocol.`, {
        hint: 'Compile and flash the model again with this version of edge-nn.',
      });
      return;
    }
    if (this.#isOpening() || payload.length < 3) return;
    if (code === protocol.nak) {
      this.#nak(sequence, Buffer.from(payload).readUInt16LE(1));
      return;
    }
    this.fail(`${this.#transport.name} lost the session: ${errorNames[code] ?? code}.`, {
      hint: 'The device restarted, by a fault or because another program opened it; start again.',
    });
  }

  /** The device executed all requests before `expected`; the last of them it can still answer. */
  #nak(sequence: number, expected: number): void {
    this.#credit(sequence);
    const first = this.#entries[0];
    if (first === undefined) return;
    const executed = (expected - first.sequence + sequences) % sequences;
    if (executed > this.#entries.length) return;
    if (executed > 1) this.#settle(executed - 1);
    const again = this.#entries[0];
    const underWay = this.#ledger.some((sent) => sent.sequence === again?.sequence);
    if (!underWay) this.#next = 0;
    this.#probing = false;
    this.#pump();
  }

  /** Resolves the first `count` requests as executed, their replies lost. */
  #settle(count: number): void {
    for (const entry of this.#entries.splice(0, count)) entry.resolve(undefined);
    this.#next = Math.max(0, this.#next - count);
    if (count > 0) this.#progress();
  }

  /** The device has taken everything up to this request out of its buffer. */
  #credit(sequence: number): void {
    const at = this.#ledger.findIndex((sent) => sent.sequence === sequence);
    for (const sent of this.#ledger.splice(0, at + 1)) this.#inFlight -= sent.bytes;
  }

  #progress(): void {
    this.#retries = 0;
    this.#probing = false;
    this.#stopTimer();
    if (!this.#pumpQueued) this.#pump();
  }
}
