import { mkdirSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadNative } from '../native/addon.js';
import type { Native } from '../native/native.js';
import { containerExists, failedWith, notFound, systemFailure } from './failure.js';
import { ContainerFolder } from './folder.js';
import { checkId, isId } from './id.js';
import { isOwnFolder, isOwnRoot } from './trust.js';

/**
 * All containers of one root folder (`--root`). A folder `ROOT/ID` is a container;
 * its calls are small and synchronous, since the root is a tmpfs.
 * Every method throws UNTRUSTED_STATE when another user could have made what it looks at.
 */
export class Store {
  /** Absolute. */
  readonly root: string;
  readonly #native: Pick<Native, 'tryLock'>;

  constructor(root: string, native: Pick<Native, 'tryLock'>) {
    this.root = resolve(root);
    this.#native = native;
  }

  /** Where the folder of a container is, or will be. */
  path(id: string): string {
    return `${this.root}/${id}`;
  }

  /** Claims an ID, for one caller only. Makes the root if need be. Throws INVALID_ARGUMENT, CONTAINER_EXISTS. */
  create(id: string): ContainerFolder {
    checkId(id);
    if (!isOwnRoot(this.root)) this.#makeRoot();
    const folder = this.#folder(id);
    try {
      loadNative().mkdir(folder.directory, 0o700);
    } catch (error) {
      if (!failedWith(error, 'EEXIST')) {
        throw systemFailure(`cannot make ${folder.directory}`, error);
      }
      throw containerExists(id, folder.directory);
    }
    return folder;
  }

  /** The folder of a container that exists. Throws INVALID_ARGUMENT, CONTAINER_NOT_FOUND. */
  open(id: string): ContainerFolder {
    checkId(id);
    const folder = this.#folder(id);
    if (!isOwnRoot(this.root) || !isOwnFolder(folder.directory, folder.directory)) {
      throw notFound(id);
    }
    return folder;
  }

  /** The IDs of all containers, sorted. Any of them may be gone when it is opened. */
  list(): string[] {
    if (!isOwnRoot(this.root)) return [];
    try {
      return readdirSync(this.root, { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && isId(entry.name))
        .map((entry) => entry.name)
        .sort();
    } catch (error) {
      throw systemFailure(`cannot list the containers in ${this.root}`, error);
    }
  }

  #makeRoot(): void {
    try {
      mkdirSync(this.root, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw systemFailure(`cannot make the state folder ${this.root}`, error);
    }
    isOwnRoot(this.root);
  }

  #folder(id: string): ContainerFolder {
    return new ContainerFolder(id, this.path(id), this.#native);
  }
}
