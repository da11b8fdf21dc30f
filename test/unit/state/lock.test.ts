import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ContainerFolder } from '../../../ts/state/folder.js';
import { Store } from '../../../ts/state/store.js';
import { flockNative, inFolder, sampleState } from './fixture.js';

const worker = fileURLToPath(new URL('worker.ts', import.meta.url));

function startWorker(...args: string[]): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', worker, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Resolves with the first words of a worker; `body` runs while it lives; SIGKILL ends it. */
async function whileWorking(args: string[], body: (child: ChildProcess) => unknown): Promise<void> {
  const child = startWorker(...args);
  const exit = once(child, 'exit');
  try {
    if (child.stdout === null) throw new Error('no stdout');
    await Promise.race([
      once(child.stdout, 'data'),
      exit.then(() => {
        throw new Error('the worker ended early');
      }),
    ]);
    await body(child);
  } finally {
    child.kill('SIGKILL');
    await exit;
  }
}

/** Two independent views of one container, as two commands have them. */
function views(root: string): [ContainerFolder, ContainerFolder] {
  return [new Store(root, flockNative).create('a'), new Store(root, flockNative).open('a')];
}

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: { code?: string }) => error.code ?? String(error),
  );
}

test('the next one gets it when the holder lets go, and in order', () =>
  inFolder(async (root) => {
    const [first, second] = views(root);
    const order: number[] = [];
    const held = await first.lock();
    const waiting = [1, 2, 3].map(async (number) => {
      using _lock = await second.lock();
      order.push(number);
    });
    order.push(0);
    held.release();
    held.release();
    await Promise.all(waiting);
    assert.equal(order, [0, 1, 2, 3]);
  }));

test('isLocked sees other holders, not oneself', () =>
  inFolder(async (root) => {
    const [first, second] = views(root);
    assert.not(second.isLocked());
    const lock = await first.lock();
    assert.ok(second.isLocked());
    assert.not(first.isLocked());
    lock.release();
    assert.not(second.isLocked());
  }));

test('who waits while the container is deleted is told that it is gone', () =>
  inFolder(async (root) => {
    const [first, second] = views(root);
    const lock = await first.lock();
    const waiting = codeOf(second.lock());
    first.remove();
    lock.release();
    assert.is(await waiting, 'CONTAINER_NOT_FOUND');
    assert.is(await codeOf(second.lock()), 'CONTAINER_NOT_FOUND');
    assert.throws(
      () => second.isLocked(),
      (e: { code: string }) => e.code === 'CONTAINER_NOT_FOUND',
    );
  }));

test('who was asking for the lock of a container that was deleted and made again does not get it', () =>
  inFolder(async (root) => {
    const store = new Store(root, flockNative);
    store.create('a');
    let replace = true;
    // A waiter of another process: its descriptor is open already when the folder is replaced.
    const slow = new Store(root, {
      tryLock: (fd) => {
        if (replace) {
          store.open('a').remove();
          store.create('b');
          store.create('a');
        }
        replace = false;
        return flockNative.tryLock(fd);
      },
    }).open('a');
    assert.is(await codeOf(slow.lock()), 'CONTAINER_NOT_FOUND');
    (await store.open('a').lock()).release();
  }));

test('an AbortSignal ends the wait, and the place in the row', () =>
  inFolder(async (root) => {
    const [first, second] = views(root);
    const lock = await first.lock();
    const abort = new AbortController();
    const given = codeOf(second.lock(abort.signal));
    const patient = second.lock();
    abort.abort();
    assert.is(await given, 'ABORTED');
    assert.ok(first.isLocked() === false && second.isLocked());
    lock.release();
    (await patient).release();
    assert.is(await codeOf(second.lock(AbortSignal.abort())), 'ABORTED');
  }));

test('an AbortSignal ends the wait for another process, whose death gives the lock free', () =>
  inFolder(async (root) => {
    const folder = new Store(root, flockNative).create('a');
    await whileWorking(['hold', root], async (child) => {
      assert.ok(folder.isLocked());
      assert.is(await codeOf(folder.lock(AbortSignal.timeout(50))), 'ABORTED');
      const waiting = folder.lock();
      child.kill('SIGKILL');
      (await waiting).release();
    });
  }));

test('processes take turns', () =>
  inFolder(async (root) => {
    const folder = new Store(root, flockNative).create('a');
    writeFileSync(folder.path('number'), '0');
    const workers = [1, 2, 3].map(async () => {
      const [code] = await once(startWorker('count', root, '10'), 'exit');
      return code as number;
    });
    assert.equal(await Promise.all(workers), [0, 0, 0]);
    assert.is(readFileSync(folder.path('number'), 'utf8'), '30');
  }));

test('readers never see half a state, also when the writer is killed', () =>
  inFolder(async (root) => {
    const store = new Store(root, flockNative);
    const folder = store.create('a');
    const look = (): string | undefined => {
      const annotations = folder.read()?.annotations ?? {};
      assert.is(annotations['filler']?.length, Number(annotations['size']));
      return annotations['size'];
    };
    folder.write(sampleState({ annotations: { size: '0', filler: '' } }));
    for (let round = 0; round < 3; round++) {
      await whileWorking(['write', root], async (child) => {
        // Until the writer has made several states under our eyes; it is ended in the middle of its work.
        for (const seen = new Set(); seen.size < 5 + round; ) {
          seen.add(look());
          await setImmediate();
        }
        child.kill('SIGKILL');
      });
      look();
      folder.write(sampleState({ annotations: { size: '0', filler: '' } }));
      look();
    }
  }));

test.run();
