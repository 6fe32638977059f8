/** Firmware for every Cortex-M board: it links and fits, and it answers on its emulated UART. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { serialTransport } from '../../host/link/serial.js';
import { Session } from '../../host/link/session.js';
import { emulatorsOff } from '../quick.js';
import {
  armBoards,
  bootQemu,
  buildArm,
  hasTool,
  inputOf,
  outputOf,
  scratchDir,
  windowsOf,
} from './fixture.js';

const noCompiler = hasTool('arm-none-eabi-gcc') ? false : 'needs arm-none-eabi-gcc';
const noEmulator =
  emulatorsOff ?? (hasTool('qemu-system-arm') ? noCompiler : 'needs qemu-system-arm');
const dir = scratchDir();
after(() => rmSync(dir, { recursive: true }));

/** The linker scripts carry the boards' memory sizes, so that what does not fit does not link. */
test('a stack larger than the micro:bit does not link', { skip: noCompiler }, () => {
  const flags = ['-Wl,--defsym=enn_stack_size=0x4000'];
  assert.throws(() => buildArm('microbit', dir, flags), /overflowed/);
});

for (const board of Object.keys(armBoards)) {
  test(`${board}: inference, trace and profile over a PTY`, { skip: noEmulator }, async (t) => {
    const emulator = await bootQemu(board, buildArm(board, dir));
    t.after(() => emulator.stop());
    const session = await Session.open(await serialTransport(emulator.pty));
    t.after(() => session.close());
    const images = Array.from({ length: 20 }, (_, i) => inputOf(i));
    let i = 0;
    for await (const [scores] of session.inferAll(images.map((image) => [image]))) {
      assert.deepEqual([...scores!], [...outputOf(images[i++]!)]);
    }
    const windows = windowsOf(images[2]!);
    assert.deepEqual(
      await session.trace([images[2]!]),
      windows.map((window, step) => ({ step, crc: crc32(window) })),
    );
    const profile = await session.profile([images[2]!]);
    t.diagnostic(`${session.info.tickHz} Hz ${JSON.stringify(profile)}`);
    assert.ok(profile.stepTicks!.every((ticks) => ticks > 0 && ticks < 1_000_000));
    assert.equal(profile.stackBytes, 0x800);
    assert.ok(profile.stackUsed > 64 && profile.stackUsed < profile.stackBytes);
    // SysTick starts afresh for a profile; the timer of the micro:bit runs on, and a count may begin
    // anywhere within a tick.
    const { stepTicks } = await session.profile([images[2]!]);
    for (const [step, ticks] of stepTicks!.entries()) {
      const apart = Math.abs(ticks - profile.stepTicks![step]!);
      assert.ok(apart <= (board === 'microbit' ? 1 : 0), `step ${step}: ${apart} ticks apart`);
    }
    await session.restart();
    const again = await Session.open(await serialTransport(emulator.pty));
    t.after(() => again.close());
    assert.deepEqual([...(await again.infer([images[5]!]))[0]!], [...outputOf(images[5]!)]);
  });
}
