import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadInputError, exitCodes } from '../../host/core/errors.js';

test('an error carries its exit code, hint and place', () => {
  const error = new BadInputError('idx: expected 60000 images, got 12', {
    hint: 'Download the file again.',
    where: 'train.idx:8',
  });
  assert.equal(error.code, exitCodes.badInput);
  assert.equal(error.name, 'BadInputError');
  assert.equal(error.where, 'train.idx:8');
  assert.match(error.hint, /\.$/);
});
