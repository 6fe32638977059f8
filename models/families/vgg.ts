/**
 * VGG (Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
 * recognition", 2015), configurations D and E.
 */
import type { Model } from 'edge-nn';
import { conv2d, dense, dropout, flatten, input, maxPool2d, model, relu } from 'edge-nn';
import type { Size } from './size.js';

const he = { initializer: 'he' } as const;

/** @param convolutions per block of 64, 128, 256, 512 and 512 channels */
export function vgg(name: string, convolutions: readonly number[], size: Size = {}): Model {
  const { image = 224, classes = 1000, thinner = 1 } = size;
  const build = () => {
    let x = input([image, image, 3]);
    convolutions.forEach((count, block) => {
      const filters = Math.min(64 * 2 ** block, 512) / thinner;
      for (let i = 0; i < count; i++) x = relu(conv2d(x, filters, 3, { padding: 'same', ...he }));
      x = maxPool2d(x, 2);
    });
    x = flatten(x);
    for (let i = 0; i < 2; i++) x = dropout(relu(dense(x, 4096 / thinner, he)), 0.5);
    return dense(x, classes);
  };
  return model(name, build, { loss: 'softmaxCrossEntropy' });
}
