import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeReport, encodeOrders } from '../../../ts/resident/wire.js';

const u32 = (value: number): number[] => [...new Uint8Array(Uint32Array.of(value).buffer)];
const text = (value: string): number[] => {
  const bytes = [...Buffer.from(value)];
  return [...u32(bytes.length), ...bytes, 0];
};

test('orders are one message, each with its code and its size', () => {
  const bytes = encodeOrders([
    { name: 'subreaper', fields: { on: true } },
    { name: 'running', fields: { pid: 7, finish: ['delete', 'ü'] } },
    { name: 'finish', fields: { code: 3 } },
  ]);
  const running = [...u32(7), ...u32(2), ...text('delete'), ...text('ü')];
  assert.equal(
    [...bytes],
    [6, ...u32(1), 1, 7, ...u32(running.length), ...running, 10, ...u32(4), ...u32(3)],
  );
});

const call = [
  ...[1, ...u32(0x1234), ...new Uint8Array(BigUint64Array.of(1n, 2n, 3n).buffer)],
  ...[...u32(2), ...u32(3), ...u32(4), ...text('/'), ...u32(1), ...text('state')],
  ...[...u32(1), ...text('PATH=/bin')],
];

test('a call is read whole', () => {
  assert.equal(decodeReport(Uint8Array.from(call)), {
    name: 'call',
    fingerprint: 0x1234,
    inode: 1n,
    size: 2n,
    changed: 3n,
    own: [3, 4],
    directory: '/',
    args: ['state'],
    environment: ['PATH=/bin'],
  });
});

test('what is cut off, longer, or of no form is no report', () => {
  for (let size = 0; size < call.length; size++)
    assert.is(decodeReport(Uint8Array.from(call.slice(0, size))), undefined, String(size));
  assert.is(decodeReport(Uint8Array.from([...call, 0])), undefined);
  assert.is(decodeReport(Uint8Array.of(0)), undefined);
  assert.is(decodeReport(Uint8Array.of(99)), undefined);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      decodeReport(bytes);
    }),
  );
});

test.run();
