import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exitCode, failureCode } from '../../../ts/cli/exit.js';

test('a process that exits gives its own code', () => {
  for (const code of [0, 1, 42, 255]) assert.is(exitCode({ code }), code);
});

test('a process that a signal ends gives 128 and its number', () => {
  assert.is(exitCode({ signal: 9 }), 137);
  assert.is(exitCode({ signal: 15 }), 143);
  assert.is(exitCode({ signal: 64 }), 192);
});

test('a failure of exec can be told from a process that failed', () => {
  assert.is(failureCode('exec'), 255);
  assert.is(failureCode('run'), 1);
  assert.is(failureCode(undefined), 1);
});

test.run();
