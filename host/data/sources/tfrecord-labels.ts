/**
 * The targets of TFRecords, gathered while the records are read for the first time.
 */
import { BadInputError } from '../../core/errors.js';
import { decodeFeature, type Feature } from '../../format/tf-example.js';
import { growing } from '../growing.js';
import { memoryRows, type Rows } from '../rows.js';
import { orderClasses } from './class-names.js';
import type { Features, RecordFiles } from './tfrecord-files.js';

/** Of a class number, in the records of tensorflow/models. */
const textName = 'image/class/text';

/** More targets than this are read from their record each time, not kept in memory. */
const keptTargets = 16;

const textOf = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

const bad = (where: string, message: string, hint: string): BadInputError =>
  new BadInputError(`the record at ${where} ${message}`, { hint, where });

export interface LabelReader {
  /** Takes the target of the next record. @throws BadInputError */
  add(features: Features, label: string, where: string): void;
  /**
   * The targets as rows, and the names of the classes where there are any; undefined where the
   * targets are too many to keep.
   */
  finish(
    records: RecordFiles,
    known: readonly string[] | undefined,
  ): { readonly rows: Rows; readonly classNames?: readonly string[] | undefined } | undefined;
}

/** Names of the classes 0 to `most`, where each has one. */
function namesOf(texts: ReadonlyMap<number, string>, most: number): readonly string[] | undefined {
  const names = Array.from({ length: texts.size }, (_, i) => texts.get(i));
  const complete = names.length > most && names.every((name) => name !== undefined);
  return complete ? (names as string[]) : undefined;
}

/** Class names as targets. */
function nameReader(): LabelReader {
  const numbers = new Map<string, number>();
  const ids = growing((n) => new Uint32Array(n));
  return {
    add(features, label, where) {
      const { values } = decodeFeature(features.get(label)!, where);
      const name = textOf(values[0] as Uint8Array | undefined);
      if (!numbers.has(name)) numbers.set(name, numbers.size);
      ids.push(numbers.get(name)!);
    },
    finish(records, known) {
      const { pattern: file, count } = records;
      const found = [...numbers.keys()];
      const where = (name: string): string => records.where(ids.all().indexOf(numbers.get(name)!));
      const classes = orderClasses(found, known, where);
      const data = Int32Array.from(ids.all(), (id) => classes.numbers.get(found[id]!)!);
      return { rows: memoryRows({ file, shape: [count], data }), classNames: classes.names };
    },
  };
}

/** Lists of numbers as targets. */
function numberReader(kind: 'float' | 'int64', width: number): LabelReader {
  const texts = new Map<number, string>();
  const kept = growing((n) => new Float64Array(n));
  return {
    add(features, label, where) {
      const { values } = decodeFeature(features.get(label)!, where);
      if (values.length !== width) {
        const message = `has ${values.length} targets in ${label}, the first record has ${width}`;
        throw bad(where, message, 'All records must have targets of the same shape.');
      }
      if (width > keptTargets) return;
      for (const value of values as Float32Array | BigInt64Array) kept.push(Number(value));
      const text = features.get(textName);
      const number = Number(values[0]);
      if (text?.kind !== 'bytes' || texts.has(number)) return;
      texts.set(number, textOf(decodeFeature(text, where).values[0] as Uint8Array | undefined));
    },
    finish({ pattern: file, count }) {
      if (width > keptTargets) return undefined;
      const all = kept.all();
      const data = kind === 'int64' ? Int32Array.from(all) : Float32Array.from(all);
      const rows = memoryRows({ file, shape: width === 1 ? [count] : [count, width], data });
      const most = all.reduce((a, b) => Math.max(a, b), 0);
      return { rows, classNames: width === 1 ? namesOf(texts, most) : undefined };
    },
  };
}

function readerFor(feature: Feature, label: string, where: string): LabelReader {
  if (feature.values.length === 0) throw bad(where, `has an empty ${label}`, 'Label every record.');
  return feature.kind === 'bytes'
    ? nameReader()
    : numberReader(feature.kind, feature.values.length);
}

/** A reader for targets of the kind that the first record has. */
export function createLabelReader(): LabelReader {
  let reader: LabelReader | undefined;
  let kind: Feature['kind'] | undefined;
  return {
    add(features, label, where) {
      const feature = features.get(label);
      if (!feature) throw bad(where, `has no ${label}`, 'Label every record.');
      reader ??= readerFor(decodeFeature(feature, where), label, where);
      kind ??= feature.kind;
      if (feature.kind !== kind) {
        const message = `has a ${label} of ${feature.kind}, the first record one of ${kind}`;
        throw bad(where, message, 'All records must have targets of the same kind.');
      }
      reader.add(features, label, where);
    },
    finish: (records, known) => reader!.finish(records, known),
  };
}
