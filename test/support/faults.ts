/** One system call of a command fails, or its process is killed just before it: test/support/inject.c does it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from './lab.js';
import { patience } from './patience.js';

const tree = fileURLToPath(new URL('../..', import.meta.url));

/** The nth call of that name in a process: 0 is the command, 1 the stage, 2 init. */
export interface Point {
  readonly process: number;
  readonly call: string;
  readonly nth: number;
}

const INIT = 2;

export type Fault = keyof typeof constants.errno | 'kill';

/** What a call may well fail with. */
const likely: Readonly<Record<string, Fault>> = {
  clone3: 'EAGAIN',
  read: 'EIO',
  pread64: 'EIO',
  write: 'ENOSPC',
  pwrite64: 'ENOSPC',
  rename: 'ENOSPC',
  mkdir: 'ENOSPC',
  mkdirat: 'ENOSPC',
  symlinkat: 'ENOSPC',
  rmdir: 'EBUSY',
  unlink: 'EROFS',
  openat: 'EMFILE',
  openat2: 'EMFILE',
  socketpair: 'EMFILE',
  socket: 'EMFILE',
  pipe2: 'EMFILE',
  memfd_create: 'EMFILE',
  fsopen: 'EMFILE',
  fsmount: 'EMFILE',
  open_tree: 'EMFILE',
  sendmsg: 'ENOBUFS',
  recvmsg: 'ENOMEM',
  execve: 'ENOMEM',
  unshare: 'ENOSPC',
  newfstatat: 'EIO',
  statfs: 'EIO',
  getdents64: 'EIO',
  readlink: 'EIO',
  readlinkat: 'EIO',
};

export const likelyFault = ({ call }: Point): Fault => likely[call] ?? 'EPERM';

export interface FaultOutcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  /** Whether the call was reached. */
  readonly injected: boolean;
  readonly late: boolean;
}

/** Carries out faults; its files are in `folder`. */
export class Injector {
  readonly #folder: string;
  readonly #program: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.#program = join(folder, 'inject');
    const source = fileURLToPath(new URL('./inject.c', import.meta.url));
    execFileSync('cc', ['-O2', '-o', this.#program, source]);
  }

  /** All calls that may fail in a command, in their order. */
  points(args: readonly string[]): Point[] {
    const { code, stderr } = this.#call([], args);
    if (code !== 0) throw new Error(`tsrunc ${args.join(' ')}: ${stderr}`);
    const points = this.#log().map((line) => {
      const [process, call = '', nth] = line.split(' ');
      return { process: Number(process), call, nth: Number(nth) };
    });
    // From there on it is the container's own program: a kill just before can't be told from one just after.
    const start = points.findIndex(({ process, call }) => process === INIT && call === 'execve');
    return points.filter(({ process }, index) => process !== INIT || start < 0 || index < start);
  }

  inject({ process, call, nth }: Point, fault: Fault, args: readonly string[]): FaultOutcome {
    const what = fault === 'kill' ? fault : String(constants.errno[fault]);
    const outcome = this.#call([String(process), call, String(nth), what], args);
    return { ...outcome, injected: this.#log().includes('injected') };
  }

  #call(fault: readonly string[], args: readonly string[]): Omit<FaultOutcome, 'injected'> {
    // A file, since a container would hold a pipe open.
    const file = join(this.#folder, 'stderr');
    const errors = openSync(file, 'w');
    const { status, signal, error } = spawnSync(
      this.#program,
      [join(this.#folder, 'calls'), tree.replace(/\/$/, ''), ...fault, '--', command, ...args],
      {
        stdio: ['ignore', 'ignore', errors],
        timeout: patience(60_000),
        env: { PATH: process.env['PATH'], TSRUNC_HOST: 'off' },
      },
    );
    closeSync(errors);
    const late = (error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT';
    return { code: status, signal, stderr: readFileSync(file, 'utf8'), late };
  }

  #log(): string[] {
    return readFileSync(join(this.#folder, 'calls'), 'utf8').split('\n').filter(Boolean);
  }
}
