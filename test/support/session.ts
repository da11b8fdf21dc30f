import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';

export const terminals = fileURLToPath(new URL('../unit/console/terminals.py', import.meta.url));

/** A command on a terminal of its own, 80 by 24, which is ours to type at. */
export class Session {
  readonly #child: ChildProcess;
  readonly #end: Promise<string>;
  #output = '';

  constructor(args: readonly string[]) {
    this.#child = spawn('python3', [terminals, 'outer', ...args], {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk) => {
      this.#output += chunk;
    });
    assert.ok(this.#child.stderr);
    this.#end = text(this.#child.stderr);
  }

  get output(): string {
    return this.#output.replaceAll('\r', '');
  }

  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#output)) {
      assert.ok(this.#child.stdout);
      const ended = this.#end.then((said) => {
        if (!pattern.test(this.#output)) throw new Error(`ended without ${pattern}: ${said}`);
      });
      await Promise.race([once(this.#child.stdout, 'data'), ended]);
    }
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  resize(width: number, height: number): void {
    (this.#child.stdio[3] as NodeJS.WritableStream).write(`SIZE ${width} ${height}\n`);
  }

  /** Signals the command itself. */
  kill(signal: NodeJS.Signals): void {
    const children = execFileSync('pgrep', ['-P', String(this.#child.pid)], { encoding: 'utf8' });
    process.kill(Number(children), signal);
  }

  /** How the command ended, and whether the terminal is in the mode in which it found it. */
  async end(): Promise<{ status: number; restored: boolean }> {
    const lines = (await this.#end).trim().split('\n');
    return JSON.parse(lines.at(-1) ?? '');
  }
}
