/**
 * How fast the engines train, beside PyTorch: forward, backward and update with momentum, images
 * per second of processor time.
 *
 *     npm run bench:train -- [--engines wasm,native] [--nets lenet5,...] [--batches 128,32]
 *                            [--seconds 2] [--rounds 3] [--threads 1]
 *
 * One round measures PyTorch and every engine one after the other, so that what else the machine
 * does disturbs all alike; the ratio is the median over the rounds. With more than one thread the
 * time is the clock's, and the peer is the same engine on one thread.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { type RandomKey, randomInt, randomUniform } from '../host/core/random.js';
import { elements } from '../host/core/shape.js';
import { createEngine, type Engine } from '../host/engine/engine.js';
import { loadModelFile } from '../host/front/load-model.js';
import { getValue } from '../host/ir/graph.js';
import { buildTrainGraph } from '../host/train/train-graph.js';

const { values: flags } = parseArgs({
  options: {
    engines: { type: 'string', default: 'native,wasm' },
    nets: { type: 'string', default: 'lenet5,resnet8,ds-cnn,mobilenet-v1' },
    batches: { type: 'string', default: '128,32' },
    seconds: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '1' },
  },
});
const seconds = Number(flags.seconds);
const threads = Number(flags.threads);
const random: RandomKey = { seed: 1, purpose: 'test' };
const optimizer = { name: 'momentum', hyper: { momentum: 0.9 } } as const;
const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

/** One training step, ready to be repeated. */
async function prepare(engine: Engine, net: string, batch: number): Promise<() => void> {
  const model = await loadModelFile(`models/${net}.ts`);
  const train = buildTrainGraph(model.graph(1), batch, optimizer);
  const program = engine.compile(train.graph);
  const { shape } = getValue(train.graph, train.input);
  const pixels = Float32Array.from({ length: elements(shape) }, (_, i) => randomUniform(random, i));
  const classes = getValue(train.graph, train.output).shape.at(-1)!;
  const labels = Int32Array.from({ length: batch }, (_, i) => randomInt(random, i, classes));
  program.write(train.input, pixels);
  program.write(train.target, labels);
  program.write(train.rate, Float32Array.of(0.001));
  if (train.key) program.write(train.key, Int32Array.of(1, 0, 0));
  for (let i = 0; i < 3; i++) program.run();
  if (!Number.isFinite(program.read(train.loss)[0]))
    throw new Error(`${net}: the loss is not finite`);
  return () => program.run();
}

/** Steps per second: of processor time on one thread, else of the clock. */
function measure(step: () => void): number {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const spent = (): number => {
    if (threads > 1) return (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return (user + system) / 1e6;
  };
  let steps = 0;
  do {
    step();
    steps++;
  } while (spent() < seconds || steps < 2);
  return steps / spent();
}

/** Images per second of a net at a batch. */
type Rate = (net: string, batch: number) => Promise<number>;

function engineRate(engine: Engine): Rate {
  const ready = new Map<string, () => void>();
  return async (net, batch) => {
    const key = `${net} ${batch}`;
    if (!ready.has(key)) ready.clear();
    const step = ready.get(key) ?? (await prepare(engine, net, batch));
    ready.set(key, step);
    return measure(step) * batch;
  };
}

/** PyTorch of the system's Python in a process of its own; undefined where there is none. */
async function startTorch(): Promise<{ rate: Rate; version: string; stop(): void } | undefined> {
  const python = '/usr/bin/python3';
  const script = 'tools/bench-train/torch-peer.py';
  if (!existsSync(python) || spawnSync(python, ['-c', 'import torch']).status !== 0) {
    console.log('PyTorch is not installed (Debian: apt install python3-torch): no ratios');
    return undefined;
  }
  const child: ChildProcess = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: Interface = createInterface({ input: child.stdout! });
  const answers = lines[Symbol.asyncIterator]();
  const next = async (): Promise<string> => (await answers.next()).value as string;
  const version = (await next()).replace('ready ', '');
  return {
    version,
    async rate(net, batch) {
      child.stdin!.write(`${net} ${batch} ${seconds}\n`);
      return Number(await next());
    },
    stop: () => void child.stdin!.end(),
  };
}

const split = (text: string): string[] => text.split(',').filter((part) => part !== '');
const torch = threads > 1 ? undefined : await startTorch();
const names = split(flags.engines);
const engines = await Promise.all(names.map((name) => createEngine(name, { threads })));
const peers: readonly [string, Rate][] =
  threads > 1
    ? await Promise.all(
        names.map(
          async (name) => [`${name}, one thread`, engineRate(await createEngine(name))] as const,
        ),
      ).then((list) => list.map(([name, rate]): [string, Rate] => [name, rate]))
    : torch
      ? [[`PyTorch ${torch.version}`, torch.rate]]
      : [];
const columns: readonly [string, Rate][] = engines.map((engine) => [
  `${engine.name} (${engine.variant})`,
  engineRate(engine),
]);
const table = new Table({
  head: ['net', 'batch', ...[...peers, ...columns].map(([name]) => name), 'ratios'],
  style: { head: [], border: [] },
});
for (const batch of split(flags.batches).map(Number)) {
  for (const net of split(flags.nets)) {
    const rounds: { peer: number[]; own: number[] }[] = [];
    for (let i = 0; i < Number(flags.rounds); i++) {
      const peer: number[] = [];
      const own: number[] = [];
      for (const [, rate] of peers) peer.push(await rate(net, batch));
      for (const [, rate] of columns) own.push(await rate(net, batch));
      rounds.push({ peer, own });
    }
    const column = (pick: (round: (typeof rounds)[number]) => number): number =>
      median(rounds.map(pick));
    const ratios = columns.map((_, j) =>
      peers.length === 0
        ? '-'
        : column(({ peer, own }) => own[j]! / (peer[j] ?? peer[0]!)).toFixed(2),
    );
    const rates = [
      ...peers.map((_, j) => column(({ peer }) => peer[j]!)),
      ...columns.map((_, j) => column(({ own }) => own[j]!)),
    ].map((rate) => rate.toFixed(0));
    table.push([net, batch, ...rates, ratios.join('  ')]);
    console.error(`${net} ${batch}: ${rates.join('  ')}  ratios ${ratios.join('  ')}`);
  }
}
torch?.stop();
console.log(table.toString());
