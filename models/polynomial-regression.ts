/** Polynomial regression: y = w1 x + w2 x^2 + w3 x^3 + b, 4 parameters. */
import { concat, dense, input, model, mul } from 'edge-nn';

export default model(
  'polynomial-regression',
  () => {
    const x = input([1]);
    const square = mul(x, x);
    return dense(concat([x, square, mul(square, x)]), 1);
  },
  { loss: 'meanSquares' },
);
