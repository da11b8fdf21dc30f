import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Store } from '../../../ts/state/store.js';
import { inFolder, isRoot, sampleState } from './fixture.js';

const failsWith =
  (code: string, text = '') =>
  (error: { code?: string; message: string }) =>
    error.code === code && error.message.includes(text) && !error.message.includes('\n');

const never = { tryLock: () => false };

test('create makes the root with its parents, for the owner alone', () =>
  inFolder((top) => {
    const store = new Store(`${top}/deep/er`, never);
    const folder = store.create('a');
    for (const path of [store.root, folder.directory]) {
      assert.is(statSync(path).mode & 0o7777, 0o700);
    }
    assert.equal(store.list(), ['a']);
  }));

test('an ID is claimed once', () =>
  inFolder((top) => {
    const store = new Store(top, never);
    store.create('a');
    assert.throws(
      () => store.create('a'),
      failsWith('CONTAINER_EXISTS', 'container with given ID already exists: "a"'),
    );
  }));

test('bad IDs reach no file', () =>
  inFolder((top) => {
    const store = new Store(`${top}/root`, never);
    assert.throws(() => store.create('../x'), failsWith('INVALID_ARGUMENT'));
    assert.throws(() => store.open('..'), failsWith('INVALID_ARGUMENT'));
    assert.equal(readdirSync(top), []);
  }));

test('what does not exist is said to, and nothing is made', () =>
  inFolder((top) => {
    const store = new Store(`${top}/root`, never);
    assert.throws(
      () => store.open('a'),
      failsWith('CONTAINER_NOT_FOUND', 'container does not exist'),
    );
    assert.equal(store.list(), []);
    assert.equal(readdirSync(top), []);
  }));

test('list is sorted and passes over what is no container', () =>
  inFolder((top) => {
    const store = new Store(top, never);
    for (const id of ['b', 'a', '10']) store.create(id);
    writeFileSync(`${top}/file`, '');
    mkdirSync(`${top}/not an id`);
    symlinkSync('a', `${top}/link`);
    assert.equal(store.list(), ['10', 'a', 'b']);
  }));

test('a relative root stays where it was when the process moves', () =>
  inFolder((top) => {
    const before = process.cwd();
    process.chdir(top);
    const store = new Store('root', never);
    process.chdir('/');
    try {
      assert.is(store.create('a').directory, `${top}/root/a`);
    } finally {
      process.chdir(before);
    }
  }));

test('what is written is read back', () =>
  inFolder((top) => {
    const store = new Store(top, never);
    const folder = store.create('a');
    assert.is(folder.read(), undefined);
    const state = sampleState();
    folder.write(state);
    assert.equal(store.open('a').read(), state);
    assert.is(statSync(folder.path('state.json')).mode & 0o777, 0o600);
    folder.write(sampleState({ phase: 'running' }));
    assert.is(folder.read()?.phase, 'running');
    assert.equal(readdirSync(folder.directory), ['state.json']);
  }));

test('a torn temporary of a killed creator is not a state, and is no hindrance', () =>
  inFolder((top) => {
    const folder = new Store(top, never).create('a');
    writeFileSync(folder.path('state.json.new'), '{"format":1,"ociV');
    assert.is(folder.read(), undefined);
    folder.write(sampleState());
    assert.equal(folder.read(), sampleState());
  }));

test('remove takes everything, and again is no error', () =>
  inFolder((top) => {
    const store = new Store(top, never);
    const folder = store.create('a');
    folder.write(sampleState());
    mkdirSync(folder.path('sub'));
    writeFileSync(folder.path('sub/file'), '');
    folder.remove();
    folder.remove();
    assert.equal(readdirSync(top), []);
    assert.throws(() => folder.read(), failsWith('CONTAINER_NOT_FOUND'));
    assert.throws(() => folder.write(sampleState()), failsWith('CONTAINER_NOT_FOUND'));
    assert.equal(readdirSync(top), []);
  }));

test('a link in the place of a container is not followed', () =>
  inFolder((top) => {
    mkdirSync(`${top}/elsewhere`, { mode: 0o700 });
    writeFileSync(`${top}/elsewhere/state.json`, JSON.stringify(sampleState()), { mode: 0o600 });
    const store = new Store(`${top}/root`, never);
    store.create('b');
    symlinkSync('../elsewhere', `${store.root}/a`);
    assert.throws(() => store.open('a'), failsWith('UNTRUSTED_STATE', `${store.root}/a`));
    assert.throws(() => store.create('a'), failsWith('CONTAINER_EXISTS'));
  }));

test('a link, FIFO or folder in the place of state.json is not read', () =>
  inFolder((top) => {
    const store = new Store(top, never);
    const link = store.create('link');
    writeFileSync(`${top}/real`, JSON.stringify(sampleState({ id: 'link' })), { mode: 0o600 });
    symlinkSync('../real', link.path('state.json'));
    assert.throws(() => link.read(), failsWith('UNTRUSTED_STATE', 'symbolic link'));
    const fifo = store.create('fifo');
    assert.is(spawnSync('mkfifo', [fifo.path('state.json')]).status, 0);
    assert.throws(() => fifo.read(), failsWith('UNTRUSTED_STATE', 'not a regular file'));
    const folder = store.create('folder');
    mkdirSync(folder.path('state.json'));
    assert.throws(() => folder.read(), failsWith('UNTRUSTED_STATE', 'not a regular file'));
  }));

for (const mode of [0o770, 0o707, 0o1777]) {
  test(`a root of mode ${mode.toString(8)} is refused`, () =>
    inFolder((top) => {
      const store = new Store(`${top}/root`, never);
      store.create('a');
      chmodSync(store.root, mode);
      for (const call of [() => store.create('b'), () => store.open('a'), () => store.list()]) {
        assert.throws(call, failsWith('UNTRUSTED_STATE', store.root));
      }
    }));
}

test('a container folder or state file that others can write is refused', () =>
  inFolder((top) => {
    const store = new Store(top, never);
    const folder = store.create('a');
    folder.write(sampleState());
    chmodSync(folder.path('state.json'), 0o620);
    assert.throws(() => folder.read(), failsWith('UNTRUSTED_STATE', 'state.json'));
    chmodSync(folder.directory, 0o702);
    assert.throws(() => store.open('a'), failsWith('UNTRUSTED_STATE', folder.directory));
  }));

(isRoot ? test : test.skip)('what belongs to another user is refused', () =>
  inFolder((top) => {
    const store = new Store(`${top}/root`, never);
    const folder = store.create('a');
    folder.write(sampleState());
    chownSync(folder.path('state.json'), 12345, 0);
    assert.throws(() => folder.read(), failsWith('UNTRUSTED_STATE', 'belongs to user 12345'));
    chownSync(folder.directory, 12345, 0);
    assert.throws(() => store.open('a'), failsWith('UNTRUSTED_STATE', 'belongs to user 12345'));
    chownSync(store.root, 12345, 0);
    assert.throws(() => store.list(), failsWith('UNTRUSTED_STATE', 'belongs to user 12345'));
  }),
);

(isRoot ? test : test.skip)(
  "a neighbour's link to a folder of ours is refused as a root, our own isn't",
  () =>
    inFolder((top) => {
      mkdirSync(`${top}/real`, { mode: 0o700 });
      spawnSync('ln', ['-s', 'real', `${top}/ours`]);
      spawnSync('ln', ['-s', 'real', `${top}/theirs`]);
      spawnSync('chown', ['-h', '12345', `${top}/theirs`]);
      new Store(`${top}/ours`, never).create('a');
      assert.equal(readdirSync(`${top}/real`), ['a']);
      assert.throws(
        () => new Store(`${top}/theirs`, never).create('b'),
        failsWith('UNTRUSTED_STATE', 'link made by user 12345'),
      );
    }),
);

test('a root that is a file is refused', () =>
  inFolder((top) => {
    writeFileSync(`${top}/root`, '', { mode: 0o600 });
    const store = new Store(`${top}/root`, never);
    assert.throws(() => store.create('a'), failsWith('UNTRUSTED_STATE', 'not a folder'));
    assert.throws(() => store.list(), failsWith('UNTRUSTED_STATE', 'not a folder'));
    assert.throws(
      () => new Store(`${top}/root/below`, never).open('a'),
      failsWith('CONTAINER_NOT_FOUND'),
    );
  }));

test.run();
