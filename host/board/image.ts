/**
 * What building firmware yields, whichever compiler did it.
 */
import type { PlacedSection } from './image-map.js';

/** A source tree, by path relative to its root. */
export type SourceTree = ReadonlyMap<string, string>;

/** Memory of a whole image, in bytes. */
export interface ImageSize {
  /** What the flash holds: code, constants, initial values. */
  readonly flash: number;
  /** Stack, initialised and zeroed data. */
  readonly ram: number;
}

export interface StackBound {
  readonly bytes: number;
  /**
   * How the number came about: `call-graph`, the longest path through it with interrupt handlers;
   * `call-graph-without-libc`, the same but the system's C library not counted; `reserved`, what is
   * set aside for it.
   */
  readonly method: 'call-graph' | 'call-graph-without-libc' | 'reserved';
  /** The functions on the deepest path. */
  readonly path: readonly string[];
}

export interface Image {
  /** File name, such as `firmware.elf`. */
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly size: ImageSize;
  readonly stack: StackBound;
  readonly placed: readonly PlacedSection[];
  /** The compiler's version line. */
  readonly compiler: string;
}

/** How a build says that an image is larger than its board. */
export interface Overflow {
  readonly region: string;
  readonly bytes: number;
}

/** Raised by a linker's diagnosis; `compile` turns it into a DoesNotFitError with tensors. */
export class ImageOverflow extends Error {
  readonly overflows: readonly Overflow[];

  constructor(overflows: readonly Overflow[]) {
    super(
      overflows.map(({ region, bytes }) => `${region} overflowed by ${bytes} bytes`).join(', '),
    );
    this.name = 'ImageOverflow';
    this.overflows = overflows;
  }
}
