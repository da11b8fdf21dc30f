import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkId, isId } from '../../../ts/state/id.js';

const character = fc.constantFrom(
  ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+.-',
);

test('every word over the allowed characters is an ID', () => {
  const word = fc.string({ unit: character, minLength: 1, maxLength: 255 });
  fc.assert(
    fc.property(
      word.filter((id) => id !== '.' && id !== '..'),
      (id) => isId(id),
    ),
  );
});

test('one foreign character anywhere makes it none', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: character, maxLength: 20 }),
      fc
        .string({ unit: 'binary', minLength: 1, maxLength: 1 })
        .filter((c) => !/[A-Za-z0-9_+.-]/.test(c)),
      fc.string({ unit: character, maxLength: 20 }),
      (before, foreign, after) => !isId(before + foreign + after),
    ),
  );
});

for (const id of ['', '.', '..', 'a/b', '../a', 'a\n', 'a\0', ' a', 'ä', 'x'.repeat(256)]) {
  test(`${JSON.stringify(id.slice(0, 20))} is refused in one line`, () => {
    assert.throws(
      () => checkId(id),
      (error: { code: string; message: string }) =>
        error.code === 'INVALID_ARGUMENT' &&
        error.message.startsWith('invalid container ID') &&
        !error.message.includes('\n'),
    );
  });
}

for (const id of ['a', '...', '-', '.a', 'x'.repeat(255), 'k8s.io_pod+1']) {
  test(`${id.slice(0, 20)} is accepted`, () => checkId(id));
}

test.run();
