import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TsruncError } from '../../ts/errors.js';

test('what a message quotes is one line, and nothing that a terminal obeys', () => {
  const { message } = new TsruncError('mount "a\nb\u001b[2J\u0085" failed: é', { code: 'EIO' });
  assert.is(message, 'mount "a\\nb\\x1b[2J\\x85" failed: é');
});

test.run();
