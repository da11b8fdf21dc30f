import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { openDescriptors } from '../support/descriptors.js';

const native = loadNative();
const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('../..', import.meta.url));
const addon = (require('node-gyp-build') as { path(folder: string): string }).path(root);

/** Runs JavaScript in a worker, where `native` is the addon and `parentPort` is ours. */
function start(script: string, workerData: unknown = undefined): Worker {
  const prelude = `
    const { parentPort, workerData } = require('node:worker_threads');
    const native = require(${JSON.stringify(addon)});
  `;
  return new Worker(`${prelude}${script}`, { eval: true, workerData });
}

const policy = `{
  defaultAction: 0x7fff0000,
  architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_AARCH64'],
  rules: [{ action: 0x50001, names: ['mkdir', 'openat', 'clone', 'read', 'write', 'mount'], args: [] }],
}`;

const workers = suite('workers');

workers('a worker that ends while it waits lets go of everything', async () => {
  const script = `
    const sockets = Array.from({ length: 20 }, () => native.socketPair());
    const pidfd = native.openPidfd(process.pid);
    for (const [ours] of sockets) native.receive(ours);
    native.waitGone(pidfd);
    native.waitGone(pidfd);
    for (let n = 0; n < 8; n++) native.compileSeccomp(${policy});
    parentPort.postMessage([pidfd, ...sockets.flat()]);
  `;
  const round = async (): Promise<void> => {
    const worker = start(script);
    const [fds] = (await once(worker, 'message')) as [number[]];
    await worker.terminate();
    // The numbers were the worker's own business; what it waited on is gone with it.
    for (const fd of fds) native.close(fd);
  };
  await round();
  const before = openDescriptors();
  for (let n = 0; n < 10; n++) await round();
  assert.is(openDescriptors(), before);
});

workers('a worker can be terminated amid a storm of messages', async () => {
  const script = `
    const loop = async (report) => {
      const [ours, theirs] = native.socketPair();
      for (;;) {
        const late = native.receive(ours);
        setImmediate(() => native.send(theirs, Buffer.from('late')));
        await late;
        native.compileSeccomp(${policy});
        report();
      }
    };
    for (let n = 0; n < 5; n++) loop(() => parentPort.postMessage('going'));
  `;
  for (let n = 0; n < 10; n++) {
    const worker = start(script);
    await once(worker, 'message');
    await worker.terminate();
  }
});

workers('a worker that calls process.exit while messages arrive does no harm', async () => {
  const [ours, theirs] = native.socketPair();
  const worker = start(
    `
      native.receive(workerData).then(() => process.exit(7));
      native.waitGone(native.openPidfd(process.pid));
      parentPort.postMessage('waiting');
    `,
    ours,
  );
  await once(worker, 'message');
  const exit = once(worker, 'exit');
  native.send(theirs, Buffer.from('go'));
  assert.equal(await exit, [7]);
  native.close(ours);
  native.close(theirs);
});

workers('a pending wait keeps the event loop alive, and nothing else does', async () => {
  const [ours, theirs] = native.socketPair();
  const worker = start(
    `native.receive(workerData).then(({ data }) => parentPort.postMessage(Buffer.from(data).toString()));`,
    ours,
  );
  const message = once(worker, 'message');
  const exit = once(worker, 'exit');
  await once(worker, 'online');
  native.send(theirs, Buffer.from('at last'));
  assert.equal(await message, ['at last']);
  assert.equal(await exit, [0]);
  native.close(ours);
  native.close(theirs);
});

workers('several threads spawn at once', async () => {
  const script = `
    (async () => {
      for (let n = 0; n < 25; n++) {
        const [ours, theirs] = native.socketPair();
        const empty = native.memfd('empty', new Uint8Array(0));
        const { pid, pidfd } = native.spawn({ fds: [empty, empty, empty, theirs, empty, empty], args: ['3'] });
        for (const fd of [theirs, empty, ours]) native.close(fd);
        const status = await native.waitExit(pidfd);
        if (status.code !== 1) throw new Error(JSON.stringify(status));
        native.close(pidfd);
      }
      parentPort.postMessage('done');
    })();
  `;
  const round = async (): Promise<void> => {
    const worker = start(script);
    const exit = once(worker, 'exit');
    assert.equal(await once(worker, 'message'), ['done']);
    assert.equal(await exit, [0]);
  };
  await round(); // The first spawn makes the memfd that stays.
  const before = openDescriptors();
  await Promise.all([round(), round(), round()]);
  assert.is(openDescriptors(), before);
});

workers.run();
