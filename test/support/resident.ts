import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadNative } from '../../ts/native/addon.js';

const command = fileURLToPath(new URL('../../dist/tsrunc', import.meta.url));
const native = loadNative();

/** A `tsrunc host` of the test's own, which listens by the time that it is constructed. */
export class ResidentHost {
  readonly folder = mkdtempSync('/tmp/tsrunc-host-');
  /** What TSRUNC_HOST is to its callers. */
  readonly socket = join(this.folder, 'own/socket');
  readonly child: ChildProcess;

  constructor(...flags: string[]) {
    const [read, write] = native.pipe();
    try {
      const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
      this.child = spawn(command, ['host', '--socket', this.socket, ...flags], {
        env,
        stdio: ['ignore', 'ignore', write],
      });
      native.close(write);
      // The first that it says.
      const said = Buffer.alloc(4096);
      const text = said.toString('utf8', 0, readSync(read, said));
      if (!text.includes('listening at')) throw new Error(`the host doesn't listen: ${text}`);
    } finally {
      native.close(read);
    }
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** What its descriptors are open on. */
  descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Ends it, as a service manager does; resolves when it has ended. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill(signal);
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
