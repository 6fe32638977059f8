/**
 * The anomaly detection network of MLPerf Tiny (github mlcommons/tiny): an autoencoder of five
 * frames of 128 mel bands, 267,928 trainable parameters and 2,064 statistics. Train it with the
 * input as its target; the error of the reconstruction tells how unusual a sound is.
 */
import { batchNorm, dense, input, model, relu } from 'edge-nn';

export default model(
  'autoencoder',
  () => {
    let x = input([640]);
    for (const units of [128, 128, 128, 128, 8, 128, 128, 128, 128]) {
      x = relu(batchNorm(dense(x, units)));
    }
    return dense(x, 640);
  },
  { loss: 'meanSquares' },
);
