import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
} from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { encode } from '../../ts/native/encode.js';
import { decodeMessage, type InitMessage } from '../../ts/native/messages.js';
import type { SpawnedProcess } from '../../ts/native/native.js';
import { openDescriptors } from '../support/descriptors.js';
import { isSanitized, skipUnless } from '../support/skip.js';

const native = loadNative();

interface Spawned extends SpawnedProcess {
  /** The links of the descriptors that init was given, in order. */
  readonly given: readonly string[];
}

const link = (fd: number | string, pid: number | 'self' = 'self'): string =>
  readlinkSync(`/proc/${pid}/fd/${fd}`);
const children = (): string =>
  readdirSync('/proc/self/task')
    .map((task) => readFileSync(`/proc/self/task/${task}/children`, 'utf8'))
    .join('');

/**
 * Starts init with `leading` and, behind them, its own three descriptors, waits until it has run so
 * far that it waits for its parent, calls `body`, and lets it end.
 */
async function withInit(
  leading: readonly number[],
  body: (init: Spawned) => void,
  cgroup?: number,
): Promise<void> {
  const [ours, theirs] = native.socketPair();
  const program = native.memfd(
    'program',
    encode({ stage: [], create: [{ op: 'awaitHooks' }], start: [] }),
  );
  const listener = native.memfd('listener', Buffer.alloc(0));
  const fds = [...leading, theirs, program, listener];
  const given = fds.map((fd) => link(fd));
  const args = [String(leading.length)];
  const init = native.spawn({ fds, args, ...(cgroup === undefined ? {} : { cgroup }) });
  for (const fd of [theirs, program, listener]) native.close(fd);
  try {
    const message = await native.receive(ours);
    assert.is(decodeMessage(message?.data ?? new Uint8Array())?.name, 'hooksDue');
    body({ ...init, given });
  } finally {
    native.close(ours);
    assert.equal(await native.waitExit(init.pidfd), { code: 1 });
    native.close(init.pidfd);
  }
}

/** What /proc/PID/status says in a line. */
function status(pid: number, name: string): string {
  return (
    new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ??
    ''
  );
}

const spawning = suite('spawn');

spawning('init has the descriptors that it was given, and no other', async () => {
  // So many, in reverse, that each number is both a source's and a target's.
  const sources = Array.from({ length: 50 }, (_, index) =>
    native.memfd(`source-${index}`, Buffer.alloc(0)),
  ).reverse();
  await withInit(sources, ({ pid, given }) => {
    const found = readdirSync(`/proc/${pid}/fd`).sort((a, b) => Number(a) - Number(b));
    // It has closed the Program after reading it.
    const expected = given
      .map((target, fd) => [String(fd), target])
      .filter(([, target]) => !target?.includes('program'));
    assert.equal(
      found.map((fd) => [fd, link(fd, pid)]),
      expected,
    );
  });
  for (const fd of sources) native.close(fd);
});

spawning('one descriptor can be given several times', async () => {
  const fd = native.memfd('shared', Buffer.alloc(0));
  await withInit([fd, fd, fd], ({ pid, given }) => {
    for (const number of [0, 1, 2]) assert.is(link(number, pid), given[0]);
  });
  native.close(fd);
});

skipUnless(!isSanitized, 'an init without sanitizers')(spawning)(
  'no signal is blocked or ignored, the environment is empty',
  async () => {
    const fd = native.memfd('stdio', Buffer.alloc(0));
    await withInit([fd, fd, fd], ({ pid }) => {
      assert.is(
        status(process.pid, 'SigIgn').endsWith('1000'),
        true,
        'Node no longer ignores SIGPIPE: the test is void',
      );
      for (const mask of ['SigBlk', 'SigIgn', 'SigCgt'])
        assert.is(BigInt(`0x${status(pid, mask)}`), 0n, mask);
      assert.is(readFileSync(`/proc/${pid}/environ`).length, 0);
      assert.is(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), 'tsrunc-init\x003\0');
    });
    assert.is(BigInt(`0x${status(process.pid, 'SigBlk')}`), 0n);
    native.close(fd);
  },
);

spawning('init comes from a sealed memfd and is our child', async () => {
  const fd = native.memfd('stdio', Buffer.alloc(0));
  await withInit([fd, fd, fd], ({ pid }) => {
    assert.is(readlinkSync(`/proc/${pid}/exe`), '/memfd:tsrunc-init (deleted)');
    assert.is(status(pid, 'PPid'), String(process.pid));
    assert.throws(() => openSync(`/proc/${pid}/exe`, 'r+'), /ETXTBSY|EACCES|EPERM/);
  });
  native.close(fd);
});

spawning('who can not become init says so over its socket, and ends', async () => {
  const before = children();
  const highest = 1_000_000;
  for (const fds of [[highest], [0, 1, highest]]) {
    const [ours, theirs] = native.socketPair();
    const { pidfd } = native.spawn({ callers: [0], fds: [theirs, ...fds], args: ['1'] });
    native.close(theirs);
    const { data } = (await native.receive(ours)) ?? { data: new Uint8Array() };
    const { code, errno, syscall, detail } = decodeMessage(data) as InitMessage & {
      name: 'failed';
    };
    assert.equal([code, errno, syscall], [0, constants.errno.EBADF, 'fcntl']);
    assert.is(detail, 'init could not be started');
    assert.is(await native.receive(ours), undefined);
    assert.equal(await native.waitExit(pidfd), { code: 127 });
    native.close(ours);
    native.close(pidfd);
  }
  assert.is(children(), before);
});

spawning('a hundred at once have each what is its own', async () => {
  const all = Array.from({ length: 100 }, (_, index) => {
    const fd = native.memfd(`own-${index}`, Buffer.alloc(0));
    const [ours, theirs] = native.socketPair();
    const operations = [{ op: 'awaitHooks' } as const];
    const program = native.memfd('program', encode({ stage: [], create: operations, start: [] }));
    const init = native.spawn({ callers: [fd], fds: [theirs, program], args: ['1'] });
    for (const each of [fd, theirs, program]) native.close(each);
    return { ...init, ours, index };
  });
  for (const { pid, pidfd, ours, index } of all) {
    const message = await native.receive(ours);
    assert.is(decodeMessage(message?.data ?? new Uint8Array())?.name, 'hooksDue');
    assert.match(link(0, pid), `own-${index} `);
    native.close(ours);
    assert.equal(await native.waitExit(pidfd), { code: 1 });
    native.close(pidfd);
  }
});

spawning('what is not a cgroup is an error', () => {
  const fd = native.memfd('not-a-cgroup', Buffer.alloc(0));
  assert.throws(
    () => native.spawn({ fds: [fd], args: [], cgroup: fd }),
    (error: { code?: string; syscall?: string }) =>
      error.code === 'EBADF' && error.syscall === 'clone3',
  );
  native.close(fd);
});

spawning('an argument with a NUL is refused', () => {
  assert.throws(() => native.spawn({ fds: [0], args: ['3\0'] }), /must not contain a NUL/);
});

spawning('a hundred spawns leave neither descriptor nor child', async () => {
  const fd = native.memfd('stdio', Buffer.alloc(0));
  const descriptors = openDescriptors();
  const before = children();
  for (let round = 0; round < 100; round++) await withInit([fd, fd, fd], () => {});
  assert.is(openDescriptors(), descriptors);
  assert.is(children(), before);
  native.close(fd);
});

const hierarchy = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((path) =>
  existsSync(join(path, 'cgroup.procs')),
);

skipUnless(hierarchy !== undefined && process.getuid?.() === 0, 'root and cgroup v2')(spawning)(
  'init can be born in a cgroup',
  async () => {
    const name = `tsrunc-test-spawn-${process.pid}`;
    const folder = join(hierarchy ?? '', name);
    mkdirSync(folder);
    try {
      const cgroup = openSync(folder, 'r');
      const fd = native.memfd('stdio', Buffer.alloc(0));
      const check = ({ pid }: Spawned): void => {
        assert.match(
          readFileSync(`/proc/${pid}/cgroup`, 'utf8'),
          new RegExp(`^0::.*/${name}$`, 'm'),
        );
      };
      await withInit([fd, fd, fd], check, cgroup);
      native.close(fd);
      native.close(cgroup);
    } finally {
      rmdirSync(folder);
    }
  },
);

spawning.run();
