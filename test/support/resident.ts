import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readlinkSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadNative } from '../../ts/native/addon.js';
import { patience } from './patience.js';

const command = fileURLToPath(new URL('../../dist/tsrunc', import.meta.url));
const native = loadNative();

/** A `tsrunc host` of the test's own, which listens by the time that it is constructed. */
export class ResidentHost {
  readonly folder: string;
  /** What TSRUNC_HOST is to its callers. */
  readonly socket: string;
  readonly child: ChildProcess;

  constructor(...flags: string[]) {
    const at = flags.indexOf('--socket');
    this.folder = at < 0 ? mkdtempSync('/tmp/tsrunc-host-') : '';
    this.socket = at < 0 ? join(this.folder, 'own/socket') : (flags[at + 1] ?? '');
    const [read, write] = native.pipe();
    try {
      const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
      const args = ['host', '--socket', this.socket, ...flags];
      this.child = spawn(command, args, { env, stdio: ['ignore', 'ignore', write] });
      native.close(write);
      // The first that it says.
      const said = Buffer.alloc(4096);
      const text = said.toString('utf8', 0, readSync(read, said));
      if (!text.includes('listening at')) throw new Error(`the host doesn't listen: ${text}`);
    } finally {
      native.close(read);
    }
  }

  /** One more at the same socket. */
  another(): ResidentHost {
    return new ResidentHost('--socket', this.socket);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** How many descriptors it has open. */
  descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** The same, once nobody calls: a caller has ended a moment before the host hears of that. */
  async atRest(): Promise<number> {
    const late = performance.now() + patience(60_000);
    while (this.#connections() > 0 && performance.now() < late) await new Promise(setImmediate);
    return this.descriptors();
  }

  /** Open pidfds: it has one of each caller. */
  #connections(): number {
    const folder = `/proc/${this.pid}/fd`;
    return readdirSync(folder).filter((fd) => {
      try {
        return readlinkSync(`${folder}/${fd}`).includes('pidfd');
      } catch {
        return false;
      }
    }).length;
  }

  /** Ends it, as a service manager does by SIGTERM; resolves when it has ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill(signal);
    await ended;
  }

  /** The same, and takes its folder away. */
  async end(signal?: NodeJS.Signals): Promise<void> {
    await this.stop(signal);
    if (this.folder !== '') rmSync(this.folder, { recursive: true, force: true });
  }
}
