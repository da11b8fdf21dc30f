import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TsruncError } from '../../../ts/errors.js';
import {
  type Attributes,
  decodeAttributes,
  decodeMessages,
  encodeMessage,
} from '../../../ts/network/message.js';

const head = { type: 16, flags: 5, sequence: 77 };
const attributes = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 0x3fff }), fc.uint8Array({ maxLength: 300 })))
  .map((pairs) => new Map(pairs.map(([type, data]) => [type, Buffer.from(data)])));

/** As rtnetlink(7) has it: a length of 4 bytes, then type and flags of 2, sequence and port of 4. */
test('a request has the form that the kernel reads', () => {
  const bytes = encodeMessage(head, Buffer.from('header..'), new Map([[3, Buffer.from('lo\0')]]));
  assert.is(
    bytes.toString('hex'),
    [
      '20000000',
      '1000',
      '0500',
      '4d000000',
      '00000000',
      '6865616465722e2e',
      '0700',
      '0300',
      '6c6f00',
      '00',
    ].join(''),
  );
});

test('what is encoded is decoded again, one message behind the other', () => {
  fc.assert(
    fc.property(attributes, attributes, (first, second) => {
      const header = Buffer.alloc(16, 1);
      const [one, two] = [first, second].map((each) => encodeMessage(head, header, each));
      const decoded = decodeMessages(Buffer.concat([one ?? header, two ?? header]));
      assert.is(decoded.length, 2);
      const read = decoded.map(({ payload }) => [...decodeAttributes(payload, 16)]);
      assert.equal(read, [[...first], [...second]]);
      assert.is(decoded[1]?.sequence, 77);
    }),
  );
});

/** Decodes everything in a datagram; only the one error may come of it. */
function decodeAll(bytes: Uint8Array): void {
  try {
    for (const { payload } of decodeMessages(bytes)) decodeAttributes(payload, 8);
  } catch (error) {
    assert.ok(error instanceof TsruncError && error.code === 'EPROTO', String(error));
  }
}

test('no bytes confuse the decoder', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), decodeAll));
  fc.assert(
    fc.property(attributes, fc.nat(), fc.integer({ min: 0, max: 255 }), (all, at, byte) => {
      const bytes = encodeMessage(head, Buffer.alloc(8), all);
      bytes[at % bytes.length] = byte;
      decodeAll(bytes);
      decodeAll(bytes.subarray(0, at % bytes.length));
    }),
  );
});

for (const [what, length] of [
  ['ends before its header does', 15],
  ['is none at all', 0],
  ['runs over the end', 17],
] as const) {
  test(`a message whose length ${what} is refused`, () => {
    const bytes = encodeMessage(head, Buffer.alloc(0));
    bytes.writeUInt32LE(length, 0);
    assert.throws(() => decodeMessages(bytes), /a length that is impossible/);
  });
}

test('an attribute that would overflow its 16 bits of length is refused: CVE-2021-43784', () => {
  const one = (size: number): Attributes => new Map([[3, Buffer.alloc(size)]]);
  assert.is(encodeMessage(head, Buffer.alloc(0), one(0xfffb)).length, 16 + 0x1_0000);
  for (const size of [0xfffc, 0x1_0000, 0x1_0004])
    assert.throws(() => encodeMessage(head, Buffer.alloc(0), one(size)), /too long/);
});

test.run();
