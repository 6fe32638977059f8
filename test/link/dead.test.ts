/** Devices that fall silent or talk nonsense: an error with exit code 8 in time, never a hang. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type InProcessDevice, inProcessTransport } from '../../host/link/in-process.js';
import { Session } from '../../host/link/session.js';
import { wasmDevice } from '../../host/link/wasm-device.js';
import { buildVirtual, inputOf } from '../device/fixture.js';
import {
  type Damage,
  drive,
  everyByte,
  type Fault,
  faultyLine,
  noFault,
  virtualClock,
} from './line.js';

let device: InProcessDevice;
before(async () => {
  device = await wasmDevice(await buildVirtual());
});

const timeoutMs = 3000;

/** Opens a session on a damaged line and runs inferences without end. */
async function inferUntilError(toDevice: Fault, fromDevice: Fault) {
  device.reset!();
  const clock = virtualClock();
  const line = faultyLine(device, toDevice, fromDevice);
  const script = async (): Promise<void> => {
    const session = await Session.open(line, { clock, nonce: 5, timeoutMs });
    for (;;) await session.infer([inputOf(1)]);
  };
  const error = await drive(script(), line, clock).catch((e) => e);
  return { error, time: clock.now() };
}

const silentFrom =
  (position: number): Fault =>
  (bytes, from) =>
    bytes.subarray(0, Math.max(0, position - from));

test('a device that dies at any moment is given up after the timeout', async () => {
  for (let position = 0; position < 900; position += 5) {
    for (const faults of [
      [silentFrom(position), noFault],
      [noFault, silentFrom(position / 2)],
    ] as const) {
      const { error, time } = await inferUntilError(...faults);
      assert.equal(error.code, 8, String(error));
      assert.match(error.message, /did not answer/);
      assert.ok(error.hint.length > 20);
      assert.ok(time >= timeoutMs && time <= timeoutMs + 1, `${time} ms`);
    }
  }
});

test('a device that answers noise, or whose every frame is damaged, is given up too', async () => {
  const faults: Damage[] = [
    () => [0x55],
    () => [0],
    (byte) => [byte ^ 0x20],
    (byte, at) => (at > 200 && at % 9 === 0 ? [byte ^ 1] : [byte]),
  ];
  for (const fault of faults) {
    const { error, time } = await inferUntilError(noFault, everyByte(fault));
    assert.equal(error.code, 8, String(error));
    assert.ok(time >= timeoutMs && time <= timeoutMs + 1, `${time} ms`);
  }
});

test('a device that restarts in the middle is reported at once', async () => {
  device.reset!();
  const session = await Session.open(inProcessTransport(device));
  await session.infer([inputOf(1)]);
  device.reset!();
  await assert.rejects(session.infer([inputOf(1)]), { code: 8, message: /lost the session/ });
  await assert.rejects(session.infer([inputOf(1)]), { code: 8 }, 'the session stays broken');
});

test('a device in this process that is busy for ever, or mute, does not hang the event loop', async () => {
  const devices: InProcessDevice[] = [
    { push() {}, poll: () => true, pull: () => new Uint8Array() },
    { push() {}, poll: () => false, pull: () => new Uint8Array() },
    { push() {}, poll: () => true, pull: () => Uint8Array.of(1, 2, 0) },
  ];
  for (const dead of devices) {
    const started = performance.now();
    const opening = Session.open(inProcessTransport(dead), { timeoutMs: 80, retryMs: 10 });
    await assert.rejects(opening, { code: 8, message: /HELLO within 80 ms/ });
    assert.ok(performance.now() - started < 2000);
  }
});
