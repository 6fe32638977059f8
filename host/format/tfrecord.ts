/**
 * TFRecord: records one after another, each
 *
 *     uint64 length      little-endian
 *     uint32 masked CRC-32C of the eight bytes of the length
 *     byte   data[length]
 *     uint32 masked CRC-32C of the data
 *
 * with mask(crc) = rotate right by 15, plus 0xa282ead8, modulo 2^32.
 * Source: https://www.tensorflow.org/tutorials/load_data/tfrecord ("TFRecords format details").
 */
import { BadInputError } from '../core/errors.js';
import { lazyPackage } from '../core/lazy-package.js';
import { type ByteFile, diskBytes, memoryBytes, readAhead } from './byte-file.js';

const crc32c = lazyPackage<typeof import('crc-32')>('crc-32/crc32c.js');

const headerBytes = 12;
const footerBytes = 4;

/** The masked CRC-32C of some bytes, as TFRecord stores it. */
export function maskedCrc32c(bytes: Uint8Array): number {
  const value = crc32c().buf(bytes) >>> 0;
  return (((value >>> 15) | (value << 17)) + 0xa282ead8) >>> 0;
}

/** One record with its length and checksums, as it stands in a file. */
export function encodeTfrecord(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(headerBytes + data.length + footerBytes);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(out.subarray(0, 8)), true);
  out.set(data, headerBytes);
  view.setUint32(headerBytes + data.length, maskedCrc32c(data), true);
  return out;
}

/** A record and where its data lies in the file. */
export interface Tfrecord {
  readonly offset: number;
  /** A view that is valid until the next record is read. */
  readonly data: Uint8Array;
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function damaged(file: string, offset: number, what: string, hint: string): BadInputError {
  return new BadInputError(`tfrecord: ${what}`, { hint, where: `${file}:${offset}` });
}

const cutHint = 'The file was cut off, or its writer did not close it; write or copy it again.';
const changedHint =
  'The file was changed after it was written, or damaged; write or copy it again.';

function need({ file, size }: ByteFile, offset: number, length: number, what: string): void {
  if (offset + length <= size) return;
  const message = `${what} at offset ${offset} needs ${length} bytes, the file has ${size - offset} left of ${size}`;
  throw damaged(file, offset, message, cutHint);
}

function checkCrc(file: string, offset: number, what: string, data: Uint8Array, crc: number): void {
  const got = maskedCrc32c(data);
  if (got === crc) return;
  const hex = (n: number): string => `0x${n.toString(16).padStart(8, '0')}`;
  const message = `${what} at offset ${offset} has the checksum ${hex(got)}, the file says ${hex(crc)}`;
  const first = offset === 0 && what === 'the length of a record';
  const hint = first
    ? 'This may be no TFRecord file; unpack it first if it is zipped.'
    : changedHint;
  throw damaged(file, offset, message, hint);
}

/** The length of the data of the record at `offset`. @throws BadInputError */
function lengthAt(source: ByteFile, offset: number): number {
  need(source, offset, headerBytes, 'the header of a record');
  const header = source.read(offset, headerBytes);
  const view = viewOf(header);
  checkCrc(
    source.file,
    offset,
    'the length of a record',
    header.subarray(0, 8),
    view.getUint32(8, true),
  );
  return Number(view.getBigUint64(0, true));
}

/** The data of the record whose header is at `offset`, both checksums checked. */
function recordAt(source: ByteFile, offset: number): Tfrecord {
  const length = lengthAt(source, offset);
  const start = offset + headerBytes;
  need(source, start, length + footerBytes, 'a record');
  const bytes = source.read(start, length + footerBytes);
  const data = bytes.subarray(0, length);
  checkCrc(source.file, start, 'a record', data, viewOf(bytes).getUint32(length, true));
  return { offset: start, data };
}

/** The data of `length` bytes at `offset` of a file that was scanned before, its checksum checked. */
export function readTfrecordAt(source: ByteFile, offset: number, length: number): Uint8Array {
  const bytes = source.read(offset, length + footerBytes);
  const data = bytes.subarray(0, length);
  checkCrc(source.file, offset, 'a record', data, viewOf(bytes).getUint32(length, true));
  return data;
}

/**
 * The records of a file in order, both checksums of each checked. At most one record and a window
 * of 4 MB are in memory.
 *
 * @param source a path, or bytes
 * @throws BadInputError naming file and offset of what is cut off or damaged
 */
export function* readTfrecords(
  source: string | Uint8Array | ByteFile,
  file = 'tfrecord data',
): Generator<Tfrecord> {
  const bytes =
    typeof source === 'string'
      ? diskBytes(source)
      : source instanceof Uint8Array
        ? memoryBytes(source, file)
        : source;
  const ahead = readAhead(bytes);
  for (let offset = 0; offset < bytes.size; ) {
    const record = recordAt(ahead, offset);
    const end = record.offset + record.data.length + footerBytes;
    yield record;
    offset = end;
  }
}
