import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Bed, type CallOptions, environment, type Outcome, ok } from './bed.js';

export const containerdPrograms = { containerd: 'containerd', ctr: 'containerd' };
export const image = 'local/busybox:latest';
export type Snapshotter = 'overlayfs' | 'native';

/** containerd with its own folders and sockets, and the image in both snapshotters. */
export class Containerd {
  readonly #bed: Bed;
  readonly #socket: string;
  readonly #folder: string;

  constructor(bed: Bed) {
    this.#bed = bed;
    this.#folder = join(bed.folder, 'c');
    this.#socket = join(this.#folder, 's');
  }

  async start(): Promise<void> {
    mkdirSync(this.#folder);
    const config = join(this.#folder, 'config.toml');
    writeFileSync(
      config,
      `version = 2
root = "${this.#folder}/root"
state = "${this.#folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "${this.#socket}"
[ttrpc]
  address = "${this.#folder}/t"
`,
    );
    await this.#bed.daemon(['containerd', '--config', config], /successfully booted/);
    for (const snapshotter of ['overlayfs', 'native']) {
      this.ok('image', 'import', '--snapshotter', snapshotter, this.#bed.image('oci'));
    }
  }

  /** `ctr` with these arguments. */
  command(...args: readonly string[]): [string, ...string[]] {
    return ['ctr', '--address', this.#socket, ...args];
  }

  ctr(args: readonly string[], options: CallOptions = {}): Outcome {
    const [program, ...rest] = this.command(...args);
    return this.#bed.call(program, rest, options);
  }

  ok(...args: readonly string[]): string {
    return ok(`ctr ${args.join(' ')}`, this.ctr(args));
  }

  /** A shell script in a container of its own, in the foreground. */
  sh(id: string, script: string, ...flags: readonly string[]): Outcome {
    return this.ctr(['run', '--rm', ...flags, image, id, 'sh', '-c', script]);
  }

  /** The same, while the caller does something else. Resolves with its first line. */
  async attached(id: string, script: string, ...flags: readonly string[]): Promise<Attached> {
    const [program, ...rest] = this.command('run', ...flags, image, id, 'sh', '-c', script);
    const child = spawn(program, rest, {
      env: environment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit').then(([code]) => code as number);
    const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
    const first = await Promise.race([once(lines, 'line').then(([line]) => line as string), ended]);
    return { child, first: String(first), ended };
  }

  /** What the daemon says of a task: `RUNNING`, `STOPPED` …; undefined when there is none. */
  status(id: string): string | undefined {
    return this.#task(id)?.[2];
  }

  pid(id: string): number {
    return Number(this.#task(id)?.[1]);
  }

  #task(id: string): string[] | undefined {
    const rows = this.ok('task', 'ls')
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/));
    return rows.find(([name]) => name === id);
  }
}

export interface Attached {
  readonly child: ChildProcess;
  /** The first line of its output. */
  readonly first: string;
  /** The exit code of ctr, which is the container's. */
  readonly ended: Promise<number>;
}
