/**
 * Residual blocks for the digits of MNIST, with sizes and channel counts that are no powers of two:
 * a first layer with stride 3, and shortcuts with and without a convolution.
 */
import type { Tensor } from 'edge-nn';
import { add, avgPool2d, batchNorm, conv2d, dense, flatten, input, model, relu } from 'edge-nn';

const same = { padding: 'same', initializer: 'he', useBias: false } as const;

function block(x: Tensor, filters: number, strides: number): Tensor {
  const y = relu(batchNorm(conv2d(x, filters, 3, { strides, ...same })));
  const z = batchNorm(conv2d(y, filters, 3, same));
  return relu(add(z, strides === 1 ? x : conv2d(x, filters, 1, { strides, ...same })));
}

export default model(
  'digits-residual',
  () => {
    let x = relu(batchNorm(conv2d(input([28, 28, 1]), 10, 5, { strides: 3, ...same })));
    x = block(x, 10, 1);
    x = block(x, 21, 2);
    return dense(flatten(avgPool2d(x, 5)), 10, { initializer: 'he' });
  },
  {
    loss: 'softmaxCrossEntropy',
    labels: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  },
);
