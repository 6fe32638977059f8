/**
 * MobileNet v1 x 0.25, the visual wake words network of MLPerf Tiny (github mlcommons/tiny): a
 * person or none in 96x96 pixels.
 */
import type { Tensor } from 'edge-nn';
import {
  avgPool2d,
  batchNorm,
  conv2d,
  dense,
  depthwiseConv2d,
  flatten,
  input,
  model,
  relu,
} from 'edge-nn';

const same = { padding: 'same' } as const;

/** [filters, strides] of the separable convolutions. */
const blocks = [
  [16, 1],
  [32, 2],
  [32, 1],
  [64, 2],
  [64, 1],
  [128, 2],
  [128, 1],
  [128, 1],
  [128, 1],
  [128, 1],
  [128, 1],
  [256, 2],
  [256, 1],
] as const;

function separable(x: Tensor, filters: number, strides: number): Tensor {
  const y = relu(batchNorm(depthwiseConv2d(x, 3, { strides, ...same })));
  return relu(batchNorm(conv2d(y, filters, 1, same)));
}

export default model(
  'mobilenet-v1',
  () => {
    let x = relu(batchNorm(conv2d(input([96, 96, 3]), 8, 3, { strides: 2, ...same })));
    for (const [filters, strides] of blocks) x = separable(x, filters, strides);
    return dense(flatten(avgPool2d(x, 3)), 2);
  },
  { loss: 'softmaxCrossEntropy', labels: ['none', 'person'] },
);
