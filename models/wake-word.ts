/**
 * The streaming wake word network of MLPerf Tiny (github mlcommons/tiny): 30 frames of 40 features;
 * separable convolutions along the time.
 */
import { batchNorm, conv2d, dense, depthwiseConv2d, flatten, input, model, relu } from 'edge-nn';

const plain = { useBias: false } as const;

/** Frames of the depthwise kernel, and filters. */
const blocks = [
  [3, 128],
  [5, 128],
  [10, 128],
  [15, 32],
] as const;

export default model(
  'wake-word',
  () => {
    let x = input([30, 1, 40]);
    for (const [frames, filters] of blocks) {
      x = conv2d(depthwiseConv2d(x, [frames, 1], plain), filters, 1, plain);
      x = relu(batchNorm(x));
    }
    return dense(flatten(x), 3);
  },
  { loss: 'softmaxCrossEntropy' },
);
