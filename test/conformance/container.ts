import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config.js';
import type { Context } from './context.js';
import { describe } from './runtime.js';

export interface State {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: string;
  readonly pid: number;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Seconds that a container has for what a test waits for. */
const PATIENCE = 10;

/** Waits until something holds. For what a foreign runtime does after its command has returned there is no event. */
export async function eventually(holds: () => boolean | Promise<boolean>, what: string) {
  for (const end = Date.now() + PATIENCE * 1000; Date.now() < end; await sleep(5))
    if (await holds()) return;
  assert.fail(`after ${PATIENCE} s still not: ${what}`);
}

/** The lines of a stream as they come. */
class Lines {
  #text = '';
  #ended = false;
  #wake = (): void => {};

  constructor(stream: Readable) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      this.#text += text;
      this.#wake();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    stream.on('end', end).on('error', end);
  }

  /** Everything said and not yet taken. */
  get rest(): string {
    return this.#text;
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    const late = Date.now() + PATIENCE * 1000;
    while (!holds()) {
      assert.ok(Date.now() < late, `after ${PATIENCE} s still not: ${what}; said: ${this.#text}`);
      const timer = setTimeout(() => this.#wake(), PATIENCE * 1000);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      clearTimeout(timer);
    }
  }

  async next(): Promise<string> {
    const whole = (): boolean => this.#text.includes('\n');
    await this.#until(() => whole() || this.#ended, 'a line of the container');
    assert.ok(whole(), `the container ended without another line; it said: ${this.#text}`);
    const end = this.#text.indexOf('\n');
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    return line;
  }

  ended(): Promise<void> {
    return this.#until(() => this.#ended, 'the end of the container');
  }
}

/** A container that was created and not run in the foreground. */
export class Container {
  /** What a container that was made by `Context.start` said first. */
  firstLine = '';
  readonly id: string;
  readonly bundle: string;
  readonly #t: Context;
  #lines: Lines | undefined;

  private constructor(t: Context, bundle: string, id: string) {
    this.#t = t;
    this.bundle = bundle;
    this.id = id;
  }

  static async create(t: Context, bundle: string, id: string, args: string[]): Promise<Container> {
    const container = new Container(t, bundle, id);
    const outcome = await t.call(['create', '--bundle', bundle, ...args, id], {
      onOutput: (stdout) => {
        container.#lines = new Lines(stdout);
      },
    });
    assert.ok(outcome.code === 0, `create ${describe(outcome)}`);
    return container;
  }

  async state(): Promise<State> {
    return JSON.parse(await this.#t.ok(['state', this.id]));
  }

  async pid(): Promise<number> {
    return (await this.state()).pid;
  }

  /** What the container's cgroupsPath is. */
  get cgroup(): string {
    const config = JSON.parse(readFileSync(join(this.bundle, 'config.json'), 'utf8')) as Config;
    return config.linux.cgroupsPath;
  }

  async start(): Promise<void> {
    await this.#t.ok(['start', this.id]);
  }

  async kill(signal: string): Promise<void> {
    await this.#t.ok(['kill', this.id, signal]);
  }

  async delete(...args: string[]): Promise<void> {
    await this.#t.ok(['delete', ...args, this.id]);
  }

  /** Whether the runtime still knows it. */
  async exists(): Promise<boolean> {
    return (await this.#t.call(['state', this.id])).code === 0;
  }

  /** Waits for the next line of its output. */
  line(): Promise<string> {
    assert.ok(this.#lines);
    return this.#lines.next();
  }

  /** What it has said and nobody has taken. */
  get output(): string {
    return this.#lines?.rest ?? '';
  }

  /** Waits until its program has ended and the runtime says so. Returns the output that nobody has taken. */
  async stopped(): Promise<string> {
    await this.#lines?.ended();
    await eventually(async () => (await this.state()).status === 'stopped', 'status "stopped"');
    return this.output;
  }

  /** Runs a shell script in the container beside its program. */
  async exec(script: string): Promise<string> {
    return (await this.#t.ok(['exec', this.id, 'sh', '-c', script])).trimEnd();
  }
}
