/**
 * The text form of a data source: `kind:FILE,FILE,option,key=value`.
 */
import { UsageError } from '../core/errors.js';
import type { Shape } from '../core/shape.js';

/** Element types of bare files, by the names that specs and file names use. */
export const fileTypes = {
  u8: Uint8Array,
  s8: Int8Array,
  s16: Int16Array,
  s32: Int32Array,
  f32: Float32Array,
} as const;
export type FileType = keyof typeof fileTypes;

const typeNames: Readonly<Record<string, FileType>> = {
  u8: 'u8',
  uint8: 'u8',
  s8: 's8',
  int8: 's8',
  s16: 's16',
  int16: 's16',
  s32: 's32',
  int32: 's32',
  f32: 'f32',
  float32: 'f32',
};

export const fileType = (name: string): FileType | undefined =>
  Object.hasOwn(typeNames, name) ? typeNames[name] : undefined;

/** `49x10x1` as a shape. */
export const parseDims = (text: string): Shape | undefined =>
  /^[1-9]\d*(x[1-9]\d*)*$/.test(text) ? text.split('x').map(Number) : undefined;

/** What may follow the files of a spec. */
export interface SourceOptions {
  /** Of one input, without the count. */
  readonly shape?: Shape;
  /** Element type of the input file. */
  readonly type?: FileType;
  /** Element type of the target file: `y=s32`. */
  readonly targetType?: FileType;
  /** What the targets are: `target=class` or `target=values`. */
  readonly target?: 'class' | 'values';
  /** real = scale * (stored - zero): `scale=0.58,zero=83`. */
  readonly scale?: number;
  readonly zero?: number;
}

export interface Source extends SourceOptions {
  readonly kind: 'mnist' | 'idx' | 'npy' | 'raw' | 'csv';
  /** The spec as given. */
  readonly spec: string;
  readonly files: readonly string[];
}

const fileCounts: Readonly<Record<Source['kind'], number>> = {
  mnist: 0,
  idx: 1,
  npy: 2,
  raw: 2,
  csv: 1,
};

const forms = 'mnist, idx:DIR, npy:X,Y, raw:X,Y,SHAPE,DTYPE, csv:FILE, or a name in the config';

const usage = (spec: string, what: string): UsageError =>
  new UsageError(`data '${spec}': ${what}`, { hint: `Data is one of: ${forms}.`, where: spec });

/** `key=value` as an option; undefined where the key or the value is none. */
function keyedOption(key: string, value: string): SourceOptions | undefined {
  const number = Number(value);
  if (key === 'scale') return Number.isFinite(number) && number > 0 ? { scale: number } : undefined;
  if (key === 'zero') return Number.isInteger(number) ? { zero: number } : undefined;
  if (key === 'target') {
    return value === 'class' || value === 'values' ? { target: value } : undefined;
  }
  const type = fileType(value);
  if (key === 'y' && type) return { targetType: type };
  return key === 'x' && type ? { type } : undefined;
}

function option(spec: string, text: string): SourceOptions {
  const at = text.indexOf('=');
  const shape = parseDims(text);
  const type = fileType(text);
  const found =
    at >= 0
      ? keyedOption(text.slice(0, at), text.slice(at + 1))
      : shape
        ? { shape }
        : type && { type };
  if (found) return found;
  throw usage(
    spec,
    `cannot read '${text}'; expected a shape (28x28x1), a type (${Object.keys(fileTypes).join(', ')}), x=TYPE, y=TYPE, scale=S, zero=Z or target=class|values`,
  );
}

/**
 * Reads a spec.
 *
 * @throws UsageError naming the part that cannot be read
 */
export function parseSpec(spec: string): Source {
  const colon = spec.indexOf(':');
  const kind = colon < 0 ? spec : spec.slice(0, colon);
  if (!Object.hasOwn(fileCounts, kind)) throw usage(spec, `unknown source '${kind}'`);
  const count = fileCounts[kind as Source['kind']];
  const parts =
    colon < 0
      ? []
      : spec
          .slice(colon + 1)
          .split(',')
          .map((part) => part.trim());
  const files = parts.slice(0, count);
  if (files.length < count || files.includes('')) {
    throw usage(spec, `${kind} needs ${count} file${count > 1 ? 's' : ''} after the colon`);
  }
  const options = parts.slice(count).map((text) => option(spec, text));
  return Object.assign({ kind: kind as Source['kind'], spec, files }, ...options) as Source;
}
