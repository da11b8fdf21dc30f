import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultSpec } from '../../../ts/spec/default.js';
import { asksForSomething, findUnsupported } from '../../../ts/spec/unsupported.js';
import type { Broken } from './broken.js';

const test = suite('what is not supported');

for (const platform of ['freebsd', 'solaris', 'vm', 'windows', 'zos']) {
  test(`a container of ${platform} alone`, () => {
    const { linux: _, ...spec } = defaultSpec();
    const found = findUnsupported({ ...spec, [platform]: {} } as Broken);
    assert.equal(
      found.map(({ path }) => path),
      [platform],
    );
    assert.match(found[0]?.message ?? '', 'not supported');
  });
}

test('all is named at once', () => {
  const { linux: _, ...spec } = defaultSpec();
  const found = findUnsupported({ ...spec, zos: {}, vm: { kernel: {} } } as Broken);
  assert.equal(
    found.map(({ path }) => path),
    ['vm', 'zos'],
  );
});

test('a part for another platform is ignored next to the one for Linux', () => {
  assert.equal(
    findUnsupported({ ...defaultSpec(), windows: {}, vm: { kernel: {} } } as Broken),
    [],
  );
});

test('what asks for nothing is told from what does', () => {
  for (const nothing of [0, 0n, '', false, null, undefined, [], {}, { weight: 0, more: {} }]) {
    assert.not(asksForSomething(nothing));
  }
  for (const something of [1, -1n, 'x', true, [0], { weight: 0, more: { limit: 1 } }]) {
    assert.ok(asksForSomething(something));
  }
});

test.run();
