/**
 * ResNet-8, the image classification network of MLPerf Tiny (github mlcommons/tiny): CIFAR-10,
 * 78,186 trainable parameters and 480 statistics.
 */
import type { Tensor } from 'edge-nn';
import { add, avgPool2d, batchNorm, conv2d, dense, flatten, input, model, relu } from 'edge-nn';

const same = { padding: 'same', initializer: 'he' } as const;

function block(x: Tensor, filters: number, strides: number): Tensor {
  const y = relu(batchNorm(conv2d(x, filters, 3, { strides, ...same })));
  const z = batchNorm(conv2d(y, filters, 3, same));
  return relu(add(z, strides === 1 ? x : conv2d(x, filters, 1, { strides, ...same })));
}

export default model(
  'resnet8',
  () => {
    let x = relu(batchNorm(conv2d(input([32, 32, 3]), 16, 3, same)));
    x = block(x, 16, 1);
    x = block(x, 32, 2);
    x = block(x, 64, 2);
    return dense(flatten(avgPool2d(x, 8)), 10, { initializer: 'he' });
  },
  {
    loss: 'softmaxCrossEntropy',
    labels: [
      'airplane',
      'automobile',
      'bird',
      'cat',
      'deer',
      'dog',
      'frog',
      'horse',
      'ship',
      'truck',
    ],
  },
);
