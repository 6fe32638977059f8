/** A multilayer perceptron for MNIST, 784-128-64-10: 109,386 parameters. */
import { dense, flatten, input, model, relu } from 'edge-nn';

export default model(
  'mlp',
  () => {
    const x = relu(dense(flatten(input([28, 28, 1])), 128));
    return dense(relu(dense(x, 64)), 10);
  },
  {
    loss: 'softmaxCrossEntropy',
    labels: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  },
);
