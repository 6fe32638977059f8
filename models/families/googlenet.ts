/**
 * GoogLeNet, Inception v1 (Szegedy et al., "Going deeper with convolutions", 2015), without the
 * auxiliary classifiers and without local response normalization.
 */
import type { Model, Tensor } from 'edge-nn';
import {
  concat,
  conv2d,
  dense,
  dropout,
  globalAvgPool2d,
  input,
  maxPool2d,
  model,
  relu,
} from 'edge-nn';
import type { Size } from './size.js';

type Module = readonly [number, number, number, number, number, number];

/** Table 1: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection; a pool between the stages. */
const stages: readonly (readonly Module[])[] = [
  [
    [64, 96, 128, 16, 32, 32],
    [128, 128, 192, 32, 96, 64],
  ],
  [
    [192, 96, 208, 16, 48, 64],
    [160, 112, 224, 24, 64, 64],
    [128, 128, 256, 24, 64, 64],
    [112, 144, 288, 32, 64, 64],
    [256, 160, 320, 32, 128, 128],
  ],
  [
    [256, 160, 320, 32, 128, 128],
    [384, 192, 384, 48, 128, 128],
  ],
];

const same = { padding: 'same', initializer: 'he' } as const;
const pool = { strides: 2, padding: 'same' } as const;

const convolution = (x: Tensor, filters: number, kernel: number, strides = 1): Tensor =>
  relu(conv2d(x, filters, kernel, { strides, ...same }));

/** Four views of x beside each other. */
function inception(x: Tensor, [a, b3, b, c5, c, d]: Module): Tensor {
  return concat([
    convolution(x, a, 1),
    convolution(convolution(x, b3, 1), b, 3),
    convolution(convolution(x, c5, 1), c, 5),
    convolution(maxPool2d(x, 3, { strides: 1, padding: 'same' }), d, 1),
  ]);
}

export function googlenet({ image = 224, classes = 1000, thinner = 1 }: Size = {}): Model {
  const build = () => {
    let x = convolution(input([image, image, 3]), 64 / thinner, 7, 2);
    x = convolution(maxPool2d(x, 3, pool), 64 / thinner, 1);
    x = convolution(x, 192 / thinner, 3);
    for (const modules of stages) {
      x = maxPool2d(x, 3, pool);
      for (const filters of modules) {
        x = inception(x, filters.map((n) => n / thinner) as unknown as Module);
      }
    }
    return dense(dropout(globalAvgPool2d(x), 0.4), classes);
  };
  return model('googlenet', build, { loss: 'softmaxCrossEntropy' });
}
