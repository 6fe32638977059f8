/**
 * What the WebGPU engine says when something is missing or breaks.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ToolchainError } from '../../host/core/errors.js';
import { openGpu } from '../../host/engine/webgpu/adapter.js';
import type { GpuDescription } from '../../host/engine/webgpu/protocol.js';
import { sessionOf } from '../../host/engine/webgpu/session.js';
import { webgpu } from './webgpu-available.js';

const { skip } = webgpu;

const missing =
  (message: RegExp, hint: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof ToolchainError, String(error));
    assert.match(error.message, message);
    assert.match(error.hint, hint);
    return true;
  };

test('without npm webgpu its name is in the hint', async () => {
  const absent = () => Promise.reject(new Error("Cannot find package 'webgpu'"));
  await assert.rejects(openGpu(absent), missing(/npm package webgpu/, /`npm i webgpu`.*--engine/));
});

test('without an adapter the hint names what to install', async () => {
  const none = (() => ({ requestAdapter: async () => null })) as unknown as () => GPU;
  await assert.rejects(
    openGpu(async () => none),
    missing(/no GPU that WebGPU can use/, /driver.*--engine wasm/),
  );
});

test('a lost device is named, once and for all', { skip }, async () => {
  const gpu = await openGpu();
  const device = await gpu.adapter.requestDevice();
  const session = sessionOf(device, {} as GpuDescription);
  await session.handle({ kind: 'finish' });
  device.destroy();
  await device.lost;
  for (let i = 0; i < 2; i++) {
    await assert.rejects(
      session.handle({ kind: 'finish' }),
      missing(/the GPU device was lost/, /--resume/),
    );
  }
});
