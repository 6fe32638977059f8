/**
 * Rows of pixels from encoded images, decoded when they are asked for.
 */
import type { Hash } from 'node:crypto';
import { BadInputError } from '../../core/errors.js';
import { formatShape } from '../../core/shape.js';
import { decodeImage } from '../../format/image.js';
import type { OpenOptions } from '../open-options.js';
import { chosenSize, resizeImage } from '../resize.js';
import { computedRows, type Rows } from '../rows.js';
import type { Source } from '../spec.js';

export interface EncodedImages {
  /** For the errors. */
  readonly file: string;
  readonly count: number;
  /** The bytes of an image, and its name for the errors. */
  encoded(index: number): { readonly bytes: Uint8Array; readonly name: string };
  /** Feeds what the images are to a hash; `settings` are what their pixels depend on besides. */
  addTo(settings: unknown, hash: Hash): void;
}

/** Images in the size of the spec, or of the model, or of the first. @throws BadInputError */
export function imageRows(images: EncodedImages, source: Source, options: OpenOptions): Rows {
  const decoded = (index: number) => {
    const { bytes, name } = images.encoded(index);
    return decodeImage(bytes, name);
  };
  const { shape, fit, resize } = source;
  const size = chosenSize(shape, options.inputShape, () => decoded(0));
  if (!size) {
    const wanted = formatShape(shape ?? options.inputShape ?? []);
    throw new BadInputError(`images of ${source.spec} cannot become ${wanted}`, {
      hint: 'Give HxW, HxWx1 (gray) or HxWx3 (color) in the spec, or build the model for such an input.',
      where: source.spec,
    });
  }
  const { height, width, channels } = size;
  return computedRows({
    file: images.file,
    count: images.count,
    shape: [height, width, channels],
    type: 'u8',
    make: (index) => resizeImage(decoded(index), size, { fit, resize }).pixels,
    addTo: (hash) => images.addTo({ size, fit, resize }, hash),
  });
}
