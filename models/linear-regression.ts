/** Linear regression: y = w x + b, 2 parameters. */
import { dense, input, model } from 'edge-nn';

export default model('linear-regression', () => dense(input([1]), 1), { loss: 'meanSquares' });
