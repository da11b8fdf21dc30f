import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TsruncError } from '../../../ts/errors.js';
import { parseStored } from '../../../ts/state/stored.js';
import { sampleState } from './fixture.js';

const file = '/run/tsrunc/a/state.json';
const parse = (value: unknown) => parseStored(JSON.stringify(value), file, 'a');

function refused(text: string, why: string): void {
  assert.throws(
    () => parseStored(text, file, 'a'),
    (error: TsruncError) =>
      error.code === 'CORRUPT_STATE' &&
      error.path === file &&
      error.message.startsWith(`${file} `) &&
      error.message.includes(why) &&
      !error.message.includes('\n'),
    `${text.slice(0, 60)} should be refused: ${why}`,
  );
}

test('a whole state passes', () => {
  assert.equal(parse(sampleState()), sampleState());
  const { init: _, cgroup: __, pidFile: ___, ...least } = sampleState({ hooks: {} });
  assert.equal(parse(least), least);
});

test('what a torn or foreign file holds is refused', () => {
  const whole = JSON.stringify(sampleState());
  for (const text of ['', '\0\0\0', whole.slice(0, -1), `${whole}x`]) refused(text, 'is not JSON');
  for (const text of ['null', '[]', '1', '"x"']) refused(text, 'is not an object');
  refused('{}', 'not written by this version');
  refused(JSON.stringify({ ...sampleState(), format: 2 }), 'not written by this version');
  refused(JSON.stringify(sampleState({ id: 'b' })), 'belongs to another container');
});

const wrong: [string, unknown[]][] = [
  ['ociVersion', [undefined, 1, null]],
  ['bundle', [undefined, '', 'relative', '/a/../b', '/a\0b', {}]],
  ['rootfs', [undefined, 'rootfs']],
  ['created', [undefined, 'yesterday', 0]],
  ['annotations', [undefined, null, [], { a: 1 }]],
  ['owner', [undefined, 0]],
  ['phase', [undefined, 'stopped', 'toString', null]],
  [
    'init',
    [
      null,
      1,
      {},
      { pid: 0, startTime: '1' },
      { pid: 1, startTime: '1' },
      { pid: -1, startTime: '1' },
      { pid: 2.5, startTime: '1' },
      { pid: '12', startTime: '1' },
      { pid: 12, startTime: 1 },
      { pid: 12, startTime: '' },
      { pid: 12, startTime: '-1' },
    ],
  ],
  [
    'cgroup',
    [
      null,
      { version: 'v3', directories: {} },
      { version: 'v1' },
      { version: 'v1', directories: [] },
      { version: 'v1', directories: { memory: 'x' } },
      { version: 'v1', directories: { memory: '/sys/fs/cgroup/../../etc' } },
    ],
  ],
  [
    'hooks',
    [
      undefined,
      [],
      { poststop: {} },
      { poststop: [{}] },
      { poststop: [{ path: 'sh' }] },
      { poststop: [{ path: '/bin/sh', args: 'x' }] },
      { poststop: [{ path: '/bin/sh', env: [1] }] },
      { poststop: [{ path: '/bin/sh', timeout: 0 }] },
    ],
  ],
  ['pidFile', [null, 'pid', 3]],
];

for (const [field, values] of wrong) {
  test(`a wrong "${field}" is refused by its name`, () => {
    for (const value of values) {
      refused(JSON.stringify({ ...sampleState(), [field]: value }), `"${field}"`);
    }
  });
}

test('no content makes it fail in another way', () => {
  const anything = fc.oneof(fc.json(), fc.string());
  fc.assert(
    fc.property(anything, (text) => {
      try {
        parseStored(text, file, 'a');
        return false;
      } catch (error) {
        return error instanceof TsruncError && error.code === 'CORRUPT_STATE';
      }
    }),
  );
  const field = fc.constantFrom(...Object.keys(sampleState()));
  fc.assert(
    fc.property(field, fc.jsonValue(), (name, value) => {
      try {
        parse({ ...sampleState(), [name]: value });
        return true;
      } catch (error) {
        return error instanceof TsruncError && error.code === 'CORRUPT_STATE';
      }
    }),
  );
});

test.run();
