/**
 * What travels on a line, for people: frames in words, everything else as text.
 */
import { parseIdentity } from './describe.js';
import { createSplitter, decodeFrame, type Frame } from './frame.js';
import { errorNames, protocol, requestNames, statusNames } from './protocol.js';

const shownBytes = 16;
/** Where a HELLO's reply names its page: after status and nonce. */
const helloPageAt = 5;

function hex(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, shownBytes)).toString('hex');
  return bytes.length > shownBytes ? `${head}... (${bytes.length} bytes)` : head;
}

/** A frame in one line, such as `reply RUN #3 ok`. */
function describeFrame({ type, sequence, payload }: Frame): string {
  const body = Buffer.from(payload);
  if (type === protocol.error && body.length >= 3) {
    const name = errorNames[body[0]!] ?? `error ${body[0]}`;
    return `${name} #${sequence}, expected #${body.readUInt16LE(1)}`;
  }
  if (type === protocol.eventStep && body.length === 6) {
    const crc = body.readUInt32LE(2).toString(16).padStart(8, '0');
    return `step ${body.readUInt16LE(0)} of #${sequence}: CRC ${crc}`;
  }
  const name = requestNames.get(type & ~protocol.reply) ?? `type 0x${type.toString(16)}`;
  if (type < protocol.reply) return `request ${name} #${sequence} ${hex(body)}`.trimEnd();
  const status = statusNames[body[0] ?? -1] ?? `status ${body[0]}`;
  if (
    type === (protocol.hello | protocol.reply) &&
    body.length > 40 &&
    body.readUInt16LE(helloPageAt) === protocol.pageIdentity
  ) {
    const { modelHash, buildHash, abi, rxBytes } = parseIdentity(body.subarray(1));
    return `reply HELLO #${sequence} ${status}: model ${modelHash}, build ${buildHash}, ABI ${abi}, ${rxBytes} bytes of receive buffer`;
  }
  return `reply ${name} #${sequence} ${status} ${hex(body.subarray(1))}`.trimEnd();
}

/** Text as it is, other bytes as `\xNN`. */
const printable = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('latin1')
    .replace(/[^\t\n\r\x20-\x7e]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);

/**
 * Decodes a line's bytes. Text without a delimiter is passed on by `end`.
 *
 * @param onLine called with each line to show
 */
export function createMonitor(onLine: (line: string) => void): {
  feed(chunk: Uint8Array): void;
  end(): void;
} {
  const split = createSplitter((block) => {
    const frame = decodeFrame(block);
    if (frame !== undefined) return onLine(describeFrame(frame));
    for (const line of printable(block).split(/\r?\n/)) if (line !== '') onLine(line);
  });
  return { feed: split, end: () => split(new Uint8Array(1)) };
}
