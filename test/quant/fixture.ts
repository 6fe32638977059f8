/** Small networks, random data and one engine for the tests of quantization. */
import { existsSync } from 'node:fs';
import { builtFile } from '../../host/core/package.js';
import { randomInt, randomNormal, randomUniform } from '../../host/core/random.js';
import { elements, type Shape } from '../../host/core/shape.js';
import type { Dataset } from '../../host/data/dataset.js';
import { createEngine, type Engine } from '../../host/engine/engine.js';
import { model } from '../../host/front/model.js';
import type { Tensor } from '../../host/front/tensor.js';
import type { Graph } from '../../host/ir/graph.js';
import { memoryDataset } from '../memory-dataset.js';

export const engineMissing = existsSync(builtFile('engine.wasm'))
  ? false
  : 'engine.wasm is not built';

let engine: Promise<Engine> | undefined;
export const theEngine = (): Promise<Engine> => {
  engine ??= createEngine();
  return engine;
};

const key = (seed: number) => ({ seed, purpose: 'test' }) as const;

/** A model's float graph, with statistics and biases that are not the trivial ones of its start. */
export function graphOf(build: () => Tensor, seed = 1): Graph {
  const graph = model('net', build).graph(seed);
  const data = new Map(graph.data);
  let n = 0;
  for (const [id, content] of graph.data) {
    const { shape } = graph.values.get(id)!;
    if (shape.length !== 1) continue;
    const variance = id.endsWith('variance');
    data.set(
      id,
      Float32Array.from(content as Float32Array, (x) => {
        const noise = randomNormal(key(seed + 100), n++) * 0.3;
        return variance ? x + Math.abs(noise) : x + noise;
      }),
    );
  }
  return { ...graph, data };
}

/** Pixels in 0..255 and classes. */
export function images(shape: Shape, count = 64, classes = 4, seed = 5): Dataset {
  const size = count * elements(shape);
  const pixels = Uint8Array.from({ length: size }, (_, i) => randomInt(key(seed), i, 256));
  const labels = Uint8Array.from({ length: count }, (_, i) => i % classes);
  return memoryDataset({
    name: 'random images',
    inputs: { file: 'x', shape: [count, ...shape], data: pixels },
    targets: { file: 'y', shape: [count], data: labels },
  });
}

/** Real features in -spread..spread. */
export function features(shape: Shape, spread = 2, count = 64, seed = 6): Dataset {
  const size = count * elements(shape);
  const data = Float32Array.from(
    { length: size },
    (_, i) => (randomUniform(key(seed), i) * 2 - 1) * spread,
  );
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 3);
  return memoryDataset({
    name: 'random features',
    inputs: { file: 'x', shape: [count, ...shape], data },
    targets: { file: 'y', shape: [count], data: labels },
  });
}
