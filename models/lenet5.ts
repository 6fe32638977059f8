/**
 * LeNet-5 (LeCun et al., "Gradient-based learning applied to document recognition", 1998) with
 * ReLU and maximum pooling: 61,706 parameters.
 */
import { conv2d, dense, flatten, input, maxPool2d, model, relu } from 'edge-nn';

export default model(
  'lenet5',
  () => {
    let x = input([28, 28, 1]);
    x = maxPool2d(relu(conv2d(x, 6, [5, 5], { padding: 'same' })), [2, 2]);
    x = maxPool2d(relu(conv2d(x, 16, [5, 5])), [2, 2]);
    x = relu(dense(flatten(x), 120));
    x = relu(dense(x, 84));
    return dense(x, 10);
  },
  {
    loss: 'softmaxCrossEntropy',
    labels: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  },
);
