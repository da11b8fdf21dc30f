/**
 * The same command lines and bundles for runc and for the runtime under test: what a caller sees must be the same,
 * as far as callers look. Their words for a failure differ, so those are compared by what callers look for in them.
 */

import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { defaultSpec } from '../../ts/spec/default.js';
import type { Spec } from '../../ts/spec/types.js';
import { type Bed, environment, executable, type Outcome } from './bed.js';

/** What the callers of a runtime look for in its errors: containerd, CRI-O, Docker and Podman each match some of them. */
const sentences = [
  'does not exist',
  'already exists',
  'executable file not found in $PATH',
  'no such file or directory',
  'permission denied',
  'not a directory',
  'container not running',
  'cannot exec in a stopped container',
  'that is not stopped',
] as const;

export const found = (text: string): string[] =>
  sentences.filter((sentence) => text.includes(sentence));

export type Mutate = (spec: Spec & { process: NonNullable<Spec['process']> }) => void;

/** One runtime with a state root of its own and a name in the cgroups. */
export class Side {
  readonly #bed: Bed;
  readonly #binary: string;
  readonly #name: string;
  readonly folder: string;
  #count = 0;

  constructor(bed: Bed, name: string, binary: string) {
    this.#bed = bed;
    this.#name = name;
    this.#binary = binary;
    this.folder = join(bed.folder, name);
    mkdirSync(this.folder, { recursive: true });
  }

  bundle(args: readonly string[], mutate: Mutate = () => {}): string {
    const folder = join(this.folder, `b${++this.#count}`);
    mkdirSync(folder);
    // A version that older runtimes know too.
    const spec = {
      ...structuredClone(defaultSpec()),
      ociVersion: '1.0.2',
    } as Parameters<Mutate>[0];
    spec.process.terminal = false;
    spec.process.args = [...args];
    spec.root = { path: this.#bed.rootfs, readonly: true };
    spec.linux = { ...spec.linux, cgroupsPath: `/diff/${this.#name}-${this.#count}` };
    mutate(spec);
    writeFileSync(
      join(folder, 'config.json'),
      JSON.stringify(spec, (_, it) => (typeof it === 'bigint' ? Number(it) : it)),
    );
    return folder;
  }

  /** Runs the command; output goes to files, since a container may hold it open for longer. */
  call(
    args: readonly string[],
    options: {
      input?: string;
      cwd?: string;
      fds?: number[];
      /** A program before it, that takes the rest as its command line. */
      through?: readonly string[];
    } = {},
  ): Outcome {
    const files = ['out', 'err'].map((name) => join(this.folder, name));
    const [out = 1, err = 2] = files.map((file) => openSync(file, 'w+'));
    try {
      const [program = '', ...rest] = [...(options.through ?? []), ...this.command(...args)];
      const { status } = spawnSync(program, rest, {
        env: environment(),
        cwd: options.cwd ?? this.folder,
        input: options.input ?? '',
        stdio: ['pipe', out, err, ...(options.fds ?? [])],
        timeout: 120_000,
      });
      const [stdout = '', stderr = ''] = files.map((file) => readFileSync(file, 'utf8'));
      return { code: status, stdout, stderr };
    } finally {
      closeSync(out);
      closeSync(err);
    }
  }

  command(...args: readonly string[]): [string, ...string[]] {
    return [this.#binary, '--root', join(this.folder, 'state'), ...args];
  }

  /** What a caller sees of a failure. */
  failure(...args: readonly string[]): unknown {
    const { code, stdout, stderr } = this.call(args);
    return { code, stdout, sentences: found(stderr), silent: stderr === '' };
  }

  /** What a caller sees of a success. */
  success(...args: readonly string[]): unknown {
    const { code, stdout, stderr } = this.call(args);
    return { code, stdout, stderr };
  }

  state(id: string): { id: string; pid: number; status: string; [name: string]: unknown } {
    const { stdout, stderr } = this.call(['state', id]);
    assert.is(stderr, '');
    return JSON.parse(stdout);
  }

  pid(id: string): number {
    return this.state(id).pid;
  }

  status(id: string): string | undefined {
    const { code, stdout } = this.call(['state', id]);
    return code === 0 ? JSON.parse(stdout).status : undefined;
  }

  /** Creates and starts a container that ends with 9 on SIGTERM, and returns when it would. */
  running(id: string, mutate?: Mutate): number {
    const script = 'trap "exit 9" TERM; echo ready > /dev/ready; while :; do sleep 0.05; done';
    const fifo = join(this.folder, 'ready');
    if (!existsSync(fifo)) this.#bed.call('mkfifo', [fifo]);
    const bundle = this.bundle(['sh', '-c', script], (spec) => {
      const mount = { destination: '/dev/ready', type: 'bind', source: fifo, options: ['bind'] };
      spec.mounts = [...(spec.mounts ?? []), mount];
      mutate?.(spec);
    });
    assert.is(this.call(['create', '--bundle', bundle, id]).code, 0);
    assert.is(this.call(['start', id]).code, 0);
    assert.is(this.#bed.call('cat', [fifo]).stdout, 'ready\n');
    return this.pid(id);
  }
}

/** The types of the values, in place of them: two JSON texts of one shape are equal. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .sort()
      .map(([key, each]) => [key, shapeOf(each)]),
  );
}

type Same = (name: string, scenario: (side: Side) => unknown, needs?: readonly string[]) => void;

/** Both runtimes: what is under test is compared with runc even when that is runc itself. */
export interface Sides {
  readonly reference: Side;
  readonly subject: Side;
  /** Adds a test: the scenario shows the same with both. `needs` are commands of the runtime under test. */
  readonly same: Same;
}

export function sidesOf(bed: Bed): Sides {
  // Without runc all tests are skipped.
  const reference = new Side(bed, 'reference', executable('runc') ?? 'runc');
  const subject = new Side(bed, 'subject', bed.runtime);
  const same: Same = (name, scenario, needs = []) => {
    const missing = needs.find((command) => !bed.has(command));
    bed.check(
      name,
      async () => {
        const expected = await scenario(reference);
        assert.equal(await scenario(subject), expected);
      },
      missing === undefined ? undefined : `${bed.runtimeName} ${missing}`,
    );
  };
  return { reference, subject, same };
}
