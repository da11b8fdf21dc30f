import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Bed, type CallOptions, ended, environment, type Outcome, ok } from './bed.js';

export const dockerPrograms = {
  dockerd: 'docker.io',
  docker: 'docker.io',
  containerd: 'containerd',
};
/** The package's own client: another one in front of it may want plugins that aren't there. */
const client = existsSync('/usr/bin/docker') ? '/usr/bin/docker' : 'docker';

/** Docker with its own folders and socket, no network, and the image `bb`. */
export class Docker {
  readonly #bed: Bed;
  readonly #folder: string;

  constructor(bed: Bed, name = 'd') {
    this.#bed = bed;
    this.#folder = join(bed.folder, name);
  }

  get #host(): string {
    return `unix://${this.#folder}/s`;
  }

  /** @param more what else daemon.json says */
  async start(more: Readonly<Record<string, unknown>> = {}): Promise<void> {
    mkdirSync(this.#folder);
    const config = join(this.#folder, 'daemon.json');
    const settings = {
      'data-root': join(this.#folder, 'data'),
      'exec-root': join(this.#folder, 'exec'),
      pidfile: join(this.#folder, 'pid'),
      hosts: [this.#host],
      iptables: false,
      ip6tables: false,
      bridge: 'none',
      'ip-forward': false,
      'userland-proxy': false,
      'storage-driver': 'overlay2',
      runtimes: { 'under-test': { path: this.#bed.runtime } },
      'default-runtime': 'under-test',
      ...more,
    };
    writeFileSync(config, JSON.stringify(settings));
    await this.#bed.daemon(['dockerd', '--config-file', config], /API listen on/);
    this.ok('import', '--change', 'CMD ["/bin/sh"]', this.#bed.image('rootfs'), 'bb');
  }

  command(...args: readonly string[]): [string, ...string[]] {
    return [client, '--host', this.#host, ...args];
  }

  docker(args: readonly string[], options: CallOptions = {}): Outcome {
    const [program, ...rest] = this.command(...args);
    return this.#bed.call(program, rest, options);
  }

  ok(...args: readonly string[]): string {
    return ok(`docker ${args.join(' ')}`, this.docker(args)).trimEnd();
  }

  /** `docker run --rm` of a command, with flags before it. */
  run(flags: readonly string[], ...command: readonly string[]): Outcome {
    return this.docker(['run', '--rm', '--network', 'none', ...flags, 'bb', ...command]);
  }

  /** What a shell script prints in a container of its own. */
  sh(script: string, ...flags: readonly string[]): string {
    return ok(
      `docker run ${flags.join(' ')}: ${script}`,
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
      await this.event(name, /ready/, 1, 'logs', '--follow');
      await body();
    } finally {
      this.ok('rm', '--force', name);
    }
  }

  /** Resolves when a command that goes on (`logs --follow`, `events`) has printed so many lines that match. */
  async event(
    name: string,
    pattern: RegExp,
    count: number,
    ...command: readonly string[]
  ): Promise<void> {
    let left = count;
    const child = this.#spawn([...command, name]);
    try {
      for await (const line of createInterface({
        input: child.stdout as NonNullable<typeof child.stdout>,
      })) {
        if (pattern.test(line) && --left === 0) return;
      }
      throw new Error(`docker ${command.join(' ')} ${name} ended without ${pattern}`);
    } finally {
      await ended(child, 'SIGTERM');
    }
  }

  #spawn(args: readonly string[]): ChildProcess {
    const [program, ...rest] = this.command(...args);
    return spawn(program, rest, { env: environment(), stdio: ['ignore', 'pipe', 'inherit'] });
  }

  /** A field of `docker inspect`. */
  inspect(name: string, field: string): string {
    return this.ok('inspect', '--format', `{{${field}}}`, name);
  }
}
