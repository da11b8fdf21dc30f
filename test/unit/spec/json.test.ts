import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseExactJson } from '../../../ts/spec/json.js';

const test = suite('exact numbers in JSON');

test('64-bit numbers are exact', () => {
  const parse = (text: string): unknown => parseExactJson(`{"n": ${text}, "s": "${text}"}`);
  for (const digits of [
    '18446744073709551615',
    '-9223372036854775808',
    '9007199254740993',
    '2080505856',
    '5',
  ]) {
    const { n, s } = parse(digits) as { n: number | bigint; s: string };
    assert.is(BigInt(n), BigInt(digits));
    assert.is(s, digits);
  }
});

test('every 64-bit number survives, wherever it stands', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n)), fc.string(), (numbers, text) => {
      const key = JSON.stringify(`1234567890123456${text}`);
      const json = `{${key}: [${numbers.join(',')}], "t": ${key}}`;
      const parsed = parseExactJson(json) as Record<string, (number | bigint)[]>;
      assert.equal(parsed[JSON.parse(key)]?.map(BigInt), numbers);
      assert.is(parsed['t'] as unknown, JSON.parse(key));
    }),
  );
});

test('fractions and powers are what they are to JSON', () => {
  for (const number of [
    '0.30000000000000004',
    '1234567890123456.5',
    '12345678901234567890e2',
    '-5e-1234567890123456',
  ]) {
    assert.equal(parseExactJson(`[${number}]`), [Number(number)]);
  }
});

test('a string that looks like a number stays a string', () => {
  for (const text of [
    '12345678901234567890',
    '"12345678901234567890',
    '\\',
    '\\"',
    '1234567890123456\\',
  ]) {
    assert.equal(parseExactJson(JSON.stringify([text, 1234567890123456])), [
      text,
      1234567890123456,
    ]);
  }
});

test('all else is as JSON.parse has it', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify([1234567890123456, value]);
      const wide = (_: string, it: unknown) =>
        typeof it === 'number' && Number.isInteger(it) && !Number.isSafeInteger(it) ? 'wide' : it;
      const narrow = JSON.parse(text, wide);
      const exact = JSON.parse(
        JSON.stringify(parseExactJson(text), (_, it) => (typeof it === 'bigint' ? 'wide' : it)),
        wide,
      );
      assert.equal(exact, narrow);
    }),
  );
});

test('what JSON.parse refuses is refused', () => {
  for (const text of [
    '00000000000000000001',
    '1234567890123456x',
    '"1234567890123456',
    '[1234567890123456',
  ])
    assert.throws(() => parseExactJson(text), SyntaxError);
});

test.run();
