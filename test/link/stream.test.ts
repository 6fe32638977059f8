/**
 * A model that consumes its input as it arrives, over a line that damages bytes: every result is that
 * of the whole input, or an error.
 */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { compileWasm } from '../../host/board/toolchain/wasm-clang.js';
import { bytesOf } from '../../host/core/dtype.js';
import { emitC } from '../../host/emit/c/emit-c.js';
import { kernelHeaders } from '../../host/emit/c/kernel-headers.js';
import { createSplitter, decodeFrame, encodeFrame } from '../../host/link/frame.js';
import { packHello, packInput, packRun, protocol } from '../../host/link/protocol.js';
import { Session } from '../../host/link/session.js';
import { wasmDevice } from '../../host/link/wasm-device.js';
import { portableTarget } from '../../host/lower/lowered.js';
import { lower } from '../../host/lower/pipeline.js';
import { createOracle } from '../../host/quant/interpret/interpret.js';
import { virtualFiles, virtualFlags, virtualSources } from '../device/fixture.js';
import { randomInputs } from '../lower/networks.js';
import { resnetLike } from '../lower/row-networks.js';
import { quick } from '../quick.js';
import { drive, type Fault, faultyLine, noFault, oneByte, virtualClock } from './line.js';

const graph = resnetLike();
const inputs = [1, 2].map((seed) => randomInputs(graph, seed));
const bytes = inputs.map((each) => each.map(bytesOf));
const expected = inputs.map((each) => createOracle(graph).run(each).map(bytesOf));
const resultCrc = crc32(bytesOf(createOracle(graph).runAll(inputs[0]!).get('maxPool2d')!));

let image: Uint8Array;
before(async () => {
  const lowered = lower(graph, portableTarget, { streamInput: true });
  assert.ok(lowered.rows?.group.streams);
  const model = emitC(lowered, { modelHash: new Uint8Array(16) });
  const files = new Map([
    ...virtualFiles,
    ...model,
    ...[...kernelHeaders(model.get('model.c')!)],
    ['model.c', model.get('model.c')!] as const,
  ]);
  // Frames so small that rows of 48 bytes lie across several of them.
  const small = ['-I.', '-DENN_RX_BYTES=128', '-DENN_MAX_PAYLOAD=64'];
  image = await compileWasm([...virtualSources, 'model.c'], files, [...virtualFlags, ...small]);
});

/** Two inferences at once, a trace, one more. */
async function script(line: ReturnType<typeof faultyLine>, clock: ReturnType<typeof virtualClock>) {
  const session = await Session.open(line, { clock, nonce: 0x00c0ffee, timeoutMs: 60_000 });
  const both = await Promise.all(bytes.map((each) => session.infer(each)));
  assert.deepEqual(
    both.map((all) => all.map(Buffer.from)),
    expected.map((all) => all.map(Buffer.from)),
  );
  const [rows] = await session.trace(bytes[0]!);
  assert.equal(rows!.crc, resultCrc);
  const last = await session.infer(bytes[1]!);
  assert.deepEqual(last.map(Buffer.from), expected[1]!.map(Buffer.from));
  await session.close();
}

async function run(toDevice: Fault, fromDevice: Fault) {
  const clock = virtualClock();
  const line = faultyLine(await wasmDevice(image), toDevice, fromDevice);
  await drive(script(line, clock), line, clock);
  return line.counts;
}

test('one damaged byte, at positions all over, both directions', async () => {
  const counts = await run(noFault, noFault);
  const step = quick ? 331 : 37;
  for (let at = 0; at < counts.toDevice; at += step) {
    await run(
      oneByte(at, (byte) => [byte ^ (1 << (at % 8))]),
      noFault,
    );
    await run(
      oneByte(at, () => []),
      noFault,
    );
  }
  for (let at = 0; at < counts.fromDevice; at += step) {
    await run(
      noFault,
      oneByte(at, () => []),
    );
  }
});

test('bytes out of order, and a run before the last of them, are refused', async () => {
  const device = await wasmDevice(image);
  const statuses: number[] = [];
  const split = createSplitter((block) => {
    const frame = decodeFrame(block)!;
    if (frame.type !== protocol.hello + 0x80) statuses.push(frame.payload[0]!);
  });
  const send = (type: number, sequence: number, payload: Uint8Array) => {
    device.push(encodeFrame(type, sequence, payload));
    while (device.poll()) split(device.pull());
    split(device.pull());
  };
  const [input] = bytes[0]!;
  const piece = (offset: number) => packInput(0, offset, input!.subarray(offset, offset + 32));
  const crc = crc32(input!);
  send(protocol.hello, 0, packHello(7, 0));
  send(protocol.input, 1, piece(0));
  send(protocol.input, 2, piece(64));
  send(protocol.run, 3, packRun(0, 1, 0, crc));
  send(protocol.input, 4, piece(32));
  send(protocol.input, 5, piece(0));
  send(protocol.input, 6, piece(32));
  assert.deepEqual(statuses, [
    protocol.ok,
    protocol.badState,
    protocol.badInput,
    protocol.ok,
    protocol.ok,
    protocol.ok,
  ]);
});
