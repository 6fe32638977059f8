/**
 * Outputs of a convolution with a bias of their own: so many rows and columns at each edge, while
 * all others share one. Lowering makes them where constant input channels, whose products with the
 * weights became part of the bias, are not the same everywhere.
 */
import { formatShape, type Pair, sameShape } from '../core/shape.js';
import { demand, type TensorType } from './op-spec.js';

/** [top, bottom, left, right] */
export type Border = readonly [number, number, number, number];

/** The border of a node; undefined where all its outputs have the same bias. */
export const borderOf = ({ attrs }: { readonly attrs: object }): Border | undefined =>
  'border' in attrs ? (attrs.border as Border) : undefined;

/** How many classes of rows and of columns there are; the bias is [...classes, channels]. */
export const borderClasses = ([top, bottom, left, right]: Border): Pair => [
  top + 1 + bottom,
  left + 1 + right,
];

/** The class of a row or column `at` of `size`, of which `first` and `last` have one of their own. */
function classOf(at: number, size: number, first: number, last: number): number {
  if (at < first) return at;
  return Math.max(at - (size - last), -1) + first + 1;
}

/**
 * The class of output (i, j), counted row by row.
 *
 * @param size height and width of the output
 */
export function borderClass(
  [top, bottom, left, right]: Border,
  [height, width]: Pair,
  i: number,
  j: number,
): number {
  const [row, column] = [classOf(i, height, top, bottom), classOf(j, width, left, right)];
  return row * (left + 1 + right) + column;
}

/** Requires a bias of one entry per class and channel, and at least one row and column inside. */
export function requireBorderBias(
  bias: TensorType | undefined,
  channels: number,
  border: Border,
  [height, width]: Pair,
): void {
  const [rows, columns] = borderClasses(border);
  demand(
    Math.min(...border) >= 0 && rows <= height && columns <= width,
    `a border of ${formatShape(border)} does not fit an output of ${height}x${width}`,
    'At least one row and one column lie inside the border.',
  );
  demand(
    bias !== undefined && sameShape(bias.shape, [rows, columns, channels]),
    `bias has shape ${bias ? formatShape(bias.shape) : 'none'}, expected [${rows},${columns},${channels}]`,
    'Give one bias per class of outputs and channel.',
  );
}
