/** A runtime that is attacked: bundles for it, its calls, and the host's things that it must leave alone. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultSpec } from '../../ts/spec/default.js';
import { command, type Mutate, type TestSpec } from '../support/lab.js';
import { removeCgroups } from '../support/traces.js';

const busybox = fileURLToPath(new URL('../../bundle-fixtures/busybox/rootfs', import.meta.url));
const PATH = 'PATH=/usr/bin:/bin';

export interface Outcome {
  readonly code: number | null;
  readonly said: string;
  readonly hung: boolean;
}

export class Victim {
  readonly name: string;
  /** The program, which the attack may be about. */
  readonly program: string;
  readonly version: string;
  readonly folder: string;
  readonly #root: string;
  #count = 0;

  constructor(name: string, program: string | undefined, parent: string) {
    this.name = name;
    this.program = program ?? command;
    this.folder = join(parent, `of-${name}`);
    this.#root = join(this.folder, 'state');
    mkdirSync(this.folder);
    const { said } = this.#execute([this.program, '--version'], {});
    const number = /version (\S+)/.exec(said)?.[1] ?? '';
    this.version = program === undefined ? name : `${name} ${number}`;
  }

  id(): string {
    return `v${++this.#count}`;
  }

  /** A bundle whose root file system is its own. Other runtimes know no newer version of the specification. */
  bundle(mutate: Mutate = () => {}): string {
    const bundle = join(this.folder, this.id());
    mkdirSync(bundle);
    cpSync(busybox, join(bundle, 'rootfs'), { recursive: true, verbatimSymlinks: true });
    const spec = structuredClone({ hooks: {}, ...defaultSpec() }) as TestSpec;
    spec.ociVersion = '1.0.2';
    spec.process.terminal = false;
    spec.process.args = ['true'];
    spec.root = { path: 'rootfs', readonly: false };
    spec.linux.cgroupsPath = `/tsrunc-test-${process.pid}/${this.name}-${this.id()}`;
    mutate(spec, bundle);
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec));
    return bundle;
  }

  call(
    args: readonly string[],
    options: { fds?: readonly number[]; seconds?: number } = {},
  ): Outcome {
    return this.#execute([this.program, '--root', this.#root, ...args], options);
  }

  run(bundle: string, options: { fds?: readonly number[]; seconds?: number } = {}): Outcome {
    const id = this.id();
    const outcome = this.call(['run', '--bundle', bundle, id], options);
    if (outcome.hung) killAll();
    if (outcome.hung || outcome.code !== 0) this.call(['delete', '--force', id]);
    return outcome;
  }

  /** Ends what is left of its containers. */
  clean(): void {
    const left = existsSync(this.#root) ? readdirSync(this.#root) : [];
    for (const id of left) this.call(['delete', '--force', id]);
    removeCgroups();
  }

  #execute(
    line: readonly string[],
    { fds = [], seconds = 20 }: { fds?: readonly number[]; seconds?: number },
  ): Outcome {
    // crun refuses a host with both versions of cgroups.
    const inView = ['-m', 'sh', '-c', 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"', 'sh'];
    const [program = '', ...args] =
      this.name === 'crun' ? ['unshare', ...inView, ...line] : [...line];
    const file = join(this.folder, 'said');
    const said = openSync(file, 'w+');
    // Not /dev/null, of which crun makes the user of `exec` the owner.
    const input = openSync(join(this.folder, 'input'), 'w+');
    try {
      const { status, error } = spawnSync(program, args, {
        stdio: [input, said, said, ...fds],
        timeout: seconds * 1000,
        killSignal: 'SIGKILL',
        env: { PATH: process.env['PATH'], TSRUNC_HOST: 'off' },
      });
      const hung = error !== undefined && (error as NodeJS.ErrnoException).code === 'ETIMEDOUT';
      return { code: status, said: readFileSync(file, 'utf8'), hung };
    } finally {
      closeSync(said);
      closeSync(input);
    }
  }
}

/** What a runtime that was killed has left waiting, whoever is its parent now. */
function killAll(): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const cgroups = readFileSync(`/proc/${pid}/cgroup`, 'utf8');
      if (cgroups.includes(`/tsrunc-test-${process.pid}/`)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

/** A folder of the host. */
export class Decoy {
  readonly folder: string;
  readonly #mounts: string;

  constructor(parent: string) {
    this.folder = join(parent, `host-${Math.random().toString(36).slice(2)}`);
    this.#mounts = `${this.folder}.mounts`;
    mkdirSync(join(this.folder, 'sub'), { recursive: true });
    for (const name of ['file', 'null'])
      writeFileSync(join(this.folder, name), 'precious', { mode: 0o640 });
  }

  /**
   * Lets a hook write down the mounts that the runtime has made, in the namespace where it made them and while
   * the host's root is still in there: later nobody can see where they were.
   */
  watch(spec: TestSpec): void {
    const script = `exec cut -d' ' -f5 /proc/self/mountinfo >'${this.#mounts}'`;
    spec.hooks.createContainer = [{ path: '/bin/sh', args: ['sh', '-c', script], env: [PATH] }];
  }

  /** What has been done to it. */
  harm(): string[] {
    const harm: string[] = [];
    const mounts = existsSync(this.#mounts) ? readFileSync(this.#mounts, 'utf8') : '';
    rmSync(this.#mounts, { force: true });
    if (mounts.split('\n').some((target) => `${target}/`.startsWith(`${this.folder}/`))) {
      harm.push('a mount of the container landed on it');
    }
    const entries = readdirSync(this.folder).sort().join();
    if (entries !== 'file,null,sub') harm.push(`it has ${entries}`);
    if (readdirSync(join(this.folder, 'sub')).length > 0) harm.push('something is in its folder');
    for (const name of ['file', 'null']) {
      const path = join(this.folder, name);
      if (readFileSync(path, 'utf8') !== 'precious') harm.push(`${name} was written over`);
      if ((lstatSync(path).mode & 0o7777) !== 0o640) harm.push(`${name} has another mode`);
    }
    if (readFileSync('/proc/self/mountinfo', 'utf8').includes(this.folder)) {
      harm.push('something is mounted on it');
      execFileSync('umount', ['-R', this.folder]);
    }
    return harm;
  }
}
