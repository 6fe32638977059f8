import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { BadInputError } from '../../host/core/errors.js';
import { builtFile, packageFile } from '../../host/core/package.js';
import { loadConfigFile } from '../../host/front/config.js';
import { loadModelFile } from '../../host/front/load-model.js';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'edge-nn-test-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a file far from the package. */
function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const skip = existsSync(builtFile('index.js')) ? false : 'the package is not built (index.js)';
const header = `import { dense, input, model } from 'edge-nn';\n`;

/** One clear BadInputError, without a stack trace in it. */
const refuses = (load: () => Promise<unknown>, message: RegExp) =>
  assert.rejects(load, (error: unknown) => {
    assert.ok(error instanceof BadInputError, String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n\s+at /);
    assert.ok(error.hint.length > 10);
    return true;
  });

test('a model file anywhere finds edge-nn and its own imports', { skip }, async () => {
  write('sizes.ts', 'export const units: number = 5;\n');
  const path = write(
    'net.ts',
    `${header}import { units } from './sizes.js';
interface Unused { readonly a: number }
export default model('net', () => dense(input([3]), units as Unused['a']));\n`,
  );
  const loaded = await loadModelFile(path);
  assert.equal(loaded.name, 'net');
  assert.deepEqual(loaded.graph().values.get('dense1')?.shape, [1, 5]);
});

test('models/lenet5.ts has 61,706 parameters', { skip }, async () => {
  const graph = (await loadModelFile(packageFile('models', 'lenet5.ts'))).graph(1);
  const trainable = [...graph.values.values()].filter((value) => value.trainable);
  const count = trainable.reduce((n, { id }) => n + graph.data.get(id)!.length, 0);
  assert.equal(count, 61_706);
});

test('no such file', () =>
  refuses(() => loadModelFile(join(folder, 'none.ts')), /no such model file/));

test('a syntax error names file and line', async () => {
  const path = write('syntax.ts', 'const a = 1;\nexport default a +;\n');
  await refuses(() => loadModelFile(path), /syntax\.ts:2:\d+: Unexpected ";"/);
});

test('a missing import names file and line', async () => {
  const path = write('missing.ts', "\nimport { x } from './nowhere.js';\nexport default x;\n");
  await refuses(() => loadModelFile(path), /missing\.ts:2:\d+: .*nowhere/);
});

test('a name that edge-nn does not export', { skip }, async () => {
  const path = write('unknown.ts', "import { conv9d } from 'edge-nn';\nexport default conv9d;\n");
  await refuses(() => loadModelFile(path), /unknown\.ts.*: edge-nn exports no 'conv9d'/);
});

test('a folder, and a file that is no code', async () => {
  await refuses(() => loadModelFile(folder), /edge-nn-test-/);
  await refuses(
    () => loadModelFile(write('m.tflite', 'TFL3')),
    /m\.tflite is no model file: it is neither TypeScript nor JavaScript/,
  );
});

test('a file that throws names file and line', async () => {
  const path = write(
    'throws.ts',
    'interface A { readonly a: 1 }\nexport const a: A = { a: 1 };\nthrow new Error("no luck");\n',
  );
  await refuses(() => loadModelFile(path), /throws\.ts:3: the file throws Error: no luck/);
});

test('a file that throws something else than an error', async () => {
  const path = write('odd.ts', "throw 'plain text';\n");
  await refuses(() => loadModelFile(path), /odd\.ts: the file throws plain text/);
});

test('a model whose layers do not fit names file, line and layer', { skip }, async () => {
  const path = write(
    'misfit.ts',
    `${header}export default model('m',\n  () => dense(input([3, 3]), 5));\n`,
  );
  const loaded = await loadModelFile(path);
  await refuses(async () => loaded.graph(), /misfit\.ts:3: dense1: .*\[3,3\]/);
});

test('no default export, and a default export that is no model', async () => {
  await refuses(() => loadModelFile(write('a.ts', 'export const x = 1;\n')), /no default export/);
  await refuses(() => loadModelFile(write('b.ts', 'export default 3;\n')), /is no model/);
});

test('a configuration file', { skip }, async () => {
  const path = write(
    'edge-nn.config.ts',
    `import { defineConfig } from 'edge-nn';
export default defineConfig({ model: 'm.ts', targets: { desk: { board: 'host' } } });\n`,
  );
  assert.deepEqual(await loadConfigFile(path), {
    model: 'm.ts',
    targets: { desk: { board: 'host' } },
  });
});

test('a configuration with an unknown key, or with none', async () => {
  const path = write('bad.config.ts', 'export default { modle: "m.ts" };\n');
  await refuses(() => loadConfigFile(path), /unknown key 'modle'/);
  await refuses(() => loadConfigFile(write('c.ts', 'export default 1;\n')), /no configuration/);
});
