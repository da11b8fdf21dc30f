import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultRoot } from '../../../ts/state/root.js';

const root = { uid: 0, privileged: () => true };
const mappedRoot = { uid: 0, privileged: () => false };
const user = { uid: 1000, privileged: () => false };

test('root keeps state in /run whatever the environment says', () => {
  assert.is(defaultRoot({}, root), '/run/tsrunc');
  assert.is(defaultRoot({ XDG_RUNTIME_DIR: '/run/user/0' }, root), '/run/tsrunc');
  assert.is(defaultRoot({ XDG_RUNTIME_DIR: '/run/user/1000', USER: 'u' }, root), '/run/tsrunc');
});

test('others keep it in their own runtime folder', () => {
  assert.is(defaultRoot({ XDG_RUNTIME_DIR: '/run/user/1000' }, user), '/run/user/1000/tsrunc');
  assert.is(defaultRoot({ XDG_RUNTIME_DIR: '/run/user/1000/' }, user), '/run/user/1000/tsrunc');
});

test('so does root in a user namespace, who is another one outside', () => {
  const env = { XDG_RUNTIME_DIR: '/run/user/1000' };
  assert.is(defaultRoot(env, mappedRoot), '/run/user/1000/tsrunc');
  assert.is(defaultRoot({ ...env, USER: 'somebody' }, mappedRoot), '/run/user/1000/tsrunc');
  // Root of a container whose environment is its own.
  assert.is(defaultRoot({ ...env, USER: 'root' }, mappedRoot), '/run/tsrunc');
  assert.is(defaultRoot({}, mappedRoot), '/run/tsrunc');
});

test('without one, the error says what to set', () => {
  for (const env of [{}, { XDG_RUNTIME_DIR: '' }, { XDG_RUNTIME_DIR: 'run' }]) {
    assert.throws(() => defaultRoot(env, user), /1000.*XDG_RUNTIME_DIR.*--root/);
  }
});

test.run();
