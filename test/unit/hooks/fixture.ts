import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TsruncError } from '../../../ts/errors.js';
import type { HookNative } from '../../../ts/hooks/process.js';
import type { RuntimeHook } from '../../../ts/hooks/run.js';
import { runHooks } from '../../../ts/hooks/run.js';
import type { Hook } from '../../../ts/spec/types.js';
import type { State } from '../../../ts/state/state.js';

/** A bundle's folder for hooks to write in, and the natives that they need, made of plain files and FIFOs. */
export class HookBed {
  readonly folder = mkdtempSync(join(tmpdir(), 'tsrunc-hooks-'));
  readonly warnings: TsruncError[] = [];
  readonly #open = new Set<number>();
  #names = 0;

  readonly native: HookNative = {
    memfd: (_name, content) => {
      const path = this.#path();
      writeFileSync(path, content);
      const fd = openSync(path, 'r');
      unlinkSync(path);
      return this.#remember(fd);
    },
    pipe: () => {
      const path = this.#path();
      if (spawnSync('mkfifo', [path]).status !== 0) throw new Error('mkfifo failed');
      const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const writeEnd = openSync(path, 'w');
      unlinkSync(path);
      return [readEnd, this.#remember(writeEnd)];
    },
    close: (fd) => {
      this.#open.delete(fd);
      closeSync(fd);
    },
  };

  readonly state: State = {
    ociVersion: '1.3.0',
    id: 'a',
    pid: 42,
    status: 'creating',
    bundle: this.folder,
    rootfs: `${this.folder}/rootfs`,
    created: '2024-05-06T07:08:09Z',
    owner: 'root',
  };

  /** A hook that is a script for /bin/sh. */
  sh(script: string, rest: Partial<Hook> = {}): Hook {
    return { path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin'], ...rest };
  }

  run(kind: RuntimeHook, hooks: Hook[], signal?: AbortSignal): Promise<void> {
    return runHooks(kind, hooks, this.state, {
      native: this.native,
      warn: (failure) => this.warnings.push(failure),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** Runs hooks that must fail, and gives the error. */
  async failure(kind: RuntimeHook, hooks: Hook[], signal?: AbortSignal): Promise<TsruncError> {
    try {
      await this.run(kind, hooks, signal);
    } catch (error) {
      return error as TsruncError;
    }
    throw new Error('the hooks did not fail');
  }

  /** What a hook has written to a file of the bundle. */
  text(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  /** Removes the folder; says how many descriptors were not given back. */
  end(): number {
    rmSync(this.folder, { recursive: true, force: true });
    return this.#open.size;
  }

  #path(): string {
    return join(this.folder, `.${this.#names++}`);
  }

  #remember(fd: number): number {
    this.#open.add(fd);
    return fd;
  }
}
