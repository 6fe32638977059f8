/**
 * Inference on a device over the link.
 *
 *     const session = await Session.open(transport);
 *     const [scores] = await session.infer([image]);
 *     for await (const [scores] of session.inferAll(images)) ...
 *     await session.close();
 *
 * Every operation either returns what the device computed or rejects with a LinkError; none hangs
 * and none returns something else. A result counts only when the device says that the arena it was
 * read from was last changed by this operation's own RUN, whose input CRC it has checked; otherwise
 * what is missing is read again, or the whole inference is repeated. A model with state cannot
 * repeat an inference; its operations run one after the other, so that reading again suffices.
 */
import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { LinkError, UsageError } from '../core/errors.js';
import { Channel, type Reply } from './channel.js';
import {
  type DeviceInfo,
  parseFacts,
  parseIdentity,
  parseStep,
  parseTensor,
  type StepInfo,
  type TensorInfo,
} from './describe.js';
import {
  pack,
  packHello,
  packInput,
  packOutput,
  packRead,
  packRun,
  protocol,
  statusNames,
} from './protocol.js';
import { type Clock, systemClock, type Transport } from './transport.js';

export interface SessionOptions {
  /** Without progress for so long, the device is given up; 10,000 ms unless told. */
  readonly timeoutMs?: number | undefined;
  /** The first wait before something is sent again; 250 ms unless told. */
  readonly retryMs?: number | undefined;
  readonly clock?: Clock | undefined;
  /** 32 bits; random unless told. */
  readonly nonce?: number | undefined;
}

export interface StepCrc {
  readonly step: number;
  /** CRC-32 of the step's window right after it ran. */
  readonly crc: number;
}

export interface Profile {
  /** One number per step, in ticks of `info.tickHz`; undefined when the device has no clock. */
  readonly stepTicks: readonly number[] | undefined;
  /** Zero where the device does not know. */
  readonly stackBytes: number;
  /** The most that was ever in use since the device started. */
  readonly stackUsed: number;
}

interface Request {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** An answer to a read, without the writer's sequence number. */
type Answer = Buffer;

/** How often something is read again or repeated; the line's own retries come below this. */
const attempts = 20;
/** Bytes of a request around an INPUT's data, and of a reply around an OUTPUT's. */
const inputOverhead = 5;
const readOverhead = 3;

/** Splits `count` bytes into pieces of at most `most`. */
const pieces = (count: number, most: number): { offset: number; count: number }[] =>
  Array.from({ length: Math.ceil(count / most) }, (_, i) => ({
    offset: i * most,
    count: Math.min(most, count - i * most),
  }));

export class Session {
  readonly info: DeviceInfo;
  readonly #channel: Channel;
  readonly #name: string;
  readonly #events: Map<number, Map<number, number>>;
  #steps: Promise<readonly StepInfo[]> | undefined;
  /** The end of the queue of operations that must not overlap. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    channel: Channel,
    name: string,
    info: DeviceInfo,
    events: Map<number, Map<number, number>>,
  ) {
    this.#channel = channel;
    this.#name = name;
    this.info = info;
    this.#events = events;
  }

  /**
   * Opens a session; the transport is closed when that fails.
   *
   * @throws LinkError when the device does not answer within `timeoutMs`
   */
  static async open(transport: Transport, options: SessionOptions = {}): Promise<Session> {
    const { timeoutMs = 10_000, retryMs = 250, clock = systemClock } = options;
    const nonce = options.nonce ?? randomInt(2 ** 32);
    const events = new Map<number, Map<number, number>>();
    const channel = new Channel(transport, { timeoutMs, retryMs, clock, nonce }, (frame) => {
      const body = Buffer.from(frame.payload);
      if (body.length === 6) {
        events.get(frame.sequence)?.set(body.readUInt16LE(0), body.readUInt32LE(2));
      }
    });
    try {
      const identity = parseIdentity(await channel.open());
      const facts = parseFacts(await page(channel, nonce, protocol.pageFacts));
      const { inputCount, outputCount } = facts;
      const tensors = await pages(channel, nonce, protocol.pageTensors, inputCount + outputCount);
      const parsed = tensors.map(parseTensor);
      const inputs = parsed.slice(0, inputCount);
      const outputs = parsed.slice(inputCount);
      const info = { ...identity, ...facts, inputs, outputs };
      return new Session(channel, transport.name, info, events);
    } catch (error) {
      await channel.close();
      throw error;
    }
  }

  /**
   * One inference. Calls may overlap; the requests of the next then travel while this one runs.
   *
   * @param inputs one per input of the model, the raw bytes of its tensor
   * @returns one per output, raw bytes
   */
  async infer(inputs: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const changes = this.#load(inputs, this.info.stepCount, 0);
    const reads = this.info.outputs.map((tensor, i) => this.#readOutput(i, tensor));
    const operation = () => this.#exchange(changes, reads.flat());
    const answers = await (this.info.stateBytes > 0 ? this.#alone(operation) : operation());
    let at = 0;
    return reads.map(({ length }) => Buffer.concat(answers.slice(at, (at += length))));
  }

  /** Many inferences, as many at once as the device can buffer; outputs in the order of the inputs. */
  async *inferAll(
    inputs: Iterable<readonly Uint8Array[]> | AsyncIterable<readonly Uint8Array[]>,
  ): AsyncGenerator<Uint8Array[]> {
    const each = this.info.inputs.reduce((sum, { bytes }) => sum + bytes, 64);
    const ahead = Math.min(64, Math.ceil(this.info.rxBytes / each) + 1);
    const queue: Promise<Uint8Array[]>[] = [];
    try {
      for await (const input of inputs) {
        const result = this.infer(input);
        // The consumer meets a rejection in its turn; until then it is not unhandled.
        result.catch(() => {});
        queue.push(result);
        if (queue.length >= ahead) yield await queue.shift()!;
      }
      while (queue.length > 0) yield await queue.shift()!;
    } finally {
      await Promise.allSettled(queue);
    }
  }

  /** One inference that tells the CRC-32 of every step's window. */
  async trace(inputs: readonly Uint8Array[]): Promise<StepCrc[]> {
    const { stepCount } = this.info;
    if (stepCount === 0) return [];
    const changes = this.#load(inputs, stepCount, protocol.runTrace);
    const steps = Array.from({ length: stepCount }, (_, step) => step);
    return this.#alone(async () => {
      let crcs = new Map<number, number>();
      // The last step's LAYER proves that the run took place; events on the way may be lost.
      const last = [layerOf(stepCount - 1)];
      await this.#exchange(changes, last, (writer) => this.#events.set(writer, (crcs = new Map())));
      const missing = steps.filter((step) => !crcs.has(step));
      const answers = await this.#exchange([], missing.map(layerOf));
      for (const [i, step] of missing.entries()) crcs.set(step, answers[i]!.readUInt32LE(0));
      this.#events.clear();
      return steps.map((step) => ({ step, crc: crcs.get(step)! }));
    });
  }

  /** Runs up to a step and returns its window. A model with state must be reset before. */
  async readLayer(inputs: readonly Uint8Array[], step: number): Promise<Uint8Array> {
    const window = (await this.steps())[step];
    if (window === undefined) {
      throw new UsageError(`There is no step ${step}; ${this.#name} has ${this.info.stepCount}.`, {
        hint: 'Steps count from 0.',
      });
    }
    const changes = this.#load(inputs, step + 1, 0);
    return this.#alone(async () => this.#window(window, await this.#layer(changes, step, window)));
  }

  /** One inference, step by step: the window of every step right after it ran. */
  async readLayers(inputs: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const steps = await this.steps();
    const load = this.#load(inputs, 1, 0);
    return this.#alone(async () => {
      const windows: Uint8Array[] = [];
      for (const [k, step] of steps.entries()) {
        const next = { type: protocol.run, payload: packRun(k, k + 1, 0, 0) };
        windows.push(this.#window(step, await this.#layer(k === 0 ? load : [next], k, step)));
      }
      return windows;
    });
  }

  /** One inference that measures every step; also the stack's high-water mark. */
  async profile(inputs: readonly Uint8Array[]): Promise<Profile> {
    const { stepCount, maxPayload, tickHz } = this.info;
    const changes = this.#load(inputs, stepCount, protocol.runProfile);
    // A model that only reshapes has no step, but a stack.
    const count = Math.max(stepCount, 1);
    const reads = pieces(count, Math.floor((maxPayload - 11) / 8)).map(({ offset }) => ({
      type: protocol.profile,
      payload: pack([2, offset]),
    }));
    const answers = await this.#alone(async () => {
      // Bytes that arrive during the run would be measured with it: interrupts take instructions.
      await this.#channel.patiently(() => this.#exchange(changes, []));
      const last = stepCount > 0 ? [layerOf(stepCount - 1)] : [];
      return (await this.#exchange([], [...last, ...reads])).slice(last.length);
    });
    const ticks = answers.flatMap((page) =>
      pieces(page.length - 8, 8).map(({ offset }) => Number(page.readBigUInt64LE(8 + offset))),
    );
    return {
      stepTicks: tickHz === undefined ? undefined : ticks,
      stackBytes: answers[0]!.readUInt32LE(0),
      stackUsed: answers[0]!.readUInt32LE(4),
    };
  }

  /** What each step computes and where; asked once. */
  steps(): Promise<readonly StepInfo[]> {
    const { inputCount, outputCount, stepCount } = this.info;
    const first = protocol.pageTensors + inputCount + outputCount;
    this.#steps ??= pages(this.#channel, 0, first, stepCount).then((bodies) =>
      bodies.map(parseStep),
    );
    return this.#steps;
  }

  /** Puts the model's state to its initial value. */
  async reset(): Promise<void> {
    await this.#alone(() => this.#reset(protocol.resetState));
  }

  /** Restarts the board; the session is over after that. */
  async restart(): Promise<void> {
    await this.#alone(() => this.#reset(protocol.resetBoard));
    await this.close();
  }

  async close(): Promise<void> {
    await this.#channel.close();
  }

  async #reset(what: number): Promise<void> {
    const reply = await this.#channel.request(protocol.reset, pack([1, what])).reply;
    this.#demand(reply);
  }

  /** INPUT for every tensor and the RUN of the steps before `last`. */
  #load(inputs: readonly Uint8Array[], last: number, flags: number): Request[] {
    const { info } = this;
    const wrong = info.inputs.findIndex((tensor, i) => tensor.bytes !== inputs[i]?.length);
    if (wrong >= 0 || inputs.length !== info.inputs.length) {
      const want = info.inputs.map(({ name, bytes }) => `${name}: ${bytes}`).join(', ');
      const got = inputs.map(({ length }) => length).join(', ');
      throw new UsageError(`${this.#name} takes inputs of (${want}) bytes, got (${got}).`, {
        hint: 'Give one tensor for each input of the model, in its order, as raw bytes.',
      });
    }
    const requests = inputs.flatMap((bytes, i) =>
      pieces(bytes.length, info.maxPayload - inputOverhead).map(({ offset, count }) => ({
        type: protocol.input,
        payload: packInput(i, offset, bytes.subarray(offset, offset + count)),
      })),
    );
    const crc = inputs.reduce((sum, bytes) => crc32(bytes, sum), 0);
    return [...requests, { type: protocol.run, payload: packRun(0, last, flags, crc) }];
  }

  #readOutput(index: number, { bytes }: TensorInfo): Request[] {
    return pieces(bytes, this.info.maxPayload - readOverhead).map(({ offset, count }) => ({
      type: protocol.output,
      payload: packOutput(index, offset, count),
    }));
  }

  /** The answers to LAYER and to the READs of a step's window. */
  #layer(changes: readonly Request[], step: number, window: StepInfo): Promise<Answer[]> {
    const reads = pieces(window.bytes, this.info.maxPayload - readOverhead).map((piece) => ({
      type: protocol.read,
      payload: packRead(window.offset + piece.offset, piece.count),
    }));
    return this.#exchange(changes, [layerOf(step), ...reads]);
  }

  #window({ value }: StepInfo, [layer, ...parts]: readonly Answer[]): Uint8Array {
    const bytes = Buffer.concat(parts);
    if (crc32(bytes) === layer!.readUInt32LE(0)) return bytes;
    throw new LinkError(`The window of ${value} does not match its CRC on ${this.#name}.`, {
      hint: 'Do not start other inferences of the same session while a layer is read.',
    });
  }

  /** Runs operations that must not overlap one after the other. */
  #alone<T>(operation: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(operation);
    this.#turn = result.catch(() => {});
    return result;
  }

  /**
   * Sends requests that change the arena and reads what they made, until every answer is there and
   * belongs to the last of these changes. Without changes, the arena stays as it is.
   */
  async #exchange(
    changes: readonly Request[],
    reads: readonly Request[],
    onSent?: (writer: number) => void,
  ): Promise<Answer[]> {
    const send = ({ type, payload }: Request) => this.#channel.request(type, payload);
    for (let attempt = 0; attempt < attempts; attempt++) {
      const sent = changes.map(send);
      const writer = sent.at(-1)?.sequence;
      if (writer !== undefined) onSent?.(writer);
      const all = [...sent, ...reads.map(send)];
      const replies = await Promise.all(all.map(({ reply }) => reply));
      for (const reply of replies.slice(0, sent.length)) this.#demand(reply, true);
      const answers = await this.#complete(reads, replies.slice(sent.length), writer);
      if (answers !== undefined) return answers;
      if (changes.length > 0 && this.info.stateBytes > 0) break;
    }
    throw new LinkError(`${this.#name} did not keep a result until it was read.`, {
      hint: 'Do not mix overlapping operations on one session; if you did not, report this.',
    });
  }

  /** Reads again what was lost; undefined when the arena has moved on to other contents. */
  async #complete(
    reads: readonly Request[],
    replies: (Reply | undefined)[],
    writer: number | undefined,
  ): Promise<Answer[] | undefined> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const stale = replies.some((reply) => reply !== undefined && !isOf(reply, writer));
      if (stale) return undefined;
      const lost = [...replies.keys()].filter((i) => replies[i] === undefined);
      if (lost.length === 0) return replies.map((reply) => Buffer.from(reply!.body.subarray(2)));
      const again = lost.map((i) => this.#channel.request(reads[i]!.type, reads[i]!.payload));
      const answers = await Promise.all(again.map(({ reply }) => reply));
      for (const [k, i] of lost.entries()) replies[i] = answers[k];
    }
    return undefined;
  }

  #demand(reply: Reply | undefined, mayBeLost = false): void {
    if (reply === undefined && mayBeLost) return;
    if (reply?.status === protocol.ok) return;
    const status = reply === undefined ? 'reply lost' : statusNames[reply.status];
    throw new LinkError(`${this.#name} refused a request: ${status ?? reply?.status}.`, {
      hint: 'Compile and flash the model again with this version of edge-nn.',
    });
  }
}

const layerOf = (step: number): Request => ({ type: protocol.layer, payload: pack([2, step]) });

/** Whether an answer is good and about the arena as request `writer` left it. */
const isOf = ({ status, body }: Reply, writer: number | undefined): boolean =>
  status === protocol.ok && (writer === undefined || Buffer.from(body).readUInt16LE(0) === writer);

async function page(channel: Channel, nonce: number, index: number): Promise<Uint8Array> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const reply = await channel.request(protocol.hello, packHello(nonce, index)).reply;
    if (reply?.status === protocol.ok) return reply.body;
    if (reply !== undefined) break;
  }
  throw new LinkError(`The device did not describe its model (page ${index}).`, {
    hint: 'Compile and flash the model again with this version of edge-nn.',
  });
}

const pages = (channel: Channel, nonce: number, first: number, count: number) =>
  Promise.all(Array.from({ length: count }, (_, i) => page(channel, nonce, first + i)));
