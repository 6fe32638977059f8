/** A small quantized network with its data, and builds of it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getBoard } from '../../host/board/boards.js';
import { buildWasm } from '../../host/board/build-wasm.js';
import { compileModel } from '../../host/board/compile.js';
import { flashBuild } from '../../host/board/flash.js';
import { folderSources } from '../../host/board/folder-files.js';
import { sha256 } from '../../host/core/hash.js';
import { kernelHeaders } from '../../host/emit/c/kernel-headers.js';
import { exportTflite } from '../../host/emit/tflite/tflite.js';
import { relu } from '../../host/front/elementwise.js';
import { conv2d, dense, flatten, input, maxPool2d } from '../../host/front/layers.js';
import { quantizeModel } from '../../host/quant/quantize-model.js';
import { graphOf, images, theEngine } from '../quant/fixture.js';

const classes = 4;
export const dataset = images([12, 10, 2], 32, classes);

/** The .tflite bytes of a network of two convolutions and two dense layers. */
export async function tfliteBytes(): Promise<Uint8Array> {
  const graph = graphOf(() => {
    let x = input([12, 10, 2]);
    x = maxPool2d(relu(conv2d(x, 5, [3, 3], { padding: 'same' })), 2);
    x = relu(conv2d(x, 7, [3, 3]));
    return dense(relu(dense(flatten(x), 9)), classes);
  });
  const engine = await theEngine();
  const quantized = await quantizeModel({ graph, data: dataset, testData: dataset, engine });
  return exportTflite(quantized.graph);
}

/** Compiles for the virtual board and flashes. */
export async function flashedBuild(out: string, model: Uint8Array): Promise<void> {
  await compileModel({ model, name: 'net', board: 'virtual', out });
  await flashBuild(out);
}

/**
 * Builds and flashes the same folder with another model.c, as if a compiler or a flash chip had
 * failed: the device still names the model's hash and computes something else.
 */
export async function flashAltered(out: string, alter: (modelC: string) => string): Promise<void> {
  const board = getBoard('virtual');
  const text = (name: string) => readFileSync(join(out, name), 'utf8');
  const modelC = alter(text('model/model.c'));
  const image = await buildWasm(
    board,
    new Map([
      ...[...kernelHeaders(modelC)].map(([name, content]) => [`model/${name}`, content] as const),
      ['model/model.h', text('model/model.h')],
      ['model/model.c', modelC],
      ...folderSources(board),
    ]),
  );
  const certificate = JSON.parse(text('certificate.json'));
  certificate.image.sha256 = sha256(image.bytes);
  writeFileSync(join(out, image.file), image.bytes);
  writeFileSync(join(out, 'certificate.json'), JSON.stringify(certificate));
  await flashBuild(out);
}

/** Moves one weight of a table in emitted C by 64. */
export const alterWeight =
  (table: string, index: number) =>
  (modelC: string): string =>
    modelC.replace(
      new RegExp(`(int8_t k_${table}\\[\\d+\\] = \\{(?:\\s*-?\\d+,){${index}}\\s*)(-?\\d+)`),
      (_, head: string, weight: string) =>
        `${head}${Number(weight) > 0 ? Number(weight) - 64 : Number(weight) + 64}`,
    );
