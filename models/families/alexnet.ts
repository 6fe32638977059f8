/**
 * AlexNet in one tower (Krizhevsky, "One weird trick for parallelizing convolutional neural
 * networks", 2014, after the network of 2012).
 */
import type { Model } from 'edge-nn';
import { conv2d, dense, dropout, flatten, input, maxPool2d, model, relu } from 'edge-nn';
import type { Size } from './size.js';

const he = { initializer: 'he' } as const;
const pool = { strides: 2 };

export function alexnet({ image = 224, classes = 1000, thinner = 1 }: Size = {}): Model {
  const build = () => {
    let x = input([image, image, 3]);
    x = relu(conv2d(x, 64 / thinner, 11, { strides: 4, padding: [2, 2, 2, 2], ...he }));
    x = maxPool2d(x, 3, pool);
    x = maxPool2d(relu(conv2d(x, 192 / thinner, 5, { padding: 'same', ...he })), 3, pool);
    for (const filters of [384, 256, 256]) {
      x = relu(conv2d(x, filters / thinner, 3, { padding: 'same', ...he }));
    }
    x = flatten(maxPool2d(x, 3, pool));
    for (let i = 0; i < 2; i++) x = relu(dense(dropout(x, 0.5), 4096 / thinner, he));
    return dense(x, classes);
  };
  return model('alexnet', build, { loss: 'softmaxCrossEntropy' });
}
