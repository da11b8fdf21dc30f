import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Undo } from '../../ts/undo.js';

test('steps are taken back in reverse order, each waited for', async () => {
  const done: string[] = [];
  const undo = new Undo();
  undo.add('a', () => void done.push('a'));
  undo.add('b', async () => {
    await new Promise(setImmediate);
    done.push('b');
  });
  undo.add('c', () => void done.push('c'));
  assert.equal(await undo.run(), []);
  assert.equal(done, ['c', 'b', 'a']);
});

test('a failure stops nothing and is told', async () => {
  const done: string[] = [];
  const undo = new Undo();
  const error = new Error('no');
  undo.add('a', () => void done.push('a'));
  undo.add('b', () => Promise.reject(error));
  undo.add('c', () => {
    throw error;
  });
  assert.equal(await undo.run(), [
    { what: 'c', error },
    { what: 'b', error },
  ]);
  assert.equal(done, ['a']);
});

test('nothing is taken back after commit, or twice', async () => {
  let count = 0;
  const undo = new Undo();
  undo.add('a', () => void count++);
  undo.commit();
  await undo.run();
  assert.is(count, 0);
  undo.add('a', () => void count++);
  await undo.run();
  await undo.run();
  assert.is(count, 1);
});

test.run();
