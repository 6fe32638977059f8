/**
 * Some training steps of a network, and the bytes that they leave.
 */

import { bytesOf } from '../../host/core/dtype.js';
import { sha256 } from '../../host/core/hash.js';
import { packageFile } from '../../host/core/package.js';
import { randomInt, randomUniform } from '../../host/core/random.js';
import { elements } from '../../host/core/shape.js';
import type { Engine, Program } from '../../host/engine/engine.js';
import { loadModelFile } from '../../host/front/load-model.js';
import { getValue } from '../../host/ir/graph.js';
import {
  buildTrainGraph,
  type TrainGraph,
  type TrainGraphOptions,
} from '../../host/train/train-graph.js';

/** Convolutions, pools; residuals with strides; depthwise, dropout, batch normalization. */
export const networks = ['lenet5', 'resnet8', 'ds-cnn'] as const;

/** An odd batch: the shards are not of one size. */
const batch = 11;
const steps = 2;
const random = { seed: 7, purpose: 'test' } as const;

export async function trainingStep(
  engine: Engine,
  net: string,
  options: TrainGraphOptions = {},
): Promise<{ readonly train: TrainGraph; readonly program: Program }> {
  const model = await loadModelFile(packageFile('models', `${net}.ts`));
  const optimizer = { name: 'adam', hyper: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } } as const;
  const train = buildTrainGraph(model.graph(1), batch, optimizer, options);
  const program = engine.compile(train.graph);
  const size = elements(getValue(train.graph, train.input).shape);
  const classes = getValue(train.graph, train.output).shape.at(-1)!;
  program.write(
    train.input,
    Float32Array.from({ length: size }, (_, i) => randomUniform(random, i)),
  );
  program.write(
    train.target,
    Int32Array.from({ length: batch }, (_, i) => randomInt(random, i, classes)),
  );
  program.write(train.rate, Float32Array.of(0.01));
  if (train.key) program.write(train.key, Int32Array.of(1, 2, 3));
  return { train, program };
}

/** The hash of everything that a training keeps, after some steps. */
export async function bytesAfterSteps(
  engine: Engine,
  net: string,
  options: TrainGraphOptions = {},
): Promise<string> {
  const { train, program } = await trainingStep(engine, net, options);
  for (let i = 0; i < steps; i++) program.run();
  const kept = [train.loss, train.output, ...train.graph.states.map(({ value }) => value)];
  const bytes = Buffer.concat(kept.map((id) => bytesOf(program.read(id))));
  program.dispose();
  return sha256(bytes);
}
