/**
 * Separable convolutions for the digits of MNIST: depthwise kernels of 3 x 3, 7 x 1 and 1 x 7, each
 * behind a batch normalization, with pointwise ones between them.
 */
import type { Tensor } from 'edge-nn';
import {
  batchNorm,
  conv2d,
  dense,
  depthwiseConv2d,
  globalAvgPool2d,
  input,
  model,
  relu,
} from 'edge-nn';

const same = { padding: 'same', useBias: false } as const;

/** [kernel, strides, filters] of the separable convolutions. */
const blocks = [
  [[3, 3], 1, 24],
  [[3, 3], 2, 32],
  [[7, 1], 1, 40],
  [[1, 7], 1, 48],
] as const;

function separable(
  x: Tensor,
  size: readonly [number, number],
  strides: number,
  filters: number,
): Tensor {
  const y = relu(batchNorm(depthwiseConv2d(x, size, { strides, ...same })));
  return relu(batchNorm(conv2d(y, filters, 1, same)));
}

export default model(
  'digits-separable',
  () => {
    let x = relu(batchNorm(conv2d(input([28, 28, 1]), 12, 3, { strides: 2, ...same })));
    for (const [size, strides, filters] of blocks) x = separable(x, size, strides, filters);
    return dense(globalAvgPool2d(x), 10);
  },
  {
    loss: 'softmaxCrossEntropy',
    labels: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  },
);
