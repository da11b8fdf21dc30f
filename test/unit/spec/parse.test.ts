import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TsruncError } from '../../../ts/errors.js';
import { defaultSpec, rootlessSpec } from '../../../ts/spec/default.js';
import { parseExactJson } from '../../../ts/spec/json.js';
import { parseSpec, validateSpec } from '../../../ts/spec/parse.js';
import { findUnsupported } from '../../../ts/spec/unsupported.js';

const test = suite('config.json');

/** The error of parsing `text`. */
function refusal(text: string): TsruncError {
  try {
    parseSpec(text);
  } catch (error) {
    if (error instanceof TsruncError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

test('what `tsrunc spec` writes is legal and supported', () => {
  for (const spec of [defaultSpec(), rootlessSpec(1000, 100)]) {
    assert.equal(parseSpec(JSON.stringify(spec)), spec);
    assert.equal(findUnsupported(spec), []);
  }
});

test('all that is wrong is said at once, each with its path', () => {
  const spec = { ...defaultSpec(), hostname: 5, annotations: { a: 1 } };
  const { message, code, stage } = refusal(JSON.stringify(spec));
  assert.is(
    message,
    'config.json: hostname: must be a string, is 5; annotations["a"]: must be a string, is 1',
  );
  assert.is(code, 'INVALID_CONFIG');
  assert.is(stage, 'config');
});

test('unknown properties are ignored', () => {
  const spec = { ...defaultSpec(), windows: { x: 1 }, 'org.example': [null] };
  assert.equal(validateSpec(spec), []);
});

test('null is the absence of a property', () => {
  const spec = JSON.parse(JSON.stringify(defaultSpec()));
  spec.linux.resources.memory = { limit: null, swappiness: null };
  spec.hooks = null;
  const parsed = parseSpec(JSON.stringify(spec));
  assert.equal(parsed.linux?.resources?.memory, {});
  assert.not('hooks' in parsed);
});

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
  assert.equal(parse('1234567890123456.5'), { n: 1234567890123456.5, s: '1234567890123456.5' });
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

test('a rlimit without limit keeps its value', () => {
  const spec = JSON.stringify(defaultSpec()).replaceAll('1024', '18446744073709551615');
  assert.is(parseSpec(spec).process?.rlimits?.[0]?.hard, 18446744073709551615n);
});

test('what is not JSON is refused in one line', () => {
  for (const text of ['', '{', '[]x', '{"ociVersion": }', '\ufeff', 'null', '5', '[]']) {
    assert.match(refusal(text).message, /^config\.json: [^\n]+$/);
  }
});

test('deep nesting is an error, not a crash', () => {
  const depth = 200_000;
  const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`;
  for (const json of [deep, `{"x": ${deep}, "n": 12345678901234567890}`]) {
    assert.match(refusal(json).message, /^config\.json: /);
  }
});

test('validation never throws', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      validateSpec(value);
    }),
  );
  const keys = fc.constantFrom(
    'linux',
    'process',
    'mounts',
    'root',
    'hooks',
    'seccomp',
    'resources',
    'namespaces',
  );
  const shaped = fc.dictionary(keys, fc.oneof(fc.jsonValue(), fc.dictionary(keys, fc.jsonValue())));
  fc.assert(
    fc.property(shaped, (value) => {
      validateSpec({ ...defaultSpec(), ...value });
    }),
  );
});

test('what is not supported is named', () => {
  const spec = defaultSpec();
  Object.assign(spec.process ?? {}, {
    apparmorProfile: 'x',
    scheduler: { policy: 'SCHED_OTHER', nice: 1 },
  });
  Object.assign(spec.linux ?? {}, { timeOffsets: { boottime: { secs: 1 } }, intelRdt: {} });
  spec.mounts?.push({ destination: '/x', type: 'tmpfs', options: ['tmpcopyup'] });
  Object.assign(spec.linux?.resources ?? {}, {
    blockIO: { weight: 10 },
    memory: { swappiness: 0 },
    unified: { 'memory.high': '5' },
  });
  const index = (spec.mounts?.length ?? 0) - 1;
  assert.equal(
    findUnsupported(spec).map(({ path }) => path),
    [
      'process.apparmorProfile',
      'process.scheduler',
      `mounts[${index}].options: "tmpcopyup"`,
      'linux.timeOffsets',
      'linux.intelRdt',
      'linux.resources.blockIO',
      'linux.resources.unified',
      'linux.resources.memory.swappiness',
    ],
  );
});

test('values that ask for nothing are no reason to refuse', () => {
  const spec = defaultSpec();
  Object.assign(spec.process ?? {}, { apparmorProfile: '', selinuxLabel: '' });
  Object.assign(spec.linux ?? {}, { mountLabel: '', timeOffsets: {}, netDevices: {} });
  Object.assign(spec.linux?.resources ?? {}, {
    blockIO: { weight: 0 },
    cpu: { shares: 0 },
    memory: { kernel: -1, disableOOMKiller: false },
    hugepageLimits: [],
  });
  assert.equal(findUnsupported(spec), []);
});

test.run();
