/**
 * Lists of numbers whose length is not known beforehand, in typed arrays: a plain array of millions
 * of numbers would not fit into the heap.
 */

type Grown = Float64Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

export interface Growing<T extends Grown> {
  push(x: number): void;
  /** All numbers so far; a view that later pushes may leave behind. */
  all(): T;
}

/** An empty list; `make` allocates its memory. */
export function growing<T extends Grown>(make: (length: number) => T): Growing<T> {
  let data = make(1024);
  let length = 0;
  return {
    push(x) {
      if (length === data.length) {
        const larger = make(2 * length);
        larger.set(data);
        data = larger;
      }
      data[length++] = x;
    },
    all: () => data.subarray(0, length) as T,
  };
}
