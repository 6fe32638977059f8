/**
 * Attribute schemas: a kind per attribute, from which the TypeScript type, the text form and the
 * verifier's check follow. A kind that ends in `?` may be absent.
 */

interface KindTypes {
  readonly int: number;
  readonly float: number;
  readonly bool: boolean;
  /** Any number of integers. */
  readonly ints: readonly number[];
  /** [height, width] */
  readonly pair: readonly [number, number];
  /** [top, bottom, left, right] */
  readonly quad: readonly [number, number, number, number];
  /** [lowest, highest], both included. */
  readonly range: readonly [number, number];
}

export type AttrKind = keyof KindTypes;
export type AttrSchema = Readonly<Record<string, AttrKind | `${AttrKind}?`>>;
export type AttrValue = number | boolean | readonly number[];

type Optional<S, K extends keyof S> = S[K] extends `${string}?` ? K : never;

/** The attributes that a schema describes, as a readonly object type. */
export type AttrsOf<S extends AttrSchema> = {
  readonly [K in keyof S as Exclude<K, Optional<S, K>>]: S[K] extends AttrKind
    ? KindTypes[S[K]]
    : never;
} & {
  readonly [K in keyof S as Optional<S, K>]?: S[K] extends `${infer B extends AttrKind}?`
    ? KindTypes[B]
    : never;
};

const lengths: Partial<Record<AttrKind, number>> = { pair: 2, quad: 4, range: 2 };

/** Why `value` is not of the kind, or undefined when it is. */
export function attrProblem(kind: string, value: unknown): string | undefined {
  if (value === undefined) return kind.endsWith('?') ? undefined : 'is missing';
  const base = kind.replace('?', '') as AttrKind;
  if (base === 'bool') return typeof value === 'boolean' ? undefined : 'is no boolean';
  if (base === 'float') return typeof value === 'number' ? undefined : 'is no number';
  if (base === 'int') return Number.isInteger(value) ? undefined : 'is no integer';
  if (!Array.isArray(value) || !value.every(Number.isInteger)) return 'is no list of integers';
  const length = lengths[base];
  return length === undefined || value.length === length ? undefined : `needs ${length} integers`;
}
