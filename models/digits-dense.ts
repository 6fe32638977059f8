/** Dense layers with a narrow one in the middle for the digits of MNIST, 784-48-24-48-10. */
import { batchNorm, dense, flatten, input, model, relu } from 'edge-nn';

export default model(
  'digits-dense',
  () => {
    let x = flatten(input([28, 28, 1]));
    for (const units of [48, 24, 48]) x = relu(batchNorm(dense(x, units)));
    return dense(x, 10);
  },
  {
    loss: 'softmaxCrossEntropy',
    labels: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  },
);
