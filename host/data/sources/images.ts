/**
 * `images:DIR`: PNG and JPEG files, one subfolder per class. Files are decoded when they are asked
 * for; resize.ts says how they come to the model's size.
 */
import type { Dataset } from '../dataset.js';
import type { OpenOptions } from '../open-options.js';
import { memoryRows } from '../rows.js';
import { rowsDataset } from '../rows-dataset.js';
import type { Source } from '../spec.js';
import { hashFolder, listFolder, readWhole } from './folders.js';
import { imageRows } from './image-rows.js';

const imageFiles = {
  what: 'images',
  read: ['.png', '.jpg', '.jpeg'],
  refused: ['.bmp', '.gif', '.webp', '.tif', '.tiff', '.avif', '.heic'],
};

/** `images:DIR[,HxW|HxWxC][,fit=crop][,resize=antialias][,classes=A/B]`. */
export async function openImages(source: Source, options: OpenOptions): Promise<Dataset> {
  const folder = listFolder(source, options, imageFiles);
  const { root: file, files, classNames } = folder;
  const inputs = imageRows(
    {
      file,
      count: files.length,
      encoded(index) {
        const { path } = files[index]!;
        return { bytes: readWhole(path), name: path };
      },
      addTo: (settings, hash) => hashFolder(folder, settings, hash),
    },
    source,
    options,
  );
  const labels = Int32Array.from(files, ({ label }) => label);
  const targets = memoryRows({ file, shape: [files.length], data: labels });
  const { spec: name, target, scale, zero } = source;
  return rowsDataset({ name, inputs, targets, target, scale, zero, classNames });
}
