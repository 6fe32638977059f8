/**
 * Linker maps: which object file put how many bytes where. GNU ld's and wasm-ld's.
 */

/** One input section that reached the image. */
export interface PlacedSection {
  /** Its name, such as `.text.enn_poll` (`-ffunction-sections`), or a function's in WebAssembly. */
  readonly section: string;
  /** The object's file name without folder and suffix, such as `model` or `lib_a-memcpy`. */
  readonly object: string;
  readonly bytes: number;
  /** The output section, such as `.text` or `CODE`. */
  readonly output: string;
}

/** `/usr/lib/libc.a(lib_a-memcpy.o)` -> `lib_a-memcpy`; `build/model.c.o` -> `model`. */
function objectName(path: string): string {
  const member = /\(([^()]+)\)$/.exec(path)?.[1] ?? path;
  return member.replace(/^.*\//, '').replace(/(\.c)?\.(o|obj)$/, '');
}

/**
 * Reads the map of GNU ld (`-Wl,-Map=`). A name longer than its column stands on a line of its own,
 * with address, size and file on the next.
 */
export function parseGnuMap(text: string): PlacedSection[] {
  const start = text.indexOf('Linker script and memory map');
  if (start < 0) throw new Error('no memory map in the linker map');
  const joined = text.slice(start).replace(/\n( [.\w$-]\S*|[.\w]\S*)\n +(?=0x)/g, '\n$1 ');
  const placed: PlacedSection[] = [];
  let output = '';
  for (const line of joined.split('\n')) {
    const outer = /^(\.?[A-Za-z_]\S*)\s+0x[0-9a-f]+\s+0x[0-9a-f]+/.exec(line);
    if (outer) output = outer[1]!;
    const inner = /^ (\S+)\s+0x[0-9a-f]+\s+0x([0-9a-f]+)\s+(\S.*)$/.exec(line);
    if (!inner || inner[1] === '*fill*') continue;
    const bytes = Number.parseInt(inner[2]!, 16);
    if (bytes === 0) continue;
    placed.push({ section: inner[1]!, object: objectName(inner[3]!), bytes, output });
  }
  return placed;
}

/** The driver compiles to temporary files that it numbers at random. */
const randomSuffix = /-[0-9a-f]{6}$/;

/**
 * Reads the map of wasm-ld (`-Wl,-Map=`): columns address, offset, size; then the output section,
 * the input section as `object:(section)`, or a symbol, told apart by their indentation.
 */
export function parseWasmMap(text: string): PlacedSection[] {
  const placed: PlacedSection[] = [];
  let output = '';
  for (const line of text.split('\n').slice(1)) {
    const columns = /^ *(?:-|[0-9a-f]+) +(?:-|[0-9a-f]+) +([0-9a-f]+) (.*)$/.exec(line);
    if (!columns) continue;
    const label = columns[2]!;
    if (/^\S/.test(label)) output = label;
    const inner = /^ {8}(\S+):\(([^()]*)\)$/.exec(label);
    if (!inner) continue;
    const object = objectName(inner[1]!).replace(randomSuffix, '');
    placed.push({ section: inner[2]!, object, bytes: Number.parseInt(columns[1]!, 16), output });
  }
  return placed;
}

/** Sum of the bytes of the sections that a test selects. */
export const placedBytes = (
  placed: readonly PlacedSection[],
  select: (section: PlacedSection) => boolean,
): number => placed.filter(select).reduce((sum, { bytes }) => sum + bytes, 0);
