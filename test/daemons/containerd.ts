import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Bed, type CallOptions, environment, image, type Outcome, ok } from './bed.js';
import { makeNetworkPlugins } from './network-plugins.js';

export const containerdPrograms = { containerd: 'containerd', ctr: 'containerd' };
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

  get socket(): string {
    return this.#socket;
  }

  /** With the kubelet's interface: its handlers are `under-test`, which is the default, and no other. */
  async start({ cri = false } = {}): Promise<void> {
    mkdirSync(this.#folder);
    const isNew = / v?2\./.test(this.#bed.call('containerd', ['--version']).stdout);
    const config = join(this.#folder, 'config.toml');
    writeFileSync(
      config,
      `version = ${isNew ? 3 : 2}
root = "${this.#folder}/root"
state = "${this.#folder}/state"
${cri ? '' : 'disabled_plugins = ["io.containerd.grpc.v1.cri"]'}
[grpc]
  address = "${this.#socket}"
[ttrpc]
  address = "${this.#folder}/t"
${cri ? this.#kubernetes(isNew) : ''}`,
    );
    await this.#bed.daemon(['containerd', '--config', config], /successfully booted/);
    for (const snapshotter of ['overlayfs', 'native']) {
      const flags = [...(cri ? ['--namespace', 'k8s.io'] : []), 'image', 'import'];
      // From 2.0 on the daemon unpacks, for the platforms and snapshotters that it is configured for alone.
      if (isNew) flags.push('--local');
      this.ok(...flags, '--snapshotter', snapshotter, this.#bed.image('oci'));
    }
  }

  /** docs/integrations.md, "Kubernetes", and what a machine without CNI, AppArmor and CAP_SYS_RESOURCE needs. */
  #kubernetes(isNew: boolean): string {
    const plugins = makeNetworkPlugins(join(this.#folder, 'cni'));
    const plugin = isNew ? 'io.containerd.cri.v1.runtime' : 'io.containerd.grpc.v1.cri';
    const images = `[plugins."io.containerd.cri.v1.images"]
  snapshotter = "native"
[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "${image}"
`;
    return `[plugins."${plugin}"]
  disable_apparmor = true
  restrict_oom_score_adj = true
${isNew ? '' : `  sandbox_image = "${image}"`}
[plugins."${plugin}".cni]
  ${isNew ? `bin_dirs = ["${plugins}"]` : `bin_dir = "${plugins}"`}
  conf_dir = "${this.#folder}/cni"
[plugins."${plugin}".containerd]
  default_runtime_name = "under-test"
[plugins."${plugin}".containerd.runtimes.under-test]
  runtime_type = "io.containerd.runc.v2"
  [plugins."${plugin}".containerd.runtimes.under-test.options]
    BinaryName = "${this.#bed.runtime}"
    SystemdCgroup = false
${isNew ? images : ''}`;
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
