import { constants, rmSync } from 'node:fs';
import type { Cancellation } from '../cancellation.js';
import { loadNative } from '../native/addon.js';
import { isFile, writeFile } from '../native/files.js';
import type { Native } from '../native/native.js';
import { failedWith, notFound, systemFailure } from './failure.js';
import { acquire, isHeld, type Lock } from './lock.js';
import type { StoredState } from './state.js';
import { parseStored } from './stored.js';
import { refuseUntrusted, untrusted } from './trust.js';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_TRUNC, O_WRONLY } = constants;

/** What is on disk for one container: `ROOT/ID`, from `Store`. */
export class ContainerFolder {
  readonly #native: Pick<Native, 'tryLock'>;
  #lock: Lock | undefined;

  constructor(
    readonly id: string,
    readonly directory: string,
    native: Pick<Native, 'tryLock'>,
  ) {
    this.#native = native;
  }

  /** The absolute path of a file in this folder. */
  path(name: string): string {
    return `${this.directory}/${name}`;
  }

  /**
   * The state as last written, whole whatever happens meanwhile; no lock is needed.
   * Undefined when none was written yet: the creator is about to, or died before it could.
   * Throws CONTAINER_NOT_FOUND, CORRUPT_STATE, UNTRUSTED_STATE.
   */
  read(): StoredState | undefined {
    const text = this.#read('state.json');
    return text === undefined ? undefined : parseStored(text, this.path('state.json'), this.id);
  }

  /** Whether the state is still what was written last as `state`: far less than to read it. Throws as `read`. */
  isStill(state: StoredState): boolean {
    return this.#read('state.json') === JSON.stringify(state);
  }

  /** The configuration that the container was made from; undefined when none was kept. Throws as `read`. */
  readConfig(): string | undefined {
    return this.#read('config.json');
  }

  /** Keeps the configuration: what becomes of the bundle later has no effect. */
  writeConfig(text: string): void {
    const file = this.path('config.json');
    try {
      writeNew(file, O_EXCL, text);
    } catch (error) {
      throw systemFailure(`cannot write ${file}`, error);
    }
  }

  #read(name: string): string | undefined {
    const file = this.path(name);
    const native = loadNative();
    let fd: number;
    try {
      // O_NONBLOCK: a FIFO in its place must not hang us.
      fd = native.open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      if (failedWith(error, 'ELOOP')) throw untrusted(file, `${file} is a symbolic link`);
      if (!failedWith(error, 'ENOENT')) throw systemFailure(`cannot read ${file}`, error);
      if (!native.exists(this.directory)) throw notFound(this.id);
      return undefined;
    }
    try {
      const status = native.fstat(fd);
      if (!isFile(status)) throw untrusted(file, `${file} is not a regular file`);
      refuseUntrusted(file, file, status);
      return native.readText(fd);
    } finally {
      native.close(fd);
    }
  }

  /** Replaces the state at once, or not at all. Only for who holds the lock: there is one temporary file. */
  write(state: StoredState): void {
    this.prepare(state)();
  }

  /** Does of `write` all that takes time; the result puts the new state in the place of the old one. */
  prepare(state: StoredState): () => void {
    const file = this.path('state.json');
    const temporary = this.path('state.json.new');
    const text = JSON.stringify(state);
    this.#replacing(temporary, file, () => writeNew(temporary, O_TRUNC, text));
    return () => this.#replacing(temporary, file, () => loadNative().rename(temporary, file));
  }

  #replacing(temporary: string, file: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      const { exists, unlink } = loadNative();
      if (!exists(this.directory)) throw notFound(this.id);
      try {
        unlink(temporary);
      } catch {
        // It wasn't even made, or can't be removed either: the first failure says why.
      }
      throw systemFailure(`cannot write ${file}`, error);
    }
  }

  /**
   * Waits for the container's lock, which keeps other commands away, not readers.
   * Read the state after taking it. Throws CONTAINER_NOT_FOUND when the container is
   * deleted before the lock is had, ABORTED when `signal` fires.
   */
  async lock(signal?: Cancellation): Promise<Lock> {
    this.#lock = await acquire(this.id, this.directory, this.#native, signal);
    return this.#lock;
  }

  /** Whether another command, in this process or not, is at work on the container now. Throws CONTAINER_NOT_FOUND. */
  isLocked(): boolean {
    return this.#lock?.held !== true && isHeld(this.id, this.directory, this.#native);
  }

  /** Removes the folder with everything in it; that it is gone already is no error. Only for who holds the lock. */
  remove(): void {
    try {
      // Only files, as a rule; rmSync costs several times as much.
      const { readdir, rmdir, unlink } = loadNative();
      for (const name of readdir(this.directory)) unlink(this.path(name));
      rmdir(this.directory);
      return;
    } catch {
      // There is a folder in it, it is gone, or rmSync knows how to say why not.
    }
    try {
      rmSync(this.directory, { recursive: true, force: true });
    } catch (error) {
      throw systemFailure(`cannot remove ${this.directory}`, error);
    }
  }
}

/** Not flushed: a file that a crash of the kernel could tear describes a container that died with it. */
function writeNew(path: string, flag: number, text: string): void {
  writeFile(path, O_WRONLY | O_CREAT | O_NOFOLLOW | flag, 0o600, text);
}
