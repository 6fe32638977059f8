/**
 * The numbers of the link protocol, under the names of device/enn_protocol.h without their prefix
 * (test/link/protocol.test.ts compares the two). device/README.md has the layouts.
 */
export const protocol = {
  protocolVersion: 1,
  headerBytes: 6,
  crcBytes: 4,
  firstPayload: 48,
  minPayload: 64,

  hello: 0x01,
  input: 0x02,
  run: 0x03,
  output: 0x04,
  layer: 0x05,
  read: 0x06,
  profile: 0x07,
  reset: 0x08,
  lastRequest: 0x3f,
  reply: 0x80,
  eventStep: 0x40,
  error: 0xff,

  ok: 0,
  badRequest: 1,
  badState: 2,
  badInput: 3,
  unsupported: 4,

  nak: 1,
  noSession: 2,
  badVersion: 3,

  pageIdentity: 0,
  pageFacts: 1,
  pageTensors: 2,

  runTrace: 1,
  runProfile: 2,

  resetState: 0,
  resetBoard: 1,
} as const;

/** Request types by number, for messages and the monitor. */
export const requestNames: ReadonlyMap<number, string> = new Map(
  (['hello', 'input', 'run', 'output', 'layer', 'read', 'profile', 'reset'] as const).map(
    (name) => [protocol[name], name.toUpperCase()],
  ),
);

/** Reply statuses by number. */
export const statusNames: readonly string[] = [
  'ok',
  'bad request',
  'bad state',
  'input CRC differs',
  'unsupported request',
];

/** Codes of error frames by number. */
export const errorNames: readonly string[] = ['', 'NAK', 'no session', 'protocol version'];

/** Little-endian bytes from [size, value] pairs; a size is 1, 2 or 4, values are unsigned. */
export function pack(...fields: readonly (readonly [1 | 2 | 4, number])[]): Uint8Array {
  const bytes = Buffer.alloc(fields.reduce((sum, [size]) => sum + size, 0));
  let at = 0;
  for (const [size, value] of fields) at = bytes.writeUIntLE(value, at, size);
  return bytes;
}

export const packInput = (tensor: number, offset: number, bytes: Uint8Array): Uint8Array =>
  Buffer.concat([pack([1, tensor], [4, offset]), bytes]);

/** @param crc CRC-32 of all inputs, one after the other; used when `first` is 0 */
export const packRun = (first: number, last: number, flags: number, crc: number): Uint8Array =>
  pack([2, first], [2, last], [1, flags], [4, crc]);

export const packOutput = (tensor: number, offset: number, count: number): Uint8Array =>
  pack([1, tensor], [4, offset], [2, count]);

export const packRead = (offset: number, count: number): Uint8Array =>
  pack([4, offset], [2, count]);

export const packHello = (nonce: number, page: number): Uint8Array => pack([4, nonce], [2, page]);
