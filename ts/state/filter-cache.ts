import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { loadNative } from '../native/addon.js';
import { isFile } from '../native/files.js';
import type { CompiledSeccomp, Native } from '../native/native.js';
import { isOwnFolder, refuseUntrusted } from './trust.js';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** No container can be called so. */
const FOLDER = '@seccomp';
const MOST_ENTRIES = 64;
const HASH_SIZE = 32;

/**
 * Compiled system call filters below the runtime's root, by the hash of all that they are made from.
 * A file is the hash of what follows; the size of the list of unknown names; that list; the filter.
 *
 * It only saves time: whatever is wrong with an entry, or the folder, is as if there were none. What
 * somebody else could have written is never used, since the filter is what keeps the container in.
 */
export class FilterCache {
  readonly #folder: string;
  readonly #native: Pick<Native, 'sha256'>;

  /** `root`: the folder of all state. */
  constructor(root: string, native: Pick<Native, 'sha256'>) {
    this.#folder = `${root}/${FOLDER}`;
    this.#native = native;
  }

  find(key: string): CompiledSeccomp | undefined {
    try {
      if (!this.#isOurs()) return undefined;
      return this.#decode(key, readOwn(this.#path(key)));
    } catch {
      return undefined;
    }
  }

  /** Keeps a filter; the oldest ones go when there are too many. */
  keep(key: string, compiled: CompiledSeccomp): void {
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      if (!this.#isOurs()) return;
      const temporary = `${this.#path(key)}.${process.pid}`;
      const fd = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      try {
        writeFileSync(fd, this.#encode(key, compiled));
      } finally {
        closeSync(fd);
      }
      renameSync(temporary, this.#path(key));
      this.#removeOldest();
    } catch {
      // The container starts all the same, the next one later than it could.
    }
  }

  #path(key: string): string {
    return `${this.#folder}/${key}`;
  }

  /** Ours alone, as nobody else may so much as look. */
  #isOurs(): boolean {
    return (
      isOwnFolder(this.#folder, this.#folder) &&
      (loadNative().stat(this.#folder).mode & 0o077) === 0
    );
  }

  /** Of the key too: one entry under the name of another would be another container's filter. */
  #hash(key: string, body: Uint8Array): Uint8Array {
    return this.#native.sha256(Buffer.concat([Buffer.from(key), body]));
  }

  #encode(key: string, { filter, unknown }: CompiledSeccomp): Uint8Array {
    const names = Buffer.from(unknown.join(','));
    const size = Buffer.alloc(4);
    size.writeUInt32LE(names.length);
    const body = Buffer.concat([size, names, filter]);
    return Buffer.concat([this.#hash(key, body), body]);
  }

  #decode(key: string, content: Buffer): CompiledSeccomp | undefined {
    const body = content.subarray(HASH_SIZE);
    if (!content.subarray(0, HASH_SIZE).equals(this.#hash(key, body))) return undefined;
    const start = 4 + body.readUInt32LE(0);
    const names = body.toString('utf8', 4, start);
    return { filter: body.subarray(start), unknown: names === '' ? [] : names.split(',') };
  }

  #removeOldest(): void {
    const files = readdirSync(this.#folder).map((name) => this.#path(name));
    if (files.length <= MOST_ENTRIES) return;
    const byAge = files
      .map((file) => ({ file, time: timeOf(file) }))
      .sort((a, b) => a.time - b.time);
    for (const { file } of byAge.slice(0, files.length - MOST_ENTRIES)) unlinkSync(file);
  }
}

/** Another call may have removed it meanwhile. */
function timeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The content of a regular file of the caller's own. Throws when it is something else. */
function readOwn(file: string): Buffer {
  const native = loadNative();
  const fd = native.open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const status = native.fstat(fd);
    if (!isFile(status)) throw new Error('no regular file');
    refuseUntrusted(file, file, status);
    return native.readBytes(fd);
  } finally {
    native.close(fd);
  }
}
