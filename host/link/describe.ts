/**
 * What a device says about itself: the pages of HELLO as data.
 */
import type { DType } from '../core/dtype.js';
import { LinkError } from '../core/errors.js';

export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Bytes from the start of the arena. */
  readonly offset: number;
  readonly bytes: number;
  readonly scale: number;
  readonly zeroPoint: number;
}

export interface StepInfo {
  /** The lowered value that the step computes. */
  readonly value: string;
  /** The window of its result in the arena. */
  readonly offset: number;
  readonly bytes: number;
  readonly macs: number;
}

export interface Identity {
  /** The first 16 bytes of the SHA-256 of the model's file, as hex. */
  readonly modelHash: string;
  readonly buildHash: string;
  readonly abi: number;
  readonly maxPayload: number;
  readonly rxBytes: number;
}

export interface Facts {
  /** Zero: ticks count instructions. Undefined: the device has no clock. */
  readonly tickHz: number | undefined;
  readonly arenaBytes: number;
  /** Zero: inferences do not depend on each other. */
  readonly stateBytes: number;
  readonly inputCount: number;
  readonly outputCount: number;
  readonly stepCount: number;
  readonly scheme: string;
  readonly name: string;
}

export interface DeviceInfo extends Identity, Facts {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
}

/** ENN_DTYPE_* of device/enn_model.h. */
export const dtypeCodes: ReadonlyMap<number, DType> = new Map([
  [1, 's8'],
  [2, 'u8'],
  [3, 's16'],
  [4, 's32'],
  [5, 'f32'],
]);

const noClock = 0xffffffff;
/** A reply's body begins with nonce and page. */
const pageStart = 6;

/** Runs a parser; a page too short for it becomes a typed error. */
function parse<T>(what: string, body: Uint8Array, parser: (page: Buffer) => T): T {
  try {
    return parser(Buffer.from(body.subarray(pageStart)));
  } catch (cause) {
    throw new LinkError(`The device's description of its ${what} is not understood.`, {
      hint: 'Compile and flash the model again with this version of edge-nn.',
      cause,
    });
  }
}

export const parseIdentity = (body: Uint8Array): Identity =>
  parse('identity', body, (page) => ({
    modelHash: page.toString('hex', 0, 16),
    buildHash: page.toString('hex', 16, 32),
    abi: page.readUInt8(32),
    maxPayload: page.readUInt16LE(33),
    rxBytes: page.readUInt32LE(35),
  }));

export const parseFacts = (body: Uint8Array): Facts =>
  parse('model', body, (page) => {
    const tickHz = page.readUInt32LE(0);
    const schemeEnd = 19 + page.readUInt8(18);
    return {
      tickHz: tickHz === noClock ? undefined : tickHz,
      arenaBytes: page.readUInt32LE(4),
      stateBytes: page.readUInt32LE(8),
      inputCount: page.readUInt16LE(12),
      outputCount: page.readUInt16LE(14),
      stepCount: page.readUInt16LE(16),
      scheme: page.toString('utf8', 19, schemeEnd),
      name: page.toString('utf8', schemeEnd),
    };
  });

export const parseTensor = (body: Uint8Array): TensorInfo =>
  parse('tensors', body, (page) => {
    const dtype = dtypeCodes.get(page.readUInt8(0));
    if (dtype === undefined) throw new RangeError(`dtype code ${page[0]}`);
    const rank = page.readUInt8(1);
    return {
      name: page.toString('utf8', 18 + 4 * rank),
      dtype,
      shape: Array.from({ length: rank }, (_, i) => page.readUInt32LE(18 + 4 * i)),
      offset: page.readUInt32LE(2),
      bytes: page.readUInt32LE(6),
      scale: page.readFloatLE(10),
      zeroPoint: page.readInt32LE(14),
    };
  });

export const parseStep = (body: Uint8Array): StepInfo =>
  parse('steps', body, (page) => ({
    value: page.toString('utf8', 12),
    offset: page.readUInt32LE(0),
    bytes: page.readUInt32LE(4),
    macs: page.readUInt32LE(8),
  }));
