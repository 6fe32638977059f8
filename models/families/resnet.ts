/**
 * ResNet with basic blocks (He et al., "Deep residual learning for image recognition", 2016), with
 * projection shortcuts where the shape changes.
 */
import type { Model, Tensor } from 'edge-nn';
import {
  add,
  batchNorm,
  conv2d,
  dense,
  globalAvgPool2d,
  input,
  maxPool2d,
  model,
  relu,
} from 'edge-nn';
import type { Size } from './size.js';

/** A convolution padded by half its kernel on every side, then batch normalization. */
function convolution(x: Tensor, filters: number, kernel: number, strides: number): Tensor {
  const p = Math.floor(kernel / 2);
  const options = { strides, padding: [p, p, p, p], useBias: false, initializer: 'he' } as const;
  return batchNorm(conv2d(x, filters, kernel, options), { epsilon: 1e-5 });
}

function block(x: Tensor, filters: number, strides: number): Tensor {
  const y = convolution(relu(convolution(x, filters, 3, strides)), filters, 3, 1);
  const same = strides === 1 && x.shape[2] === filters;
  return relu(add(y, same ? x : convolution(x, filters, 1, strides)));
}

/** @param blocks per stage of 64, 128, 256 and 512 channels */
export function resnet(name: string, blocks: readonly number[], size: Size = {}): Model {
  const { image = 224, classes = 1000, thinner = 1 } = size;
  const build = () => {
    let x = relu(convolution(input([image, image, 3]), 64 / thinner, 7, 2));
    x = maxPool2d(x, 3, { strides: 2, padding: [1, 1, 1, 1] });
    blocks.forEach((count, stage) => {
      const filters = (64 * 2 ** stage) / thinner;
      for (let i = 0; i < count; i++) x = block(x, filters, stage > 0 && i === 0 ? 2 : 1);
    });
    return dense(globalAvgPool2d(x), classes);
  };
  return model(name, build, { loss: 'softmaxCrossEntropy' });
}
