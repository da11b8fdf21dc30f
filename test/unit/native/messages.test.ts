import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeMessage, encodeReply } from '../../../ts/native/messages.js';
import { type MessageName, messages } from '../../../ts/plan/messages.js';
import { argumentsOf, type Shape } from './wire.js';

const table: Readonly<Record<MessageName, Shape>> = messages;
const names = Object.keys(table) as MessageName[];

/** Writes a message as cpp/core/channel.cc does. */
function encodeMessage(name: MessageName, fields: Record<string, unknown>): Buffer {
  const parts = Object.entries(table[name]).map(([field, type]) => {
    const value = fields[field];
    const word = Buffer.alloc(4);
    if (type === 'u32') {
      word.writeUInt32LE(value as number);
      return word;
    }
    const text = Buffer.from(value as string);
    word.writeUInt32LE(text.length);
    return Buffer.concat([word, text, Buffer.of(0)]);
  });
  return Buffer.concat([Buffer.of(names.indexOf(name) + 1), ...parts]);
}

const anyMessage = fc
  .constantFrom(...names)
  .chain((name) => argumentsOf(table[name]).map((fields) => ({ name, fields })));

test('any message is what init meant', () => {
  fc.assert(
    fc.property(anyMessage, ({ name, fields }) => {
      assert.equal(decodeMessage(encodeMessage(name, fields)), { name, ...fields });
    }),
  );
});

test('a message is read from where it lies in a larger buffer', () => {
  const message = encodeMessage('cloned', { pid: 4711 });
  const around = Buffer.concat([Buffer.of(1, 2, 3), message, Buffer.of(4)]);
  assert.equal(decodeMessage(around.subarray(3, -1)), { name: 'cloned', pid: 4711 });
});

test('a message that ends too early, or too late, is none', () => {
  fc.assert(
    fc.property(anyMessage, fc.nat(), fc.uint8Array({ minLength: 1 }), (message, cut, more) => {
      const bytes = encodeMessage(message.name, message.fields);
      assert.is(decodeMessage(bytes.subarray(0, cut % bytes.length)), undefined);
      assert.is(decodeMessage(Buffer.concat([bytes, more])), undefined);
    }),
  );
});

test('a length that reaches beyond the end is no message', () => {
  const bytes = encodeMessage('failed', {
    index: 1,
    code: 2,
    errno: 3,
    syscall: 'open',
    path: '/x',
    detail: '',
  });
  const syscallLength = 1 + 3 * 4;
  for (const length of [5, bytes.length, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
    const lying = Buffer.from(bytes);
    lying.writeUInt32LE(length, syscallLength);
    assert.is(decodeMessage(lying), undefined, String(length));
  }
});

test('whatever init sends, reading it does not throw', () => {
  const codes = fc.integer({ min: 0, max: names.length + 1 });
  const bytes = fc
    .tuple(codes, fc.uint8Array({ size: 'medium' }))
    .map(([code, rest]) => Uint8Array.of(code, ...rest));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), bytes), (data) => {
      const message = decodeMessage(data);
      assert.ok(message === undefined || names.includes(message.name));
    }),
    { numRuns: 2000 },
  );
});

test('replies are the bytes of the generated header', () => {
  assert.equal([...encodeReply('proceed')], [1]);
  assert.equal([...encodeReply('commit')], [2]);
  assert.equal([...encodeReply('start')], [3]);
});

test.run();
