import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encode } from '../../../ts/native/encode.js';
import type { SeccompPolicy } from '../../../ts/native/native.js';
import { FINGERPRINT } from '../../../ts/native/operation-encoder.js';
import { type Operation, operations, type Program } from '../../../ts/plan/operations.js';
import { anyOperation, policies, type Shape, WireReader } from './wire.js';

const table: Readonly<Record<string, Shape>> = operations;
const names = Object.keys(table);
const operation = anyOperation(table);
const programs = fc.record({
  stage: fc.array(operation),
  create: fc.array(operation),
  start: fc.array(operation),
});

function programOf(...start: Operation[]): Program {
  return { stage: [], create: [], start };
}

/** The operations that bytes stand for. Throws when a byte is missing or left over. */
function decode(bytes: Uint8Array): Record<string, unknown>[] {
  const reader = new WireReader(bytes);
  assert.is(new TextDecoder().decode(reader.raw(4)), 'TSRP');
  assert.is(reader.u32(), FINGERPRINT);
  const decoded = Array.from({ length: reader.u32() }, () => {
    const op = names[reader.u8() - 1] ?? '';
    const own = new WireReader(reader.raw(reader.u32()));
    const values = Object.entries(table[op] ?? {}).map(([name, type]) => [name, own.value(type)]);
    assert.ok(own.atEnd, `${op} has bytes left over`);
    return { op, ...Object.fromEntries(values) };
  });
  assert.ok(reader.atEnd, 'bytes are left over');
  return decoded;
}

/** An operation with its policy, if it has one, as what it is compiled to. */
function compiled({ ...values }: Operation): Record<string, unknown> {
  const result: Record<string, unknown> = values;
  if (result['filter']) result['filter'] = policies.get(result['filter'] as SeccompPolicy);
  return result;
}

test('any Program is the same after encoding and decoding, phase after phase', () => {
  fc.assert(
    fc.property(programs, (program) => {
      const all = [...program.stage, ...program.create, ...program.start];
      assert.equal(decode(encode(program, policies)), all.map(compiled));
    }),
  );
});

test('a Program may be of any length, whatever its buffer has room for', () => {
  for (let length = 16_300; length < 16_400; length++) {
    const program = programOf(
      { op: 'setHostname', name: 'x'.repeat(length) },
      { op: 'setUser', uid: 1, gid: 2, groups: [3, 4, 5], setGroups: true },
      { op: 'setRlimit', resource: 6, soft: 7n, hard: 8n },
      { op: 'setOomScoreAdj', value: -9 },
    );
    assert.equal(decode(encode(program)), program.start);
  }
});

test('each operation of the table makes the way', () => {
  for (const [op, shape] of Object.entries(table)) {
    const one = anyOperation({ [op]: shape });
    fc.assert(
      fc.property(one, (operation) => {
        assert.equal(decode(encode(programOf(operation), policies)), [compiled(operation)]);
      }),
      { numRuns: 10 },
    );
  }
});

test('a Program larger than any first buffer is whole', () => {
  const env = Array.from({ length: 3000 }, (_, index) => `NAME${index}=${'ü'.repeat(index % 97)}`);
  const operation: Operation = {
    op: 'prepareExec',
    args: ['x'.repeat(100_000)],
    env,
    preserve: 0,
  };
  assert.equal(decode(encode(programOf(operation))), [operation]);
});

test('numbers that their type does not hold are refused, not cut off', () => {
  const tooLarge = fc.oneof(
    fc.integer({ max: -1 }),
    fc.integer({ min: 2 ** 32, max: Number.MAX_SAFE_INTEGER }),
  );
  fc.assert(
    fc.property(tooLarge, (mask) => {
      assert.throws(
        () => encode(programOf({ op: 'setUmask', mask })),
        (error: unknown) => error instanceof RangeError,
      );
    }),
  );
  for (const keep of [-1n, 2n ** 64n]) {
    assert.throws(
      () => encode(programOf({ op: 'setBoundingSet', keep })),
      (error: unknown) => error instanceof RangeError,
    );
  }
});

test('a policy that nobody compiled is refused, not left out', () => {
  const [filter] = policies.keys();
  assert.ok(filter);
  assert.throws(
    () => encode(programOf({ op: 'loadSeccomp', flags: 0, listener: false, filter })),
    /was not compiled/,
  );
});

test('the generated decoder and fingerprint are those of the table', () => {
  const tree = fileURLToPath(new URL('../../..', import.meta.url));
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'scripts/generate-operations.ts', '--check'],
    { cwd: tree, encoding: 'utf8' },
  );
  assert.is(status, 0, stderr);
});

test.run();
