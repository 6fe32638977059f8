/**
 * How fast the engines train, beside PyTorch: forward, backward and update with momentum, images
 * per second of processor time.
 *
 *     npm run bench:train -- [--engines wasm,native:avx2] [--nets lenet5,...] [--batches 128,32]
 *                            [--seconds 1] [--rounds 3] [--threads 1]
 *
 * One round measures PyTorch and every engine one after the other, so that what else the machine
 * does disturbs all alike; a ratio is the median over the rounds. With more than one thread the
 * time is the clock's (nothing else should run), and the peer of an engine is itself on one thread.
 * EDGE_NN_DEBUG=1 shows where the time of each program went.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { type RandomKey, randomInt, randomUniform } from '../host/core/random.js';
import { elements } from '../host/core/shape.js';
import { createEngine, type Engine, type Program } from '../host/engine/engine.js';
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
async function prepare(engine: Engine, net: string, batch: number): Promise<Program> {
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
  return program;
}

/** Steps per second: of processor time on one thread, else of the clock. */
function measure(program: Program): number {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const spent = (): number => {
    if (threads > 1) return (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return (user + system) / 1e6;
  };
  let steps = 0;
  do {
    program.run();
    steps++;
  } while (spent() < seconds || steps < 2);
  return steps / spent();
}

/** Images per second of a net at a batch. */
type Rate = (net: string, batch: number) => Promise<number>;

interface Contender {
  readonly name: string;
  readonly rate: Rate;
  /** Ends it; EDGE_NN_DEBUG=1 shows where a program's time went when it ends. */
  stop(): void;
}

/** Keeps the program of the last net and batch. */
function engineContender(engine: Engine, name: string): Contender {
  let key = '';
  let program: Program | undefined;
  return {
    name,
    async rate(net, batch) {
      if (key !== `${net} ${batch}`) {
        program?.dispose();
        program = await prepare(engine, net, batch);
        key = `${net} ${batch}`;
      }
      return measure(program!) * batch;
    },
    stop: () => program?.dispose(),
  };
}

/** PyTorch of the system's Python in a process of its own; undefined where there is none. */
async function startTorch(): Promise<Contender | undefined> {
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
  return {
    name: (await next()).replace('ready', 'PyTorch'),
    async rate(net, batch) {
      child.stdin!.write(`${net} ${batch} ${seconds}\n`);
      return Number(await next());
    },
    stop: () => void child.stdin!.end(),
  };
}

async function startEngine(spec: string, threads: number): Promise<Contender> {
  const engine = await createEngine(spec, { threads });
  return engineContender(engine, `${engine.variant}${threads > 1 ? `, ${threads} threads` : ''}`);
}

/** Every round a rate of each contender. */
async function play(all: readonly Contender[], net: string, batch: number): Promise<number[][]> {
  const rounds: number[][] = [];
  for (let i = 0; i < Number(flags.rounds); i++) {
    const rates: number[] = [];
    for (const { rate } of all) rates.push(await rate(net, batch));
    rounds.push(rates);
  }
  return rounds;
}

const split = (text: string): string[] => text.split(',').filter((part) => part !== '');
const specs = split(flags.engines);
const torch = threads > 1 ? undefined : await startTorch();
const alone = threads > 1 ? await Promise.all(specs.map((spec) => startEngine(spec, 1))) : [];
const peers = torch ? [torch] : alone;
const engines = await Promise.all(specs.map((spec) => startEngine(spec, threads)));
const all = [...peers, ...engines];
const versus = peers.length > 0 ? engines.map(({ name }) => `${name} / peer`) : [];
const table = new Table({
  head: ['net', 'batch', ...all.map(({ name }) => name), ...versus],
  style: { head: [], border: [] },
});
for (const batch of split(flags.batches).map(Number)) {
  for (const net of split(flags.nets)) {
    const rounds = await play(all, net, batch);
    const rates = all.map((_, j) => median(rounds.map((round) => round[j]!)).toFixed(0));
    const ratios = versus.map((_, j) =>
      median(
        rounds.map((round) => round[peers.length + j]! / (round[torch ? 0 : j] ?? Number.NaN)),
      ).toFixed(2),
    );
    table.push([net, batch, ...rates, ...ratios]);
    console.error(`${net} ${batch}: ${rates.join('  ')}  ratios ${ratios.join('  ')}`);
  }
}
for (const { stop } of all) stop();
console.log(table.toString());
