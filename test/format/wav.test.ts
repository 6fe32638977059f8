import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EdgeNnError } from '../../host/core/errors.js';
import { readWav, type WavEncoding, writeWav } from '../../host/format/wav.js';

const samples = Float32Array.of(0, 0.5, -1, 0.25, -0.75, 0.9921875);
const exact: readonly WavEncoding[] = ['u8', 's16', 's24', 's32', 'f32', 'f64'];

test('wav: each encoding gives its numbers back', () => {
  for (const encoding of exact) {
    const wav = readWav(writeWav({ rate: 16000, channels: 2, samples }, encoding));
    assert.deepEqual(wav, { rate: 16000, channels: 2, samples }, encoding);
  }
  const loud = writeWav({ rate: 8000, channels: 1, samples: Float32Array.of(2, -2) });
  assert.deepEqual([...readWav(loud).samples], [32767 / 32768, -1]);
});

test('wav: samples of 16 bits are their integers by 2^15', () => {
  const wav = writeWav({ rate: 8000, channels: 1, samples: Float32Array.of(-3 / 32768) });
  assert.equal(new DataView(wav.buffer).getInt16(44, true), -3);
});

/** The file with a chunk between fmt and data, and fmt as WAVE_FORMAT_EXTENSIBLE. */
function extended(wav: Uint8Array): Uint8Array {
  const fmt = Buffer.alloc(8 + 40);
  fmt.write('fmt ');
  fmt.writeUInt32LE(40, 4);
  fmt.set(wav.subarray(20, 36), 8);
  fmt.set(wav.subarray(20, 22), 8 + 24);
  fmt.writeUInt16LE(0xfffe, 8);
  const odd = Buffer.from('LIST\x03\0\0\0abc\0', 'latin1');
  return Buffer.concat([wav.subarray(0, 12), fmt, odd, wav.subarray(36)]);
}

test('wav: extensible headers and other chunks are read', () => {
  const wav = writeWav({ rate: 16000, channels: 1, samples }, 's24');
  assert.deepEqual(readWav(extended(wav)).samples, samples);
});

test('wav: a stream whose size nobody knew ends with the file', () => {
  const wav = writeWav({ rate: 16000, channels: 1, samples }, 'f32');
  new DataView(wav.buffer).setUint32(40, 0xffffffff, true);
  assert.deepEqual(readWav(wav).samples, samples);
});

test('wav: every cut is a typed error', () => {
  const wav = writeWav({ rate: 16000, channels: 2, samples });
  for (let cut = 0; cut < wav.length; cut++) {
    assert.throws(() => readWav(wav.subarray(0, cut), 'a.wav'), { code: 3, where: /a\.wav/ });
  }
  for (let at = 0; at < wav.length * 8; at++) {
    const bad = Uint8Array.from(wav);
    bad[at >> 3]! ^= 1 << (at & 7);
    try {
      readWav(bad);
    } catch (error) {
      assert.ok(error instanceof EdgeNnError, String(error));
    }
  }
  const mp3 = Uint8Array.from(wav);
  mp3[20] = 0x55;
  assert.throws(() => readWav(mp3), { code: 3, message: /format 85/ });
});
