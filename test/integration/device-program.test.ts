import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isSystemError } from '../../ts/errors.js';
import { loadNative } from '../../ts/native/addon.js';
import { skipUnless } from '../support/skip.js';

const native = loadNative();
const hierarchy = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((path) =>
  existsSync(join(path, 'cgroup.procs')),
);

/** One eBPF instruction (linux/bpf.h, struct bpf_insn). */
function instruction(code: number, registers: number, immediate: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(code, 0);
  bytes.writeUInt8(registers, 1);
  bytes.writeInt32LE(immediate, 4);
  return bytes;
}

/** `r0 = verdict; exit`: 1 allows every access, 0 none. */
const always = (verdict: number): Buffer =>
  Buffer.concat([instruction(0xb7, 0, verdict), instruction(0x95, 0, 0)]);

const names = { count: 0 };

/** Calls `body` with a new cgroup's folder and a descriptor of it. */
async function withCgroup(body: (folder: string, fd: number) => unknown): Promise<void> {
  names.count++;
  const folder = join(hierarchy ?? '', `tsrunc-test-device-${process.pid}-${names.count}`);
  mkdirSync(folder);
  const fd = openSync(folder, 'r');
  try {
    await body(folder, fd);
  } finally {
    closeSync(fd);
    rmdirSync(folder);
  }
}

/** Whether a process in the cgroup can read /dev/zero. */
function canRead(folder: string): boolean {
  const script = `echo $$ > ${folder}/cgroup.procs && if true < /dev/zero; then echo yes; else echo no; fi`;
  return (
    execFileSync('sh', ['-c', script], { stdio: ['pipe', 'pipe', 'ignore'] }).toString() === 'yes\n'
  );
}

function failure(act: () => void): Error & { code: string } {
  try {
    act();
  } catch (error) {
    assert.ok(isSystemError(error), String(error));
    return error;
  }
  throw new Error('it did not fail');
}

const programs = suite('attachDeviceProgram');
const programsTest = skipUnless(
  hierarchy !== undefined && process.getuid?.() === 0,
  'root and cgroup v2',
)(programs);

// The kernel's verifier gives up with EAGAIN then.
programsTest('a program is loaded however many signals come meanwhile', () =>
  withCgroup(async (_folder, fd) => {
    // Enough to be looked at for a while.
    const moves = Array.from({ length: 4000 }, () => instruction(0xb7, 0, 1));
    const long = Buffer.concat([...moves, always(1)]);
    const heard = (): void => {};
    process.on('SIGUSR2', heard);
    const storm = spawn('sh', ['-c', `echo; while kill -USR2 ${process.pid}; do sleep 0; done`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      await once(storm.stdout, 'data');
      for (let round = 0; round < 2000; round++) native.attachDeviceProgram(fd, long);
    } finally {
      // The signals that Node has not heard yet fill its pipe for them, which would have no room for SIGCHLD.
      // The first of these comes before the loop looks at its descriptors again.
      for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate);
      storm.kill('SIGKILL');
      await once(storm, 'exit');
      process.off('SIGUSR2', heard);
    }
  }),
);

programsTest('the program decides for the processes of the cgroup', () =>
  withCgroup((folder, fd) => {
    assert.is(canRead(folder), true);
    native.attachDeviceProgram(fd, always(1));
    assert.is(canRead(folder), true);
    native.attachDeviceProgram(fd, always(0));
    assert.is(canRead(folder), false);
  }),
);

programsTest('a later program takes the place of an earlier one, and of no other', () =>
  withCgroup((folder, fd) => {
    for (const verdict of [0, 1, 0, 1]) {
      native.attachDeviceProgram(fd, always(verdict));
      assert.is(canRead(folder), verdict === 1, String(verdict));
    }
    const below = join(folder, 'below');
    mkdirSync(below);
    const fdBelow = openSync(below, 'r');
    try {
      native.attachDeviceProgram(fd, always(0));
      native.attachDeviceProgram(fdBelow, always(1));
      native.attachDeviceProgram(fdBelow, always(1));
      assert.is(canRead(below), false);
    } finally {
      closeSync(fdBelow);
      rmdirSync(below);
    }
  }),
);

programsTest('while a program is replaced, the one or the other is there', () =>
  withCgroup(async (folder, fd) => {
    native.attachDeviceProgram(fd, always(0));
    const open = 'if true < /dev/zero; then echo opened; exit; fi';
    const tries = `trap 'echo refused; exit' TERM; echo begun; while :; do ${open}; done 2>&-`;
    const child = spawn('sh', ['-c', `echo $$ > ${folder}/cgroup.procs; ${tries}`]);
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    const closed = once(child, 'close');
    while (said === '') await once(child.stdout, 'data');
    for (let replaced = 0; replaced < 50; replaced++) {
      native.attachDeviceProgram(fd, always(0));
      await new Promise(setImmediate);
    }
    child.kill();
    await closed;
    assert.is(said, 'begun\nrefused\n');
  }),
);

programsTest('a program that the kernel refuses is explained in its own words', () =>
  withCgroup((_folder, fd) => {
    const error = failure(() => native.attachDeviceProgram(fd, instruction(0x95, 0, 0)));
    assert.is(error.message, 'EACCES: permission denied, bpf: R0 !read_ok');
  }),
);

programsTest('only cgroup v2 directories take programs', () => {
  const fd = openSync('/', 'r');
  assert.is(failure(() => native.attachDeviceProgram(fd, always(1))).code, 'EBADF');
  closeSync(fd);
});

programs('half an instruction is refused', () => {
  assert.throws(() => native.attachDeviceProgram(0, new Uint8Array(12)), /multiple of 8 bytes/);
  assert.throws(() => native.attachDeviceProgram(0, new Uint8Array(0)), /multiple of 8 bytes/);
});

programs.run();
