import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TsruncError } from '../../../ts/errors.js';
import { defaultSpec, rootlessSpec } from '../../../ts/spec/default.js';
import { parseSpec, validateSpec } from '../../../ts/spec/parse.js';
import { findUnsupported } from '../../../ts/spec/unsupported.js';
import type { Broken } from './broken.js';

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

test('unknown properties are ignored wherever they stand', () => {
  // Neither a name of the specification nor one that assignment would treat as the prototype.
  const name = fc.string({ minLength: 1 }).map((text) => `org.example.${text}`);
  const extras = fc.array(fc.tuple(fc.nat(), name, fc.jsonValue()), { minLength: 1 });
  fc.assert(
    fc.property(fc.constantFrom(defaultSpec(), rootlessSpec(1000, 100)), extras, (spec, list) => {
      const extended = structuredClone(spec);
      const places = records(extended);
      for (const [place, key, value] of list) {
        const record = places[place % places.length];
        if (record !== undefined) record[key] = value;
      }
      assert.equal(validateSpec(extended), []);
    }),
  );
});

/** Every object in a configuration: in the default ones, none whose keys are the user's. */
function records(value: unknown): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) return [];
  const below = Object.values(value).flatMap(records);
  return Array.isArray(value) ? below : [value as Record<string, unknown>, ...below];
}

test('null is the absence of a property', () => {
  const spec = JSON.parse(JSON.stringify(defaultSpec()));
  spec.linux.resources.memory = { limit: null, swappiness: null };
  spec.hooks = null;
  const parsed = parseSpec(JSON.stringify(spec));
  assert.equal(parsed.linux?.resources?.memory, {});
  assert.not('hooks' in parsed);
});

test('a rlimit without limit keeps its value', () => {
  const spec = JSON.stringify(defaultSpec()).replaceAll('1024', '18446744073709551615');
  assert.is(parseSpec(spec).process?.rlimits?.[0]?.hard, 18446744073709551615n);
});

test('a long text is no reason to refuse', () => {
  const spec: Broken = { ...defaultSpec(), 'org.example.data': 'x'.repeat(15 * 2 ** 20) };
  const text = JSON.stringify(spec).replace('1024', '18446744073709551615');
  assert.is(parseSpec(text).process?.rlimits?.[0]?.hard, 18446744073709551615n);
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

test.run();
