import { TsruncError } from '../errors.js';
import type { IdMaps } from './mount-id-maps.js';
import type { Operation } from './operations.js';

/** As many slots as init has (cpp/init/executor.h); number 0 means none. */
const SLOTS = 1024;

interface Mapped {
  readonly idMaps: IdMaps | undefined;
  /** Whether the mounts below are mapped too. */
  readonly mapAll: boolean;
}

const unmapped: Mapped = { idMaps: undefined, mapAll: false };

interface DeviceNode {
  /** Where the container has it. */
  readonly path: string;
  /** S_IFCHR or S_IFBLK. */
  readonly type: number;
  readonly major: number;
  readonly minor: number;
  readonly mode: number;
  /** Of the host, like gid. */
  readonly uid: number;
  readonly gid: number;
}

/** What the stage opens for init, which has less privilege: each thing in a slot of its own. */
export class Sources {
  readonly operations: Operation[] = [];
  readonly #namespaces = new Map<string, number>();
  #count = 0;

  /** The mount tree at a path of the host. */
  tree(source: string, recursive: boolean, mapped = unmapped): number {
    const ids = this.#ids(mapped);
    const slot = this.#next();
    this.operations.push({ op: 'openSource', slot, source, recursive, ...ids });
    return slot;
  }

  /** A new file system. */
  fileSystem(type: string, source: string, options: readonly string[], mapped: Mapped): number {
    const ids = this.#ids(mapped);
    const slot = this.#next();
    this.operations.push({ op: 'openFileSystem', slot, type, source, options, ...ids });
    return slot;
  }

  /** A device node of its own, made in a folder that no other user can look into. */
  node(folder: string, node: DeviceNode): number {
    const slot = this.#next();
    this.operations.push({ op: 'openNode', slot, file: `${folder}/node${slot}`, ...node });
    return slot;
  }

  #ids({ idMaps, mapAll }: Mapped): { userNamespace: number; mapAll: boolean } {
    return { userNamespace: idMaps === undefined ? 0 : this.#userNamespace(idMaps), mapAll };
  }

  /** Mounts with the same maps share one namespace. */
  #userNamespace(maps: IdMaps): number {
    const key = 'file' in maps ? maps.file : `${maps.uidMap}|${maps.gidMap}`;
    const known = this.#namespaces.get(key);
    if (known !== undefined) return known;
    const slot = this.#next();
    this.#namespaces.set(key, slot);
    this.operations.push(
      'file' in maps
        ? { op: 'openNamespace', slot, file: maps.file }
        : { op: 'makeUserNamespace', slot, ...maps },
    );
    return slot;
  }

  #next(): number {
    this.#count += 1;
    if (this.#count < SLOTS) return this.#count;
    throw new TsruncError(
      `config.json: mounts: more than ${SLOTS - 1} of them, and of devices, have to be opened before the container's namespaces are entered`,
      { code: 'UNSUPPORTED', stage: 'config' },
    );
  }
}
