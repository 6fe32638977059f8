/**
 * How fast the float engine trains: LeNet-5 with momentum on random images, one thread.
 *
 *     node dist/tools/bench-engine.js [batch] [seconds]
 *
 * Seconds are those of the processor, so that other work on the machine disturbs little.
 */
import { type RandomKey, randomInt, randomUniform } from '../host/core/random.js';
import { createEngine } from '../host/engine/engine.js';
import { relu } from '../host/front/elementwise.js';
import { conv2d, dense, flatten, input, maxPool2d } from '../host/front/layers.js';
import { model } from '../host/front/model.js';
import { buildTrainGraph } from '../host/train/train-graph.js';

const [batch = 128, seconds = 3] = process.argv.slice(2).map(Number);
const random: RandomKey = { seed: 1, purpose: 'test' };

const lenet = model(
  'lenet5',
  () => {
    let x = input([28, 28, 1]);
    x = maxPool2d(relu(conv2d(x, 6, [5, 5], { padding: 'same' })), [2, 2]);
    x = maxPool2d(relu(conv2d(x, 16, [5, 5])), [2, 2]);
    x = relu(dense(flatten(x), 120));
    x = relu(dense(x, 84));
    return dense(x, 10);
  },
  { loss: 'softmaxCrossEntropy' },
);

const optimizer = { name: 'momentum', hyper: { momentum: 0.9 } } as const;
const train = buildTrainGraph(lenet.graph(1), batch, optimizer);
const engine = await createEngine();
const program = engine.compile(train.graph);
const pixels = Float32Array.from({ length: batch * 784 }, (_, i) => randomUniform(random, i));
program.write(train.input, pixels);
program.write(
  train.target,
  Int32Array.from({ length: batch }, (_, i) => randomInt(random, i, 10)),
);
program.write(train.rate, Float32Array.of(0.01));

for (let i = 0; i < 3; i++) program.run();
const start = process.cpuUsage();
const spent = (): number => process.cpuUsage(start).user / 1e6;
let steps = 0;
while (spent() < seconds) {
  program.run();
  steps++;
}
const rate = (steps * batch) / spent();
console.log(`engine ${engine.name} (${engine.variant}), LeNet-5, batch ${batch}`);
console.log(`${rate.toFixed(0)} images/s, arena ${(program.arenaBytes / 2 ** 20).toFixed(2)} MiB`);
console.log(`loss after ${steps} steps: ${program.read(train.loss)[0]}`);
