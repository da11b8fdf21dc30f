import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as assert from 'uvu/assert';
import { command, type Lab, type Mutate } from './lab.js';
import type { ResidentHost } from './resident.js';

/** The environment's part that has a call made by this host, or by none. */
export const by = (which: ResidentHost | undefined): Record<string, string> => ({
  TSRUNC_HOST: which?.socket ?? 'off',
});

/** A call in the foreground whose container says something and then waits for its standard input's end. */
export class Foreground {
  readonly id: string;
  readonly #lab: Lab;
  readonly #child: ChildProcess;
  #said = '';

  constructor(
    lab: Lab,
    which: ResidentHost | undefined,
    mutate: Mutate = () => {},
    prefix: readonly string[] = [],
    script = 'trap "exit 9" TERM; echo ready; while read line; do :; done; exit 5',
  ) {
    this.#lab = lab;
    this.id = lab.name();
    const bundle = lab.bundle((spec, folder) => {
      spec.process.args = ['sh', '-c', script];
      mutate(spec, folder);
    });
    const [program = '', ...args] = [
      ...prefix,
      command,
      ...['--root', lab.root, 'run', '--bundle', bundle, this.id],
    ];
    this.#child = spawn(program, args, {
      env: { ...process.env, ...by(which) },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk) => {
      this.#said += chunk;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when the container has said that it runs. */
  async ready(): Promise<this> {
    while (!this.#said.includes('ready')) {
      assert.ok(this.#child.stdout);
      await Promise.race([
        once(this.#child.stdout, 'data'),
        once(this.#child, 'exit').then(() => assert.unreachable('it ended')),
      ]);
    }
    return this;
  }

  /** The program that the container's process is a child of. */
  get program(): string {
    const { pid } = this.#lab.state(this.id);
    const parent = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return basename(readlinkSync(`/proc/${parent}/exe`));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends the container by the end of its standard input. */
  async end(): Promise<{ code: number | null; signal: string | null }> {
    this.#child.stdin?.end();
    return this.ended();
  }

  /** Resolves when the call is over, how ever that came. */
  async ended(): Promise<{ code: number | null; signal: string | null }> {
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      await once(this.#child, 'exit');
    return { code: this.#child.exitCode, signal: this.#child.signalCode };
  }
}

/** Has init wait in a hook of the container's until somebody writes to a FIFO of the bundle. */
export const blocks: Mutate = (spec, folder) => {
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  spec.hooks.createContainer = [
    { path: '/bin/sh', args: ['sh', '-c', `: > ${folder}/reached; read x < ${folder}/fifo`] },
  ];
};

/** Resolves when the hook of `blocks` runs. */
export async function begun(lab: Lab, id: string): Promise<void> {
  const { bundle } = await created(lab, id);
  while (!existsSync(join(bundle, 'reached'))) await new Promise(setImmediate);
}

async function created(lab: Lab, id: string): Promise<{ bundle: string }> {
  const file = join(lab.root, id, 'state.json');
  while (!existsSync(file)) await new Promise(setImmediate);
  return JSON.parse(readFileSync(file, 'utf8'));
}
