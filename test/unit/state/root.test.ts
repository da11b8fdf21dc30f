import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultRoot } from '../../../ts/state/root.js';

test('root keeps state in /run whatever the environment says', () => {
  assert.is(defaultRoot({}, 0), '/run/tsrunc');
  assert.is(defaultRoot({ XDG_RUNTIME_DIR: '/run/user/0' }, 0), '/run/tsrunc');
});

test('others keep it in their own runtime folder', () => {
  assert.is(defaultRoot({ XDG_RUNTIME_DIR: '/run/user/1000' }, 1000), '/run/user/1000/tsrunc');
  assert.is(defaultRoot({ XDG_RUNTIME_DIR: '/run/user/1000/' }, 1000), '/run/user/1000/tsrunc');
});

test('without one, the error says what to set', () => {
  for (const env of [{}, { XDG_RUNTIME_DIR: '' }, { XDG_RUNTIME_DIR: 'run' }]) {
    assert.throws(() => defaultRoot(env, 1000), /1000.*XDG_RUNTIME_DIR.*--root/);
  }
});

test.run();
