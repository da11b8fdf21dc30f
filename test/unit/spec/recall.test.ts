import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseSpec } from '../../../ts/spec/parse.js';
import { recallSpec } from '../../../ts/spec/recall.js';

const textOf = (name: string): string =>
  JSON.stringify({
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    annotations: { 'org.example': name },
  });

test('a text that was parsed a while ago is not parsed again', () => {
  const spec = recallSpec(textOf('again'));
  assert.equal(spec, parseSpec(textOf('again')));
  assert.is(recallSpec(textOf('again')), spec);
  assert.is.not(recallSpec(textOf('another')), spec);
});

test('sixteen are kept, the last ones that were asked for', () => {
  const first = recallSpec(textOf('first'));
  const second = recallSpec(textOf('second'));
  for (let index = 0; index < 14; index++) recallSpec(textOf(`other-${index}`));
  assert.is(recallSpec(textOf('first')), first);
  recallSpec(textOf('one more'));
  assert.is(recallSpec(textOf('first')), first);
  assert.is.not(recallSpec(textOf('second')), second);
});

test('a long one is not kept', () => {
  const text = textOf('long'.repeat(100_000));
  assert.is.not(recallSpec(text), recallSpec(text));
});

test('what is wrong is said each time', () => {
  for (let round = 0; round < 2; round++)
    assert.throws(() => recallSpec('{"hostname": 1}'), /hostname/);
});

test.run();
