import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { inProcessTransport } from '../../host/link/in-process.js';
import { Session } from '../../host/link/session.js';
import { wasmDevice } from '../../host/link/wasm-device.js';
import { buildVirtual, inputOf, outputOf, windowsOf } from './fixture.js';

let wasm: Uint8Array;
before(async () => {
  wasm = await buildVirtual();
});

const open = async (bytes = wasm): Promise<Session> =>
  Session.open(inProcessTransport(await wasmDevice(bytes)));

test('HELLO tells what the model declares', async () => {
  const session = await open();
  const { inputs, outputs, ...facts } = session.info;
  assert.deepEqual(facts, {
    modelHash: '000102030405060708090a0b0c0d0e0f',
    buildHash: 'fffefdfcfbfaf9f80000000000000001',
    abi: 1,
    maxPayload: 8192,
    rxBytes: 65536,
    tickHz: undefined,
    arenaBytes: 96,
    stateBytes: 0,
    inputCount: 1,
    outputCount: 1,
    stepCount: 3,
    scheme: 'tflite-int8',
    name: 'bytes',
  });
  const image = { name: 'image', dtype: 's8', shape: [1, 80], offset: 0, bytes: 80 };
  assert.deepEqual(inputs, [{ ...image, scale: Math.fround(1 / 255), zeroPoint: -128 }]);
  assert.equal(outputs[0]?.name, 'scores');
  assert.deepEqual(
    (await session.steps()).map(({ value, macs }) => [value, macs]),
    [
      ['scaled', 80],
      ['mixed', 16],
      ['scores', 10],
    ],
  );
  await session.close();
});

test('ten thousand inferences, pipelined, all right and past the wrap of sequence numbers', async () => {
  const session = await open();
  const images = Array.from({ length: 256 }, (_, i) => inputOf(i));
  const want = images.map(outputOf);
  const many = Array.from({ length: 22_000 }, (_, i) => [images[i % images.length]!]);
  let i = 0;
  for await (const [scores] of session.inferAll(many)) {
    assert.ok(Buffer.from(want[i++ % want.length]!).equals(scores!));
  }
  assert.equal(i, 22_000);
  await session.close();
});

test('trace, one layer, all layers and profile agree with the model', async () => {
  const session = await open();
  const input = inputOf(5);
  const windows = windowsOf(input);
  const crcs = windows.map((window, step) => ({ step, crc: crc32(window) }));
  assert.deepEqual(await session.trace([input]), crcs);
  for (const [step, window] of windows.entries()) {
    assert.deepEqual([...(await session.readLayer([input], step))], [...window]);
  }
  const layers = await session.readLayers([input]);
  assert.deepEqual(
    layers.map((bytes) => [...bytes]),
    windows.map((bytes) => [...bytes]),
  );
  assert.deepEqual(await session.profile([input]), {
    stepTicks: undefined,
    stackBytes: 0,
    stackUsed: 0,
  });
  await session.reset();
  assert.deepEqual([...(await session.infer([input]))[0]!], [...outputOf(input)]);
  await assert.rejects(session.readLayer([input], 3), { code: 2 });
  await assert.rejects(session.infer([input.subarray(1)]), { code: 2 });
  await session.close();
});

test('a small receive buffer and short frames change nothing but the pace', async () => {
  const session = await open(await buildVirtual(['-DENN_RX_BYTES=128', '-DENN_MAX_PAYLOAD=64']));
  assert.equal(session.info.maxPayload, 64);
  const images = Array.from({ length: 50 }, (_, i) => inputOf(i));
  let i = 0;
  for await (const [scores] of session.inferAll(images.map((image) => [image]))) {
    assert.deepEqual([...scores!], [...outputOf(images[i++]!)]);
  }
  assert.deepEqual(
    (await session.readLayers([images[3]!])).map((bytes) => crc32(bytes)),
    windowsOf(images[3]!).map((bytes) => crc32(bytes)),
  );
  await session.close();
});

test('a second session takes over from one that stopped in the middle', async () => {
  const device = await wasmDevice(wasm);
  const first = await Session.open(inProcessTransport(device));
  const abandoned = [first.infer([inputOf(1)]), first.trace([inputOf(2)])];
  await Promise.all([first.close(), ...abandoned.map((p) => assert.rejects(p, { code: 8 }))]);
  device.push(Uint8Array.of(1, 2, 3));
  const second = await Session.open(inProcessTransport(device));
  assert.deepEqual([...(await second.infer([inputOf(3)]))[0]!], [...outputOf(inputOf(3))]);
  await second.restart();
  const third = await Session.open(inProcessTransport(device));
  assert.deepEqual([...(await third.infer([inputOf(4)]))[0]!], [...outputOf(inputOf(4))]);
  await third.close();
});
