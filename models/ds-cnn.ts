/**
 * DS-CNN, the keyword spotting network of MLPerf Tiny (github mlcommons/tiny): MFCC features of
 * Speech Commands, 23,756 trainable parameters and 1,152 statistics.
 */
import type { Tensor } from 'edge-nn';
import {
  avgPool2d,
  batchNorm,
  conv2d,
  dense,
  depthwiseConv2d,
  dropout,
  flatten,
  input,
  model,
  relu,
} from 'edge-nn';

const same = { padding: 'same' } as const;

function separable(x: Tensor): Tensor {
  const y = relu(batchNorm(depthwiseConv2d(x, 3, same)));
  return relu(batchNorm(conv2d(y, 64, 1, same)));
}

export default model(
  'ds-cnn',
  () => {
    let x = relu(batchNorm(conv2d(input([49, 10, 1]), 64, [10, 4], { strides: 2, ...same })));
    x = dropout(x, 0.2);
    for (let i = 0; i < 4; i++) x = separable(x);
    x = avgPool2d(dropout(x, 0.4), [25, 5]);
    return dense(flatten(x), 12);
  },
  { loss: 'softmaxCrossEntropy' },
);
