/**
 * The flash of an emulated board: an image and its hash inside the build folder.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeviceNotFoundError, FlashVerifyError } from '../core/errors.js';
import { sha256 } from '../core/hash.js';

export const imageFile = 'flash/image';
export const hashFile = 'flash/image.sha256';

/**
 * The image in an emulated board's flash, as a file that can be started.
 *
 * @throws DeviceNotFoundError (exit code 7) when nothing was flashed; FlashVerifyError (9) when the
 *   flash holds something else than was written
 */
export function flashedImage(dir: string): string {
  const path = join(dir, imageFile);
  if (!existsSync(path) || !existsSync(join(dir, hashFile))) {
    throw new DeviceNotFoundError(`nothing has been flashed from ${dir}`, {
      hint: `Run \`edge-nn flash ${dir}\` first.`,
      where: path,
    });
  }
  const expected = readFileSync(join(dir, hashFile), 'utf8').trim();
  const actual = sha256(readFileSync(path));
  if (actual === expected) return path;
  throw new FlashVerifyError(`the flash of ${dir} holds ${actual}, ${expected} was written`, {
    hint: `Run \`edge-nn flash ${dir}\` again.`,
    where: path,
  });
}
