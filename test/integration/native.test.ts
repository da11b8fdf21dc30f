import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isSystemError } from '../../ts/errors.js';
import { isKernelSupported, loadNative } from '../../ts/native/addon.js';
import { openDescriptors } from '../support/descriptors.js';

const native = loadNative();

/** The code of the system error that `act` ends with. */
async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    assert.ok(isSystemError(error), String(error));
    return error.code;
  }
  throw new Error('it did not fail');
}

const text = (data: Uint8Array | undefined): string => Buffer.from(data ?? []).toString();

function withFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'tsrunc-native-'));
  try {
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const errors = suite('errors');

errors('a failed system call looks like one of Node', () => {
  try {
    native.connect('/nowhere/socket', 'stream');
    assert.unreachable();
  } catch (error) {
    assert.ok(isSystemError(error));
    assert.is(error.message, "ENOENT: no such file or directory, connect '/nowhere/socket'");
    assert.equal(
      [error.code, error.errno, error.syscall, error.path],
      ['ENOENT', -2, 'connect', '/nowhere/socket'],
    );
  }
});

errors('what is not a descriptor is refused, and never taken for 0', () => {
  for (const wrong of [Number.NaN, -1, 1.5, 2 ** 32, '0', undefined]) {
    assert.throws(() => native.close(wrong as number), /a descriptor must be an integer/);
  }
});

errors('only kernels from 5.14 on will do', () => {
  for (const release of ['5.14.0', '5.15.0-91-generic', '6.1.0-18-amd64', '10.0'])
    assert.ok(isKernelSupported(release));
  for (const release of ['5.13.19', '4.18.0-553.el8.x86_64', '3.10.0'])
    assert.not.ok(isKernelSupported(release));
});

const messages = suite('messages');

messages('a message carries bytes and descriptors', async () => {
  const [ours, theirs] = native.socketPair();
  const [read, write] = native.pipe();
  native.send(theirs, Buffer.from('hello'), [read, write]);
  native.close(read);
  native.close(write);
  const message = await native.receive(ours);
  assert.is(text(message?.data), 'hello');
  const [received, sender] = message?.fds ?? [];
  assert.ok(received !== undefined && sender !== undefined);
  writeSync(sender, 'through');
  native.close(sender);
  assert.is(readFileSync(received, 'utf8'), 'through');
  native.close(received);
  native.close(ours);
  native.close(theirs);
});

messages('received descriptors are close-on-exec', async () => {
  const [ours, theirs] = native.socketPair();
  native.send(theirs, Buffer.from('x'), [theirs]);
  const fd = (await native.receive(ours))?.fds[0] ?? -1;
  const flags = /flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
  assert.ok(Number.parseInt(flags, 8) & 0o2000000);
  for (const open of [fd, ours, theirs]) native.close(open);
});

messages('receive waits for a message that comes later, and then for the end', async () => {
  const [ours, theirs] = native.socketPair();
  const first = native.receive(ours);
  setImmediate(() => native.send(theirs, Buffer.from('late')));
  assert.is(text((await first)?.data), 'late');
  const end = native.receive(ours);
  setImmediate(() => native.close(theirs));
  assert.is(await end, undefined);
  assert.is(await native.receive(ours), undefined);
  native.close(ours);
});

messages('what a peer said before it broke off is not lost', async () => {
  const [ours, theirs] = native.socketPair();
  native.send(ours, Buffer.from('it never reads this'));
  native.send(theirs, Buffer.from('why I failed'));
  native.close(theirs);
  assert.is(text((await native.receive(ours))?.data), 'why I failed');
  assert.is(await native.receive(ours), undefined);
  native.close(ours);
});

messages('64 KiB go through; more is an error, and its descriptors are closed', async () => {
  const [ours, theirs] = native.socketPair();
  native.send(theirs, new Uint8Array(65536).fill(7));
  assert.is((await native.receive(ours))?.data.length, 65536);
  const before = openDescriptors();
  native.send(theirs, new Uint8Array(65537), [theirs, theirs]);
  assert.is(await codeOf(() => native.receive(ours)), 'EMSGSIZE');
  assert.is(openDescriptors(), before);
  native.close(ours);
  native.close(theirs);
});

messages('sending to nobody is EPIPE, not a signal', async () => {
  const [ours, theirs] = native.socketPair();
  native.close(theirs);
  assert.is(await codeOf(() => native.send(ours, Buffer.from('x'))), 'EPIPE');
  native.close(ours);
});

messages('closing the socket ends a pending receive', async () => {
  const [ours, theirs] = native.socketPair();
  const pending = native.receive(ours);
  native.close(ours);
  assert.is(await pending, undefined);
  assert.is(await codeOf(() => native.send(theirs, Buffer.from('x'))), 'EPIPE');
  native.close(theirs);
});

const sockets = suite('sockets');

sockets('listen and connect work at paths longer than sun_path', () =>
  withFolder((folder) => {
    const path = join(folder, 'socket');
    const long = `${folder}/${'./'.repeat(100)}socket`;
    const listener = native.listen(long);
    for (const name of [path, long]) native.close(native.connect(name, 'seqpacket'));
    native.close(listener);
  }),
);

sockets('a name that is too long even then says so', () =>
  withFolder(async (folder) => {
    assert.is(await codeOf(() => native.listen(join(folder, 'x'.repeat(120)))), 'ENAMETOOLONG');
    assert.is(
      await codeOf(() => native.listen(join(folder, 'missing', 'x'.repeat(100)))),
      'ENOENT',
    );
  }),
);

sockets('the mode is 0600 whatever the umask is', () =>
  withFolder((folder) => {
    for (const umask of [0, 0o777]) {
      const before = process.umask(umask);
      const path = join(folder, umask.toString(8));
      const listener = native.listen(path);
      process.umask(before);
      assert.is(statSync(path).mode & 0o7777, 0o600);
      native.close(listener);
    }
  }),
);

sockets('a path with a NUL, or none, is refused', () => {
  assert.throws(() => native.connect('/run/a\0b', 'stream'), /must not contain a NUL/);
  assert.throws(() => native.listen(''), /must not be empty/);
});

const files = suite('files');

files('a memfd holds its content, and nothing changes it', async () => {
  const fd = native.memfd('tsrunc-test', Buffer.from('content'));
  assert.is(readFileSync(fd, 'utf8'), 'content');
  assert.is(await codeOf(() => writeSync(fd, 'x', 0)), 'EPERM');
  assert.is(
    await codeOf(() => {
      const writer = openSync(`/proc/self/fd/${fd}`, 'r+');
      try {
        writeSync(writer, 'x');
      } finally {
        closeSync(writer);
      }
    }),
    process.getuid?.() === 0 ? 'EPERM' : 'EACCES',
  );
  native.close(fd);
});

files('a lock belongs to an open file', () =>
  withFolder((folder) => {
    const path = join(folder, 'lock');
    const [one, other] = [openSync(path, 'w'), openSync(path, 'r')];
    assert.is(native.tryLock(one), true);
    assert.is(native.tryLock(one), true);
    assert.is(native.tryLock(other), false);
    closeSync(one);
    assert.is(native.tryLock(other), true);
    closeSync(other);
  }),
);

files('what is not a terminal has no window', async () => {
  const [read, write] = native.pipe();
  assert.is(await codeOf(() => native.windowSize(read)), 'ENOTTY');
  native.close(read);
  native.close(write);
});

files('a terminal remembers its window', () => {
  const terminal = openSync('/dev/ptmx', 'r+');
  native.setWindowSize(terminal, { width: 132, height: 43 });
  assert.equal(native.windowSize(terminal), { width: 132, height: 43 });
  assert.throws(
    () => native.setWindowSize(terminal, { width: 65536, height: 1 }),
    /width must be an integer/,
  );
  closeSync(terminal);
});

const processes = suite('processes');

processes(
  'a pidfd signals a process and tells of its end, without taking it from child_process',
  async () => {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const exit = once(child, 'exit');
    const pidfd = native.openPidfd(child.pid ?? 0);
    const waits = [native.waitGone(pidfd), native.waitGone(pidfd)];
    native.signal(pidfd, 0);
    native.signal(pidfd, 9);
    await Promise.all(waits);
    assert.equal(await exit, [null, 'SIGKILL']);
    await native.waitGone(pidfd);
    assert.is(await codeOf(() => native.signal(pidfd, 9)), 'ESRCH');
    native.close(pidfd);
  },
);

processes('closing a pidfd rejects the wait', async () => {
  const pidfd = native.openPidfd(process.pid);
  const pending = native.waitGone(pidfd);
  native.close(pidfd);
  assert.is(await codeOf(() => pending), 'ECANCELED');
});

processes('waiting for the exit of a stranger is ECHILD', async () => {
  const pidfd = native.openPidfd(1);
  assert.is(await codeOf(() => native.waitExit(pidfd)), 'ECHILD');
  native.close(pidfd);
});

processes('the limits of a process are read in 64 bits', () => {
  const { soft, hard } = native.getResourceLimit(process.pid, 7); // RLIMIT_NOFILE
  const [, softText, hardText] =
    /Max open files\s+(\S+)\s+(\S+)/.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  const parse = (value = ''): bigint => (value === 'unlimited' ? 2n ** 64n - 1n : BigInt(value));
  assert.is(soft, parse(softText));
  assert.is(hard, parse(hardText));
});

const leaks = suite('leaks');

leaks('hundreds of messages, waits and failures leave no descriptor', async () => {
  const before = openDescriptors();
  for (let round = 0; round < 300; round++) {
    const [ours, theirs] = native.socketPair();
    const pending = native.receive(ours);
    const fd = native.memfd('tsrunc-test', Buffer.from('x'));
    native.send(theirs, Buffer.from('x'), [fd, fd]);
    for (const received of (await pending)?.fds ?? []) native.close(received);
    const end = native.receive(ours);
    for (const open of [fd, theirs]) native.close(open);
    await end;
    native.close(ours);
    assert.throws(() => native.listen('/nowhere/socket'));
  }
  assert.is(openDescriptors(), before);
});

for (const group of [errors, messages, sockets, files, processes, leaks]) group.run();
