/**
 * Sessions over a line that damages bytes: every position, both directions.
 *
 * The model with state counts its inferences into its outputs, so a result that is right also
 * proves that every RUN was executed exactly once.
 */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { randomInt } from '../../host/core/random.js';
import { createSplitter, decodeFrame, encodeFrame } from '../../host/link/frame.js';
import type { InProcessDevice } from '../../host/link/in-process.js';
import { packHello, packInput, packOutput, packRun, protocol } from '../../host/link/protocol.js';
import { Session } from '../../host/link/session.js';
import { wasmDevice } from '../../host/link/wasm-device.js';
import { buildVirtual, inputOf, outputOf, windowsOf } from '../device/fixture.js';
import { quick } from '../quick.js';
import {
  type Damage,
  drive,
  everyByte,
  type Fault,
  faultyLine,
  type Line,
  noFault,
  oneByte,
  virtualClock,
} from './line.js';

const images: Record<string, Uint8Array> = {};
before(async () => {
  images.stateless = await buildVirtual();
  images.stateful = await buildVirtual(['-DFIXTURE_STATE']);
  images.small = await buildVirtual(['-DENN_RX_BYTES=128', '-DENN_MAX_PAYLOAD=64']);
});

/** The ways to damage one byte. */
const kinds: Readonly<Record<string, Damage>> = {
  dropped: () => [],
  flipped: (byte, position) => [byte ^ (1 << (position % 8))],
  zeroed: () => [0],
  duplicated: (byte) => [byte, byte],
  inserted: (byte, position) => [(position * 37 + 1) & 0xff, byte],
  'zero inserted': (byte) => [0, byte],
};

const inputs = [0, 1].map(inputOf);

/** Overlapping inferences, a trace, a layer; every result is compared. */
async function script(line: Line, clock: ReturnType<typeof virtualClock>): Promise<void> {
  const session = await Session.open(line, { clock, nonce: 0x00c0ffee, timeoutMs: 60_000 });
  const counts = session.info.stateBytes > 0;
  const check = (scores: Uint8Array | undefined, want: Uint8Array, run: number): void => {
    const expected = counts ? want.map((byte) => byte + run) : want;
    assert.ok(Buffer.from(expected).equals(scores!), `inference ${run} is wrong`);
  };
  const results = await Promise.all(inputs.map((input) => session.infer([input])));
  for (const [i, [scores]] of results.entries()) check(scores, outputOf(inputs[i]!), i + 1);
  const windows = windowsOf(inputs[0]!);
  const traced = await session.trace([inputs[0]!]);
  assert.equal(traced.length, 3);
  for (const { step, crc } of traced.slice(0, 2)) assert.equal(crc, crc32(windows[step]!));
  const layer = await session.readLayer([inputs[0]!], 1);
  assert.ok(Buffer.from(windows[1]!).equals(layer));
  const [last] = await session.infer([inputs[1]!]);
  check(last, outputOf(inputs[1]!), 4);
  await session.close();
}

async function run(device: InProcessDevice, toDevice: Fault, fromDevice: Fault): Promise<Line> {
  const clock = virtualClock();
  const line = faultyLine(device, toDevice, fromDevice);
  await drive(script(line, clock), line, clock);
  return line;
}

/** Each kind of damage at each position; or, when they take turns, one kind at each. A quick run takes turns. */
async function damageEverywhere(image: Uint8Array, takeTurns: boolean): Promise<void> {
  const device = await wasmDevice(image);
  const { counts } = await run(device, noFault, noFault);
  assert.ok(counts.toDevice > 450 && counts.fromDevice > 300);
  for (const direction of ['toDevice', 'fromDevice'] as const) {
    for (let position = 0; position < counts[direction]; position++) {
      for (const [i, [kind, damage]] of Object.entries(kinds).entries()) {
        if (takeTurns && position % Object.keys(kinds).length !== i) continue;
        const fault = oneByte(position, damage);
        const [to, from] = direction === 'toDevice' ? [fault, noFault] : [noFault, fault];
        device.reset!();
        try {
          await run(device, to, from);
        } catch (cause) {
          throw new Error(`${kind} byte ${position} ${direction}: ${cause}`, { cause });
        }
      }
    }
  }
}

test('one damaged byte at every position, both directions', () =>
  damageEverywhere(images.stateless!, quick));

const inFull = quick && 'EDGE_NN_QUICK is set';

test('the same on a model with state', { skip: inFull }, () =>
  damageEverywhere(images.stateful!, false),
);

test('the same on a device with small buffers', { skip: inFull }, () =>
  damageEverywhere(images.small!, true),
);

test('many damaged bytes in both directions: every result right, every run exactly once', async () => {
  const device = await wasmDevice(images.stateful!);
  for (let seed = 0; seed < (quick ? 30 : 300); seed++) {
    const noise = (step: number): Fault =>
      everyByte((byte, at) => {
        const key = { seed, purpose: 'test', step } as const;
        if (randomInt(key, 2 * at, 400) > 0) return [byte];
        const choice = Object.values(kinds);
        return choice[randomInt(key, 2 * at + 1, choice.length)]!(byte, at);
      });
    device.reset!();
    try {
      await run(device, noise(0), noise(1));
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

/** Sends raw bytes and returns the types and first payload bytes of the frames that come back. */
function exchange(device: InProcessDevice, bytes: Uint8Array): string[] {
  const answers: string[] = [];
  const split = createSplitter((block) => {
    const frame = decodeFrame(block)!;
    answers.push(`${frame.type.toString(16)}:${frame.payload[0]}`);
  });
  device.push(bytes);
  while (device.poll()) split(device.pull());
  split(device.pull());
  return answers;
}

test('the device never acts on a damaged frame', async () => {
  const device = await wasmDevice(images.stateful!);
  const input = inputOf(9);
  const requests = [
    encodeFrame(protocol.hello, 0, packHello(1, 0)),
    encodeFrame(protocol.input, 1, packInput(0, 0, input)),
    encodeFrame(protocol.run, 2, packRun(0, 3, 0, crc32(input))),
  ];
  const want = [[`${(0x81).toString(16)}:0`], ['82:0'], ['83:0']];
  const output = encodeFrame(protocol.output, 3, packOutput(0, 0, 10));
  const ignored = (damaged: Uint8Array, intact: Uint8Array): boolean => {
    const found: Uint8Array[] = [];
    createSplitter((block) => found.push(block))(damaged);
    return !found.some((block) => Buffer.from(block).equals(intact.subarray(0, -1)));
  };
  let tried = 0;
  for (const [kind, damage] of Object.entries(kinds)) {
    for (const [index, request] of requests.entries()) {
      for (let at = 0; at < request.length; at++) {
        const bytes = [...request].flatMap((byte, i) => (i === at ? damage(byte, i) : [byte]));
        const damaged = Uint8Array.from([...bytes, 0]);
        if (!ignored(damaged, request)) continue;
        tried++;
        device.reset!();
        for (let k = 0; k < index; k++) {
          assert.deepEqual(exchange(device, requests[k]!), want[k]);
        }
        assert.deepEqual(exchange(device, damaged), [], `${kind} byte ${at} of request ${index}`);
        for (let k = index; k < 3; k++) assert.deepEqual(exchange(device, requests[k]!), want[k]);
        const answer = exchange(device, output);
        assert.deepEqual(answer, ['84:0']);
      }
    }
  }
  assert.ok(tried > 500);
});

test('a repeated RUN answers again without running again; a skipped request is refused', async () => {
  const device = await wasmDevice(images.stateful!);
  const input = inputOf(9);
  const frame = (type: number, sequence: number, payload: Uint8Array) =>
    exchange(device, encodeFrame(type, sequence, payload));
  const start = packRun(0, 3, 0, crc32(input));
  assert.deepEqual(frame(protocol.run, 1, start), ['ff:2'], 'no session yet');
  assert.deepEqual(frame(protocol.hello, 0, packHello(7, 0)), ['81:0']);
  assert.deepEqual(frame(protocol.input, 1, packInput(0, 0, input)), ['82:0']);
  assert.deepEqual(frame(protocol.run, 3, start), ['ff:1'], 'sequence 2 is missing');
  assert.deepEqual(frame(protocol.run, 2, start), ['83:0']);
  assert.deepEqual(frame(protocol.run, 2, start), ['83:0'], 'its stored status');
  assert.deepEqual(frame(protocol.input, 1, packInput(0, 0, input)), ['ff:1'], 'long past');
  assert.deepEqual(frame(protocol.hello, 0, packHello(7, 0)), ['81:0'], 'the same session');
  device.push(encodeFrame(protocol.output, 3, packOutput(0, 0, 10)));
  while (device.poll());
  const body = decodeFrame(device.pull().subarray(0, -1))!.payload.subarray(3);
  assert.deepEqual([...body], [...outputOf(input).map((byte) => byte + 1)], 'it ran once');
  assert.deepEqual(frame(protocol.run, 4, start), ['83:3'], 'step 0 has destroyed the input');
  assert.deepEqual(frame(protocol.output, 5, packOutput(0, 0, 10)), ['84:2'], 'no outputs now');
  assert.deepEqual(frame(0x3e, 6, new Uint8Array()), ['be:4'], 'no such request');
});

test('requests that reach outside their tensor, model or arena are refused', async () => {
  const device = await wasmDevice(images.stateless!);
  const input = inputOf(1);
  const cases: [string, number, Uint8Array][] = [
    ['82:1', protocol.input, packInput(1, 0, input)],
    ['82:1', protocol.input, packInput(0, 1, input)],
    ['82:1', protocol.input, packInput(0, 0xffffffff, input)],
    ['82:1', protocol.input, new Uint8Array(4)],
    ['83:1', protocol.run, packRun(0, 4, 0, crc32(input))],
    ['83:1', protocol.run, packRun(1, 1, 0, crc32(input))],
    ['83:2', protocol.run, packRun(1, 2, 0, crc32(input))],
    ['83:3', protocol.run, packRun(0, 3, 0, crc32(input) ^ 1)],
    ['86:1', protocol.read, Uint8Array.of(96, 0, 0, 0, 1, 0)],
    ['86:0', protocol.read, Uint8Array.of(95, 0, 0, 0, 1, 0)],
    ['85:2', protocol.layer, Uint8Array.of(0, 0)],
    ['85:1', protocol.layer, Uint8Array.of(3, 0)],
    ['87:1', protocol.profile, Uint8Array.of(4, 0)],
    ['88:1', protocol.reset, Uint8Array.of(2)],
  ];
  exchange(device, encodeFrame(protocol.hello, 0, packHello(7, 0)));
  for (const [i, [want, type, payload]] of cases.entries()) {
    assert.deepEqual(exchange(device, encodeFrame(type, i + 1, payload)), [want], `case ${i}`);
  }
});
