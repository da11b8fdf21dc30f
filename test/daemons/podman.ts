import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Bed, type CallOptions, ended, environment, type Outcome, ok } from './bed.js';

export const podmanPrograms = { podman: 'podman', conmon: 'conmon' };

/** Podman with its own folders and the image `bb`; there is no daemon. */
export class Podman {
  readonly #bed: Bed;
  readonly #folder: string;
  /** What every call gets: the user who calls, and the environment. */
  readonly #caller: CallOptions;
  readonly #driver: string;

  /** @param as the user who calls; root without it */
  constructor(bed: Bed, as?: { readonly id: number; readonly home: string }) {
    this.#bed = bed;
    this.#folder = join(bed.folder, as === undefined ? 'p' : 'home/p');
    // A user can't mount overlay in every kernel; copies always work.
    this.#driver = as === undefined ? 'overlay' : 'vfs';
    const env = {
      CONTAINERS_CONF: join(this.#folder, 'containers.conf'),
      ...(as && {
        HOME: as.home,
        XDG_RUNTIME_DIR: join(this.#folder, 'run'),
        USER: 'boxer',
        TMPDIR: as.home,
      }),
    };
    this.#caller = { env, cwd: bed.folder, ...(as && { user: as.id }) };
  }

  start(): void {
    mkdirSync(join(this.#folder, 'run'), { recursive: true, mode: 0o700 });
    const conf = `[containers]
apparmor_profile = "unconfined"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "under-test"
[engine.runtimes]
under-test = ["${this.#bed.runtime}"]
`;
    writeFileSync(join(this.#folder, 'containers.conf'), conf);
    writeFileSync(
      join(this.#folder, 'policy.json'),
      '{"default":[{"type":"insecureAcceptAnything"}]}',
    );
    const { user } = this.#caller;
    if (user !== undefined) this.#bed.call('chown', ['-R', `${user}:${user}`, this.#folder]);
    this.ok('import', this.#bed.image('rootfs'), 'bb');
  }

  command(...args: readonly string[]): [string, ...string[]] {
    const folder = (name: string): string => join(this.#folder, name);
    const storage = [
      '--root',
      folder('root'),
      '--runroot',
      folder('runroot'),
      '--storage-driver',
      this.#driver,
    ];
    return [
      'podman',
      ...storage,
      '--tmpdir',
      folder('tmp'),
      '--cgroup-manager',
      'cgroupfs',
      '--events-backend',
      'file',
      ...args,
    ];
  }

  podman(args: readonly string[], options: CallOptions = {}): Outcome {
    const [program, ...rest] = this.command(...args);
    return this.#bed.call(program, rest, { ...this.#caller, ...options });
  }

  onTerminal(...args: readonly string[]): Outcome {
    return this.#bed.onTerminal(this.command(...args), this.#caller);
  }

  ok(...args: readonly string[]): string {
    return ok(`podman ${args.join(' ')}`, this.podman(args)).trimEnd();
  }

  run(flags: readonly string[], ...command: readonly string[]): Outcome {
    return this.podman(['run', '--rm', '--network', 'none', ...flags, 'bb', ...command]);
  }

  /** What a shell script prints in a container of its own. */
  sh(script: string, ...flags: readonly string[]): string {
    return ok(
      `podman run ${flags.join(' ')}: ${script}`,
      this.run(flags, 'sh', '-c', script),
    ).trimEnd();
  }

  /** Starts a container that ends with 9 on SIGTERM, and calls `body` while it runs. */
  async with(name: string, flags: readonly string[], body: () => unknown): Promise<void> {
    const script = 'trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done';
    this.ok(
      'run',
      '--detach',
      '--network',
      'none',
      '--name',
      name,
      ...flags,
      'bb',
      'sh',
      '-c',
      script,
    );
    try {
      await this.#said(name, 'ready');
      await body();
    } finally {
      const remove = ['rm', '--force', '--ignore', '--time', '0', name];
      // Podman 4.3 finds the container's /dev/shm busy while the clean-up that conmon has begun unmounts it. Nobody
      // tells of its end, so it is tried again for as long as a hang would be waited for.
      const until = Date.now() + 60_000;
      while (this.podman(remove).code !== 0 && Date.now() < until);
      this.ok(...remove);
    }
  }

  async #said(name: string, word: string): Promise<void> {
    const [program, ...rest] = this.command('logs', '--follow', name);
    const { env, user } = this.#caller;
    const child: ChildProcess = spawn(program, rest, {
      env: { ...environment(), ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
      ...(user === undefined ? {} : { uid: user, gid: user }),
    });
    try {
      for await (const line of createInterface({
        input: child.stdout as NonNullable<typeof child.stdout>,
      })) {
        if (line.includes(word)) return;
      }
      throw new Error(`${name} ended without "${word}"`);
    } finally {
      await ended(child, 'SIGTERM');
    }
  }

  inspect(name: string, field: string): string {
    return this.ok('inspect', '--format', `{{${field}}}`, name);
  }

  /** `buildah` on the same storage. */
  buildah(args: readonly string[], options: CallOptions = {}): Outcome {
    const storage = [
      '--root',
      join(this.#folder, 'root'),
      '--runroot',
      join(this.#folder, 'runroot'),
    ];
    return this.#bed.call('buildah', [...storage, '--storage-driver', this.#driver, ...args], {
      ...this.#caller,
      ...options,
    });
  }

  get policy(): string {
    return join(this.#folder, 'policy.json');
  }

  /** Ends the process that holds a user's namespaces between the calls. */
  stop(): void {
    try {
      process.kill(Number(readFileSync(join(this.#folder, 'tmp/pause.pid'), 'utf8')));
    } catch {
      // There is none, as root never has one.
    }
  }
}
