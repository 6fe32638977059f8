/**
 * Small int8 models as .tflite files, folders that go away, and which boards this machine has.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { getBoard } from '../../host/board/boards.js';
import { findTool } from '../../host/board/toolchain/tools.js';
import { exportTflite } from '../../host/emit/tflite/tflite.js';
import { lenetLike, network } from '../lower/networks.js';
import { emulatorsOff } from '../quick.js';

/** Two convolutions, two pools, two dense layers on 12 x 12 pixels. */
export const smallModel = (): Uint8Array => exportTflite(lenetLike(5));

/** LeNet-5's first layers with so many channels, on 28 x 28 pixels. */
export function wideModel(channels: number): Uint8Array {
  const n = network(`wide${channels}`, 7);
  const image = n.input([28, 28, 1]);
  const c1 = n.conv(image, channels, { kernel: [5, 5], pad: 'same', relu: true });
  const p1 = n.pool('maxPool2d', c1, [2, 2]);
  return exportTflite(n.finish(n.dense(n.flatten(n.pool('maxPool2d', p1, [7, 7])), 10)));
}

/** A folder that is removed after the test. */
export function temporaryFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'edge-nn-board-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Why a board cannot be used here; undefined when it can. */
export async function lacking(board: string): Promise<string | undefined> {
  const { needs, runner } = getBoard(board);
  if (runner.kind === 'qemu' && emulatorsOff) return emulatorsOff;
  for (const tool of needs) {
    if (!(await findTool(tool))) return `${board} needs ${tool}, which is not on this machine`;
  }
  return undefined;
}
