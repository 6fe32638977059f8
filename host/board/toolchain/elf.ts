/**
 * The section headers of an ELF image, 32 or 64 bits, little-endian.
 * System V ABI, chapter 4: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.sheader.html
 */

export interface ElfSection {
  readonly name: string;
  readonly bytes: number;
  /** Takes memory when the program runs. */
  readonly allocated: boolean;
  readonly writable: boolean;
  /** Its contents lie in the file, so also in flash; .bss and the stack have none. */
  readonly stored: boolean;
}

const magic = 0x464c457f;
const noBits = 8;
const flagWrite = 1;
const flagAllocate = 2;

/** All sections, in file order. @throws Error when the bytes are no little-endian ELF file */
export function elfSections(image: Uint8Array): ElfSection[] {
  const file = Buffer.from(image.buffer, image.byteOffset, image.byteLength);
  if (file.length < 64 || file.readUInt32LE(0) !== magic || file[5] !== 1) {
    throw new Error('not a little-endian ELF file');
  }
  const wide = file[4] === 2;
  const word = (at: number): number =>
    wide ? Number(file.readBigUInt64LE(at)) : file.readUInt32LE(at);
  const size = wide ? 8 : 4;
  const table = word(wide ? 40 : 32);
  const tail = wide ? 58 : 46;
  const [entryBytes, count, namesAt] = [0, 2, 4].map((k) => file.readUInt16LE(tail + k)) as [
    number,
    number,
    number,
  ];
  const field = (header: number, k: number): number => word(header + 8 + k * size);
  const header = (index: number): number => table + index * entryBytes;
  const names = field(header(namesAt), 2);
  return Array.from({ length: count }, (_, index) => {
    const at = header(index);
    const nameAt = names + file.readUInt32LE(at);
    const flags = field(at, 0);
    return {
      name: file.toString('latin1', nameAt, file.indexOf(0, nameAt)),
      bytes: field(at, 3),
      allocated: (flags & flagAllocate) !== 0,
      writable: (flags & flagWrite) !== 0,
      stored: file.readUInt32LE(at + 4) !== noBits,
    };
  });
}
