import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cobsDecode,
  cobsEncode,
  createSplitter,
  decodeFrame,
  encodeFrame,
} from '../../host/link/frame.js';
import { createMonitor } from '../../host/link/monitor.js';
import { pack, packHello, protocol } from '../../host/link/protocol.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('COBS of blocks around the longest run, and back', () => {
  for (const length of [0, 1, 2, 253, 254, 255, 256, 508, 509, 600]) {
    for (const period of [1, 2, 3, 254, 255, 10_000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i % period === period - 1 ? 0 : i | 1));
      const encoded = cobsEncode(bytes);
      assert.ok(!encoded.includes(0));
      assert.ok(encoded.length <= length + Math.floor(length / 254) + 1);
      assert.deepEqual(cobsDecode(encoded), bytes, `${length} bytes, zero every ${period}`);
    }
  }
});

test('COBS of examples worked out by hand', () => {
  const run = Array.from({ length: 254 }, (_, i) => i + 1);
  assert.equal(hex(cobsEncode(Uint8Array.of())), '01');
  assert.equal(hex(cobsEncode(Uint8Array.of(0))), '0101');
  assert.equal(hex(cobsEncode(Uint8Array.of(0x11, 0, 0x22))), '02110222');
  assert.equal(hex(cobsEncode(Uint8Array.from(run))), `ff${hex(Uint8Array.from(run))}`);
  assert.equal(hex(cobsEncode(Uint8Array.from([...run, 0]))), `ff${hex(Uint8Array.from(run))}0101`);
  assert.equal(cobsDecode(Uint8Array.of(5, 1)), undefined);
});

test('a frame has the documented bytes', () => {
  const frame = encodeFrame(protocol.hello, 0, packHello(0x04030201, 0));
  // version 1, type 1, sequence 0, length 6, nonce, page; the CRC is that of zlib over these.
  const body = '010100000600010203040000';
  assert.equal(hex(cobsDecode(frame.subarray(0, -1))!).slice(0, -8), body);
  const decoded = decodeFrame(frame.subarray(0, -1))!;
  assert.deepEqual(decoded, {
    version: 1,
    type: 1,
    sequence: 0,
    payload: Uint8Array.of(1, 2, 3, 4, 0, 0),
  });
});

test('no damaged byte of a frame goes unnoticed', () => {
  const frame = encodeFrame(protocol.run, 258, Uint8Array.of(0, 0, 3, 0, 1, 0, 0xff, 0, 7));
  for (let at = 0; at < frame.length - 1; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const damaged = frame.slice(0, -1);
      damaged[at]! ^= 1 << bit;
      if (damaged.includes(0)) continue;
      assert.equal(decodeFrame(damaged), undefined, `byte ${at}, bit ${bit}`);
    }
  }
});

test('blocks are found however the stream is cut', () => {
  const stream = Uint8Array.of(0, 1, 2, 0, 0, 3, 0, 4, 5, 6, 0, 9);
  for (let size = 1; size <= stream.length; size++) {
    const blocks: string[] = [];
    const split = createSplitter((block) => blocks.push(hex(block)));
    for (let at = 0; at < stream.length; at += size) split(stream.subarray(at, at + size));
    assert.deepEqual(blocks, ['0102', '03', '040506'], `chunks of ${size}`);
  }
});

test('noise without delimiters is bounded and then forgotten', () => {
  const blocks: number[] = [];
  const split = createSplitter((block) => blocks.push(block.length));
  for (let i = 0; i < 100; i++) split(new Uint8Array(5000).fill(7));
  split(Uint8Array.of(0, 1, 0));
  assert.deepEqual(blocks, [1]);
});

test('the monitor shows frames in words and everything else as text', () => {
  const lines: string[] = [];
  const monitor = createMonitor((line) => lines.push(line));
  monitor.feed(Buffer.from('boot ok\r\nready\x01\0'));
  monitor.feed(encodeFrame(protocol.run | protocol.reply, 3, Uint8Array.of(3)));
  monitor.feed(encodeFrame(protocol.error, 9, pack([1, protocol.nak], [2, 4])));
  monitor.feed(encodeFrame(protocol.eventStep, 2, pack([2, 1], [4, 0xabc])));
  monitor.feed(encodeFrame(protocol.layer, 5, pack([2, 1])));
  monitor.feed(Buffer.from('tail'));
  monitor.end();
  assert.deepEqual(lines, [
    'boot ok',
    'ready\\x01',
    'reply RUN #3 input CRC differs',
    'NAK #9, expected #4',
    'step 1 of #2: CRC 00000abc',
    'request LAYER #5 0100',
    'tail',
  ]);
});
