/**
 * Frames on the line: header, payload, CRC-32, all of it COBS-encoded, ended by 0x00.
 * The layout is in device/README.md; COBS: https://doi.org/10.1109/90.769765.
 */
import { crc32 } from 'node:zlib';
import { protocol } from './protocol.js';

export interface Frame {
  readonly version: number;
  readonly type: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** COBS without the delimiter: no zero byte in the result. */
export function cobsEncode(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + Math.floor(bytes.length / 254) + 1);
  let codeAt = 0;
  let at = 1;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte !== 0) out[at++] = byte;
    const full = at - codeAt === 255;
    if (byte === 0 || (full && i + 1 < bytes.length)) {
      out[codeAt] = at - codeAt;
      codeAt = at++;
    }
  }
  out[codeAt] = at - codeAt;
  return out.subarray(0, at);
}

/** The inverse of `cobsEncode`; undefined when the bytes are no COBS block. */
export function cobsDecode(block: Uint8Array): Uint8Array | undefined {
  const out = new Uint8Array(block.length);
  let count = 0;
  for (let at = 0; at < block.length; ) {
    const code = block[at]!;
    const end = at + code;
    if (code === 0 || end > block.length) return undefined;
    out.set(block.subarray(at + 1, end), count);
    count += code - 1;
    if (code !== 0xff && end < block.length) out[count++] = 0;
    at = end;
  }
  return out.subarray(0, count);
}

/** The bytes to send for a frame, delimiter included. */
export function encodeFrame(type: number, sequence: number, payload: Uint8Array): Uint8Array {
  const body = Buffer.alloc(protocol.headerBytes + payload.length + protocol.crcBytes);
  body.writeUInt8(protocol.protocolVersion, 0);
  body.writeUInt8(type, 1);
  body.writeUInt16LE(sequence, 2);
  body.writeUInt16LE(payload.length, 4);
  body.set(payload, protocol.headerBytes);
  const end = body.length - protocol.crcBytes;
  body.writeUInt32LE(crc32(body.subarray(0, end)), end);
  return Buffer.concat([cobsEncode(body), new Uint8Array(1)]);
}

/** The frame in one block between delimiters; undefined when anything about it is wrong. */
export function decodeFrame(block: Uint8Array): Frame | undefined {
  const bytes = cobsDecode(block);
  if (bytes === undefined || bytes.length < protocol.headerBytes + protocol.crcBytes) return;
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = body.length - protocol.crcBytes;
  if (body.readUInt16LE(4) !== end - protocol.headerBytes) return;
  if (crc32(body.subarray(0, end)) !== body.readUInt32LE(end)) return;
  return {
    version: body[0]!,
    type: body[1]!,
    sequence: body.readUInt16LE(2),
    payload: bytes.subarray(protocol.headerBytes, end),
  };
}

/** No frame is longer; more bytes than this without a delimiter are noise. */
const longestBlock = 66_000;

/**
 * Cuts a byte stream into the blocks between delimiters.
 *
 * @param onBlock called with each block that is not empty
 * @returns the function to feed chunks to, in order
 */
export function createSplitter(onBlock: (block: Uint8Array) => void): (chunk: Uint8Array) => void {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const hold = (bytes: Uint8Array): void => {
    if (heldBytes <= longestBlock) held.push(bytes.slice());
    heldBytes += bytes.length;
  };
  return (chunk) => {
    let at = 0;
    for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0, at)) {
      const tail = chunk.subarray(at, end);
      const block = heldBytes === 0 ? tail : Buffer.concat([...held, tail]);
      at = end + 1;
      if (block.length > 0 && heldBytes <= longestBlock) onBlock(block);
      held = [];
      heldBytes = 0;
    }
    if (at < chunk.length) hold(chunk.subarray(at));
  };
}
