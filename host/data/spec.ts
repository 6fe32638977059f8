/**
 * The text form of a data source: `kind:FILE,FILE,option,key=value`. The tables here say which
 * sources there are, and which options each takes.
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
  /** Of one input, without the count; of images `HxW` or `HxWxC`. */
  readonly shape?: Shape;
  /** Element type of the input file, or of raw bytes in a TFRecord: `x=f32`, or just `f32`. */
  readonly type?: FileType;
  /** Element type of the target file: `y=s32`. */
  readonly targetType?: FileType;
  /** What the targets are: `target=class` or `target=values`. */
  readonly target?: 'class' | 'values';
  /** real = scale * (stored - zero): `scale=0.58,zero=83`. */
  readonly scale?: number;
  readonly zero?: number;
  /** The feature or array that is the input: `input=image_raw`. */
  readonly input?: string;
  /** The feature, array or column that is the target: `label=species`. */
  readonly label?: string;
  /** Names of the classes in the order of their numbers: `classes=yes/no/unknown`. */
  readonly classes?: readonly string[];
  /** How images come to another size; see resize.ts. */
  readonly fit?: Fit;
  readonly resize?: Resampling;
  /** The part of the examples that is held back for testing: `split=0.2`, drawn by `seed=7`. */
  readonly split?: number;
  readonly seed?: number;
  /** What a clip becomes: `front=mfcc` (default) or `front=none`, the samples. */
  readonly front?: FrontEnd;
  /** Samples per second. */
  readonly rate?: number;
  /** Length of a clip; longer ones are cut, shorter ones padded with zeros. */
  readonly seconds?: number;
  /** Of the MFCC front end, milliseconds; see mfcc.ts for these and those below. */
  readonly window?: number;
  readonly hop?: number;
  readonly fft?: number;
  readonly mels?: number;
  readonly low?: number;
  readonly high?: number;
  readonly coefficients?: number;
}

export type Fit = 'stretch' | 'crop';
export type Resampling = 'bilinear' | 'antialias';
export type FrontEnd = 'mfcc' | 'none';

interface Rule {
  /** How many files or names stand behind the colon. */
  readonly files: number;
  readonly form: string;
  /** The options that it takes. */
  readonly options: readonly (keyof SourceOptions)[];
}

const units = ['target', 'scale', 'zero'] as const;
const parts = ['split', 'seed'] as const;
const pictures = ['shape', 'fit', 'resize', 'classes', ...units, ...parts] as const;
const sounds = ['rate', 'seconds', 'window', 'hop', 'fft', 'mels', 'low', 'high'] as const;

const kinds = {
  mnist: { files: 0, form: 'mnist', options: units },
  idx: { files: 1, form: 'idx:DIR', options: units },
  npy: { files: 2, form: 'npy:X,Y', options: ['shape', ...units, ...parts] },
  npz: { files: 1, form: 'npz:FILE,X,Y', options: ['shape', 'input', 'label', ...units, ...parts] },
  raw: {
    files: 2,
    form: 'raw:X,Y,SHAPE,DTYPE',
    options: ['shape', 'type', 'targetType', ...units, ...parts],
  },
  csv: {
    files: 1,
    form: 'csv:FILE',
    options: ['shape', 'label', 'classes', ...units, ...parts],
  },
  tfrecord: {
    files: 1,
    form: 'tfrecord:GLOB',
    options: ['type', 'input', 'label', ...pictures],
  },
  images: { files: 1, form: 'images:DIR', options: pictures },
  wav: {
    files: 1,
    form: 'wav:DIR',
    options: ['front', 'classes', 'coefficients', ...sounds, ...units, ...parts],
  },
} satisfies Readonly<Record<string, Rule>>;

export type SourceKind = keyof typeof kinds;

export interface Source extends SourceOptions {
  readonly kind: SourceKind;
  /** The spec as given. */
  readonly spec: string;
  readonly files: readonly string[];
}

/** The forms that data may have, for help texts. */
export const dataForms = Object.values<Rule>(kinds)
  .map(({ form }) => form)
  .join(', ');

const usage = (
  spec: string,
  what: string,
  hint = `Data is one of: ${dataForms}, or a name in the config.`,
): UsageError => new UsageError(`data '${spec}': ${what}`, { hint, where: spec });

/** What whoever gives a file without its kind has in mind. */
function likelyForm(spec: string): string | undefined {
  const [, suffix = ''] = /\.(csv|npz|npy|tfrecord)(?:\.gz)?(?:,|$)/i.exec(spec) ?? [];
  const kind = suffix.toLowerCase() as SourceKind;
  if (suffix === '') return undefined;
  return kinds[kind].files === 1 ? `Write ${kind}:${spec}` : `Write ${kinds[kind].form}.`;
}

type Parser<T> = (text: string) => T | undefined;

const numberWhere =
  (fits: (n: number) => boolean): Parser<number> =>
  (text) => {
    const n = Number(text);
    return text !== '' && Number.isFinite(n) && fits(n) ? n : undefined;
  };

const positive = numberWhere((n) => n > 0);
const counting = numberWhere((n) => Number.isInteger(n) && n > 0);
const name: Parser<string> = (text) => (text === '' ? undefined : text);
const oneOf =
  <T extends string>(...choices: readonly T[]): Parser<T> =>
  (text) =>
    choices.find((choice) => choice === text);

/** How each option is read, and how it is written in a message. */
const options: {
  readonly [K in keyof SourceOptions]-?: {
    readonly read: Parser<NonNullable<SourceOptions[K]>>;
    readonly form: string;
    /** Where the key in a spec is another one. */
    readonly key?: string;
  };
} = {
  shape: { read: parseDims, form: 'a shape (28x28x1)' },
  type: { read: fileType, form: `a type (${Object.keys(fileTypes).join(', ')}), x=TYPE`, key: 'x' },
  targetType: { read: fileType, form: 'y=TYPE', key: 'y' },
  target: { read: oneOf('class', 'values'), form: 'target=class|values' },
  scale: { read: positive, form: 'scale=S' },
  zero: { read: numberWhere(Number.isInteger), form: 'zero=Z' },
  input: { read: name, form: 'input=NAME' },
  label: { read: name, form: 'label=NAME' },
  classes: {
    read: (text) => (text.split('/').includes('') ? undefined : text.split('/')),
    form: 'classes=A/B/C',
  },
  fit: { read: oneOf('stretch', 'crop'), form: 'fit=stretch|crop' },
  resize: { read: oneOf('bilinear', 'antialias'), form: 'resize=bilinear|antialias' },
  split: { read: numberWhere((n) => n > 0 && n < 1), form: 'split=0.2' },
  seed: { read: numberWhere((n) => Number.isInteger(n) && n >= 0), form: 'seed=N' },
  front: { read: oneOf('mfcc', 'none'), form: 'front=mfcc|none' },
  rate: { read: counting, form: 'rate=HZ' },
  seconds: { read: positive, form: 'seconds=S' },
  window: { read: positive, form: 'window=MS' },
  hop: { read: positive, form: 'hop=MS' },
  fft: { read: counting, form: 'fft=N' },
  mels: { read: counting, form: 'mels=N' },
  low: { read: numberWhere((n) => n >= 0), form: 'low=HZ' },
  high: { read: positive, form: 'high=HZ' },
  coefficients: { read: counting, form: 'coefficients=N' },
};

/** The option that a part of the spec stands for; shapes and types need no key. */
function option(kind: SourceKind, text: string): SourceOptions | undefined {
  const at = text.indexOf('=');
  const allowed: readonly (keyof SourceOptions)[] = kinds[kind].options;
  const candidates =
    at < 0
      ? allowed.filter((key) => key === 'shape' || key === 'type')
      : allowed.filter((key) => key !== 'shape' && (options[key].key ?? key) === text.slice(0, at));
  for (const key of candidates) {
    const value = options[key].read(text.slice(at + 1));
    if (value !== undefined) return { [key]: value };
  }
  return undefined;
}

/** The arrays of an .npz may be named without keys: `npz:FILE,x_train,y_train`. */
function arrayNames(kind: SourceKind, rest: string[]): SourceOptions {
  const named = (text: string | undefined): boolean =>
    kind === 'npz' && text !== undefined && !text.includes('=') && !option(kind, text);
  const input = named(rest[0]) ? rest.shift() : undefined;
  const label = named(rest[0]) ? rest.shift() : undefined;
  return { ...(input !== undefined && { input }), ...(label !== undefined && { label }) };
}

/**
 * Reads a spec.
 *
 * @throws UsageError naming the part that cannot be read
 */
export function parseSpec(spec: string): Source {
  const colon = spec.indexOf(':');
  const kind = (colon < 0 ? spec : spec.slice(0, colon)) as SourceKind;
  if (!Object.hasOwn(kinds, kind)) throw usage(spec, `unknown source '${kind}'`, likelyForm(spec));
  const { files: count, options: allowed } = kinds[kind];
  const given = colon < 0 ? [] : spec.slice(colon + 1).split(',');
  const texts = given.map((part) => part.trim());
  const files = texts.slice(0, count);
  if (files.length < count || files.includes('')) {
    throw usage(spec, `${kind} needs ${count} file${count > 1 ? 's' : ''} after the colon`);
  }
  const rest = texts.slice(count);
  const names = arrayNames(kind, rest);
  const found = rest.map((text) => {
    const read = option(kind, text);
    if (read) return read;
    const list = allowed.map((key) => options[key].form).join(', ');
    throw usage(spec, `cannot read '${text}'; ${kind} takes ${list}`);
  });
  return Object.assign({ kind, spec, files }, names, ...found) as Source;
}
