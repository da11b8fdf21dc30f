import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseRelease, requireKernel } from '../../../ts/host/kernel.js';

test('releases of all distributions are understood', () => {
  assert.equal(parseRelease('6.1.0-18-amd64'), { major: 6, minor: 1 });
  assert.equal(parseRelease('5.14.0-362.el9.x86_64'), { major: 5, minor: 14 });
  assert.equal(parseRelease('6.18'), { major: 6, minor: 18 });
  assert.equal(parseRelease('10.0-rc1'), { major: 10, minor: 0 });
  assert.throws(() => parseRelease('unknown'), /can't tell the version.*"unknown"/);
});

test('5.14 and later pass, older ones are named', () => {
  for (const release of ['5.14.0', '5.15.1', '6.0.0', '10.1']) requireKernel(5, 14, release);
  for (const release of ['5.13.19', '5.4.0-generic', '4.19.0']) {
    assert.throws(
      () => requireKernel(5, 14, release),
      (error: { code: string; message: string }) =>
        error.code === 'UNSUPPORTED' &&
        error.message.includes('5.14') &&
        error.message.includes(release),
    );
  }
});

test('the running kernel is the default', () => {
  requireKernel(1, 0);
  assert.throws(() => requireKernel(999, 0));
});

test.run();
