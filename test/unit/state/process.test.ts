import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, copyFileSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  identify,
  isAlive,
  isEnding,
  isRunning,
  openVerified,
  parseStat,
  parseTimeOffset,
} from '../../../ts/state/process.js';

const tail = '1 1 1 0 -1 4194560 100 0 0 0 0 0 0 0 20 0';

test("a time namespace's offset is told in ticks", () => {
  const text = (boot: string): string => `monotonic           0         0\nboottime   ${boot}\n`;
  assert.is(parseTimeOffset(text('     0         0')), 0n);
  assert.is(parseTimeOffset(text('100000 500000000')), 10_000_050n);
  assert.is(parseTimeOffset(text('    -3         0')), -300n);
});

test('the name of a program can not confuse the parser', () => {
  for (const name of ['sh', 'a b', '', ')', '((', ') Z 1 (', 'x) S 1 1 1\n2 (y', '\n', 'ü)']) {
    const stat = parseStat(`12 (${name}) S ${tail} 3 0 987654321987654321987 5 6 7\n`);
    const expected = { state: 'S', threads: 3, startTime: '987654321987654321987', flags: 4194560 };
    assert.equal(stat, expected, name);
  }
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 15 }),
      fc.constantFrom(...'RSDTZX'),
      (name, state) => {
        assert.is(parseStat(`12 (${name}) ${state} ${tail} 1 0 42 5 6\n`).state, state);
      },
    ),
  );
});

test('what is no stat is refused', () => {
  for (const text of ['', '12 (sh)', '12 (sh) S 1', `12 sh S ${tail}`, `12 (a) S ${tail} x 0 42`]) {
    assert.throws(() => parseStat(text), /unknown form/);
  }
});

test('zombies and the dead do not run, a process without its first thread does', () => {
  const stat = { startTime: '1', threads: 1, flags: 0 };
  for (const state of ['R', 'S', 'D', 'T', 't', 'I']) assert.ok(isRunning({ ...stat, state }));
  for (const state of ['Z', 'X', 'x']) assert.not(isRunning({ ...stat, state }));
  assert.ok(isRunning({ ...stat, state: 'Z', threads: 2 }));
});

/** `cat` waits for the end of its stdin. */
async function whileRunning(
  file: string,
  body: (pid: number, child: ChildProcess) => unknown,
): Promise<void> {
  const child = spawn(file, [], { stdio: ['pipe', 'ignore', 'inherit'] });
  await once(child, 'spawn');
  const exit = once(child, 'exit');
  try {
    await body(child.pid ?? 0, child);
  } finally {
    child.stdin?.end();
    await exit;
  }
}

test('a process is known again until it has ended', async () => {
  let identity = { pid: 0, startTime: '' };
  await whileRunning('cat', (pid) => {
    identity = identify(pid);
    assert.is(identity.pid, pid);
    assert.ok(isAlive(identity));
    assert.not(isEnding(identity));
    const earlier = { pid, startTime: String(BigInt(identity.startTime) + 1n) };
    assert.not(isAlive(earlier));
    assert.ok(isEnding(earlier));
  });
  assert.not(isAlive(identity));
  assert.ok(isEnding(identity));
  assert.throws(
    () => identify(identity.pid),
    (error: { code: string; message: string }) =>
      error.code === 'ESRCH' && error.message.includes('no such process'),
  );
});

test('a program with a nasty name is known too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsrunc-comm-'));
  try {
    // The kernel's comm is the file's name: 15 bytes of it.
    const program = join(folder, 'x) Z 1\n(2 3');
    copyFileSync(whereIs('cat'), program);
    await whileRunning(program, (pid) => {
      assert.match(readFileSync(`/proc/${pid}/stat`, 'utf8'), '(x) Z 1\n(2 3)');
      assert.ok(isAlive(identify(pid)));
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a zombie is not alive', async () => {
  // Whose parent has become another program by then, which knows nothing of it and doesn't reap it.
  const child = spawn('sh', ['-c', 'cat <&3 & echo $!; exec sleep 1000 3<&-'], {
    stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
  });
  const exit = once(child, 'exit');
  const [text] = await once(child.stdout as Readable, 'data');
  const pid = Number(String(text));
  try {
    const program = (): string => readFileSync(`/proc/${child.pid}/comm`, 'utf8');
    while (program() !== 'sleep\n') await new Promise(setImmediate);
    (child.stdio[3] as Writable).end();
    const stat = (): string => readFileSync(`/proc/${pid}/stat`, 'utf8');
    while (parseStat(stat()).state !== 'Z') await new Promise(setImmediate);
    assert.not(isAlive(identify(pid)));
  } finally {
    child.kill();
    await exit;
  }
});

const python = spawnSync('python3', ['-c', 'import ctypes']).status === 0;

(python ? test : test.skip)(
  'a process lives on after its first thread (wants python3)',
  async () => {
    const script = [
      'import ctypes, platform, sys, threading',
      "number = 60 if platform.machine() == 'x86_64' else 93",
      'threading.Thread(target=sys.stdin.read).start()',
      'print("ready", flush=True)',
      'ctypes.CDLL(None).syscall(number, 0)',
    ].join('\n');
    const child = spawn('python3', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const exit = once(child, 'exit');
    await once(child.stdout, 'data');
    const pid = child.pid ?? 0;
    try {
      while (parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).state !== 'Z')
        await new Promise(setImmediate);
      assert.ok(isAlive(identify(pid)));
    } finally {
      child.kill('SIGKILL');
      await exit;
    }
  },
);

/** Opens something in place of a pidfd, and tells whether it was closed. */
function fakePidfds(): {
  native: { openPidfd(pid: number): number; close(fd: number): void };
  open: Set<number>;
} {
  const open = new Set<number>();
  return {
    open,
    native: {
      openPidfd: (pid) => {
        const fd = openSync(`/proc/${pid}`, 'r');
        open.add(fd);
        return fd;
      },
      close: (fd) => {
        open.delete(fd);
        closeSync(fd);
      },
    },
  };
}

test('a descriptor is handed out for the very process only', async () => {
  await whileRunning('cat', (pid) => {
    const { native, open } = fakePidfds();
    const identity = identify(pid);
    const fd = openVerified(native, identity);
    assert.ok(fd !== undefined && open.has(fd));
    native.close(fd);
    assert.is(openVerified(native, { pid, startTime: '1' }), undefined);
    assert.is(open.size, 0, 'the descriptor of the other process was left open');
  });
});

test('a process that ends while it is being opened gives none, one that is gone neither', async () => {
  const { native, open } = fakePidfds();
  const child = spawn('cat', [], { stdio: ['pipe', 'ignore', 'inherit'] });
  await once(child, 'spawn');
  const identity = identify(child.pid ?? 0);
  const killing = {
    ...native,
    openPidfd: (pid: number) => {
      const fd = native.openPidfd(pid);
      child.kill('SIGKILL');
      while (isAlive(identity));
      return fd;
    },
  };
  assert.is(openVerified(killing, identity), undefined);
  await once(child, 'exit');
  assert.is(openVerified(native, identity), undefined);
  assert.is(open.size, 0);
});

function whereIs(program: string): string {
  return spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim();
}

test.run();
