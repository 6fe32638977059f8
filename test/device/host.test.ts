/** The runtime as a process under the address and undefined-behaviour sanitizers. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { openPort } from '../../host/link/open-port.js';
import { processTransport } from '../../host/link/process.js';
import { Session } from '../../host/link/session.js';
import type { Transport } from '../../host/link/transport.js';
import { buildHost, hasTool, inputOf, outputOf, scratchDir, windowsOf } from './fixture.js';

const missing = hasTool('cc') ? false : 'needs cc';
const dir = scratchDir();
after(() => rmSync(dir, { recursive: true }));
let program: string | undefined;
const build = (): string => (program ??= buildHost(dir));

async function check(transport: Transport): Promise<void> {
  const session = await Session.open(transport);
  const images = Array.from({ length: 300 }, (_, i) => inputOf(i));
  let i = 0;
  for await (const [scores] of session.inferAll(images.map((image) => [image]))) {
    assert.deepEqual([...scores!], [...outputOf(images[i++]!)]);
  }
  const want = windowsOf(images[7]!).map((window, step) => ({ step, crc: crc32(window) }));
  assert.deepEqual(await session.trace([images[7]!]), want);
  const { stepTicks } = await session.profile([images[7]!]);
  assert.equal(session.info.tickHz, 1e9);
  assert.equal(stepTicks?.length, 3);
  await session.close();
}

test('inferences, trace and profile through pipes', { skip: missing }, async () => {
  await check(await processTransport(build()));
});

test('the same through a TCP bridge', { skip: missing }, async () => {
  const device = await processTransport(build());
  const server = createServer((socket) => {
    socket.on('data', (bytes) => void device.write(bytes));
    device.onData((bytes) => void socket.write(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await check(await openPort(`tcp:127.0.0.1:${port}`));
  await device.close();
  server.close();
  await assert.rejects(openPort(`tcp:127.0.0.1:${port}`), { code: 7 });
  await assert.rejects(openPort('tcp:127.0.0.1'), { code: 2, message: /no network port/ });
  await assert.rejects(openPort('tcp:127.0.0.1:70000'), { code: 2 });
});

test('noise and truncated frames do no harm to memory', { skip: missing }, async () => {
  const transport = await processTransport(build());
  for (let seed = 1; seed < 200; seed++) {
    await transport.write(
      Uint8Array.from({ length: 997 }, (_, i) => (i * seed * seed) >> (seed % 9)),
    );
  }
  await transport.write(new Uint8Array(20_000).fill(0xff));
  await check(transport);
});

test('a process that ends is reported at once', { skip: missing }, async () => {
  const transport = await processTransport('/bin/sh', ['-c', 'echo broken >&2; exit 3']);
  const error = await Session.open(transport).catch((e) => e);
  assert.equal(error.code, 8);
  assert.match(error.message, /closed|failed/);
  await assert.rejects(processTransport('/no/such/program'), { code: 7 });
});
