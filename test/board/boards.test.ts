import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { boards, getBoard } from '../../host/board/boards.js';
import { boardSources, folderSources } from '../../host/board/folder-files.js';
import { packageFile } from '../../host/core/package.js';

test('every file that a board names is in the package', () => {
  for (const board of boards.values()) {
    for (const file of [...board.sources, ...board.include.filter((dir) => dir !== 'model')]) {
      assert.ok(existsSync(packageFile(file)), `${board.name}: ${file}`);
    }
  }
});

test('limits are those of the linker script', () => {
  const units: Readonly<Record<string, number>> = { K: 1024, M: 1024 * 1024 };
  const scripted = [...boards.values()].filter((board) => board.linkerScript);
  assert.ok(scripted.length >= 5);
  for (const { name, linkerScript, limits } of scripted) {
    const text = readFileSync(packageFile(linkerScript!), 'utf8');
    for (const [region, bytes] of [
      ['FLASH', limits.flash],
      ['RAM', limits.ram],
    ] as const) {
      const [, count, unit] = new RegExp(`${region}.*LENGTH = (\\d+)([KM])`).exec(text) ?? [];
      assert.equal(Number(count) * units[unit!]!, bytes, `${name} ${region}`);
    }
  }
});

test('a board that is linked for bare metal says where its stack begins and who interrupts it', () => {
  for (const board of boards.values()) {
    assert.ok(board.stack !== undefined || board.stackReserve !== undefined, board.name);
    if (!board.linkerScript) continue;
    assert.ok(board.stack!.handlers.length > 0, board.name);
    const hasFloat = board.flags.some((flag) => flag === '-mfloat-abi=hard');
    // Eight words of integer registers, eighteen more with a floating-point unit.
    assert.ok(board.stack!.exceptionBytes >= (hasFloat ? 26 : 8) * 4, board.name);
  }
});

test('all that a folder includes is in it', () => {
  for (const board of boards.values()) {
    const files = folderSources(board);
    for (const [path, text] of files) {
      for (const [, name] of text.matchAll(/^#include "([^"]+)"$/gm)) {
        if (name === 'model.h') continue;
        const found = [...files.keys()].some((file) => file.endsWith(`/${name}`));
        assert.ok(found, `${board.name}: ${path} includes ${name}`);
      }
    }
    if (board.standalone) assert.ok(files.size > boardSources(board).size);
  }
});

test('an unknown board is a usage error that lists the known ones', () => {
  assert.throws(() => getBoard('mps2'), {
    name: 'UsageError',
    code: 2,
    message: /"mps2"/,
    hint: /virtual.*mps2-an386.*microbit/,
  });
});
