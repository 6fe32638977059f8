/**
 * Counting: against loops of known length, on every board that counts, and of a whole network.
 */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { getBoard } from '../../host/board/boards.js';
import { findTool } from '../../host/board/toolchain/tools.js';
import { UnsupportedError } from '../../host/core/errors.js';
import { benchModel, instructionsPerTick } from '../../host/eval/bench.js';
import { serialTransport } from '../../host/link/serial.js';
import { Session } from '../../host/link/session.js';
import { smallModel } from '../board/support.js';
import { bootQemu, buildArm, inputOf, scratchDir } from '../device/fixture.js';

const dir = scratchDir();
after(() => rmSync(dir, { recursive: true, force: true }));

async function lackingEmulator(): Promise<string | undefined> {
  if (process.env.EDGE_NN_SKIP_EMULATORS === '1') return 'EDGE_NN_SKIP_EMULATORS is set';
  for (const tool of ['arm-none-eabi-gcc', 'qemu-system-arm'] as const) {
    if (!(await findTool(tool))) return `${tool} is not on this machine`;
  }
  return undefined;
}

/** Times around the loop of two instructions, as in fixtures/loops.c. */
const loops = [1000, 1_000_000, 12_000_000];
/** Of the function around a loop. */
const mostAround = 30;
/** The third loop is longer than the timer's period: its interrupt counts too. */
const mostInterrupt = 40;

/** Where a board is another one with other code: that one, and the code. */
const codeOf: Readonly<Record<string, { readonly machine: string; readonly flags: string[] }>> = {
  'mps2-an385-v6m': { machine: 'mps2-an385', flags: ['-mcpu=cortex-m0plus'] },
};

for (const name of [
  'mps2-an385',
  'mps2-an385-v6m',
  'mps2-an386',
  'mps2-an500',
  'mps3-an547',
  'microbit',
]) {
  test(`${name}: a loop of known length is counted, and the same every time`, async (t) => {
    const reason = await lackingEmulator();
    if (reason) return t.skip(reason);
    const { machine, flags } = codeOf[name] ?? { machine: name, flags: [] };
    const elf = buildArm(machine, dir, flags, 'test/eval/fixtures/loops.c');
    const emulator = await bootQemu(machine, elf);
    t.after(() => emulator.stop());
    const session = await Session.open(await serialTransport(emulator.pty));
    t.after(() => session.close());
    const scale = instructionsPerTick(getBoard(name), session.info.tickHz);
    const first = await session.profile([inputOf(1)]);
    const counts = first.stepTicks!.map((ticks) => ticks * scale);
    t.diagnostic(counts.join(', '));
    loops.forEach((times, step) => {
      const around = counts[step]! - 2 * times;
      const most = step === 2 ? mostAround + mostInterrupt : mostAround;
      assert.ok(around >= 0 && around <= most, `step ${step}: ${counts[step]} for ${2 * times}`);
    });
    // What is around the loops is the same code: only the loops differ, but for a fraction of a tick.
    const difference = counts[1]! - counts[0]!;
    assert.ok(Math.abs(difference - 2 * (loops[1]! - loops[0]!)) <= 2 * scale, `${difference}`);
    // Where instructions and ticks keep no step, a loop begins anywhere between two ticks.
    const jitter = Number.isInteger(scale) ? 0 : 1;
    for (let i = 0; i < 3; i++) {
      const { stepTicks } = await session.profile([inputOf(i)]);
      stepTicks!.forEach((ticks, step) => {
        const apart = Math.abs(ticks - first.stepTicks![step]!);
        assert.ok(apart <= jitter, `step ${step}: ${ticks} and ${first.stepTicks![step]}`);
      });
    }
  });
}

test('a network is counted layer by layer, twice the same', async (t) => {
  const reason = await lackingEmulator();
  if (reason) return t.skip(reason);
  const path = join(dir, 'small.tflite');
  writeFileSync(path, smallModel());
  const once = await benchModel({ path, board: 'mps2-an386' });
  const again = await benchModel({ path, board: 'mps2-an386' });
  // How deep the stack is when a byte of the link interrupts depends on when the host sends it.
  const { stackUsed } = once.size;
  assert.deepEqual({ ...again, size: { ...again.size, stackUsed } }, once);
  for (const { size } of [once, again]) assert.ok(size.stackUsed <= size.stack);
  assert.equal(once.unit, 'instructions');
  assert.equal(once.board, 'mps2-an386');
  assert.deepEqual(
    once.layers.map(({ op }) => op),
    ['conv2d', 'maxPool2d', 'conv2d', 'maxPool2d', 'dense', 'dense'],
  );
  assert.equal(
    once.total,
    once.layers.reduce((sum, { count }) => sum + count, 0),
  );
  assert.equal(
    once.macs,
    once.layers.reduce((sum, { macs }) => sum + macs, 0),
  );
  assert.ok(once.macs > 0 && once.layers.every(({ count, macs }) => count > macs / 2));
  assert.match(once.tools.compiler, /gcc/);
  assert.match(once.tools.emulator, /QEMU/);
});

test('a board that measures time is refused', async () => {
  const path = join(dir, 'small.tflite');
  writeFileSync(path, smallModel());
  await assert.rejects(
    benchModel({ path, board: 'virtual' }),
    (error) => error instanceof UnsupportedError && /mps2-an386/.test(error.hint),
  );
  assert.throws(() => instructionsPerTick(getBoard('host'), 1e9), UnsupportedError);
  assert.equal(instructionsPerTick(getBoard('mps2-an386'), 0), 1);
});
