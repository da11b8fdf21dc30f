import {
  MOUNT_ATTR,
  MS_I_VERSION,
  MS_PRIVATE,
  MS_REC,
  MS_SHARED,
  MS_SLAVE,
  MS_UNBINDABLE,
} from './kernel.js';
import type { Operation } from './operations.js';

/** What one option of config.md's "Linux mount options" does. */
export type MountOption =
  | {
      readonly kind: 'attribute';
      readonly set?: bigint;
      readonly clear?: bigint;
      readonly recursive: boolean;
    }
  | { readonly kind: 'propagation'; readonly flags: number }
  | { readonly kind: 'bind'; readonly recursive: boolean }
  /** Of the file system, not of the mount: fsconfig takes it by name. */
  | { readonly kind: 'superblock' }
  /** The same, but only mount(2) can set it. */
  | { readonly kind: 'flag'; readonly flags: number }
  | { readonly kind: 'idmap'; readonly recursive: boolean }
  | { readonly kind: 'copyUp' }
  | { readonly kind: 'remount' }
  | { readonly kind: 'nothing' };

const attributes: Readonly<Record<string, { set?: bigint; clear?: bigint }>> = {
  ro: { set: MOUNT_ATTR.rdonly },
  rw: { clear: MOUNT_ATTR.rdonly },
  nosuid: { set: MOUNT_ATTR.nosuid },
  suid: { clear: MOUNT_ATTR.nosuid },
  nodev: { set: MOUNT_ATTR.nodev },
  dev: { clear: MOUNT_ATTR.nodev },
  noexec: { set: MOUNT_ATTR.noexec },
  exec: { clear: MOUNT_ATTR.noexec },
  noatime: { set: MOUNT_ATTR.noatime, clear: MOUNT_ATTR.atime },
  atime: { clear: MOUNT_ATTR.atime },
  relatime: { clear: MOUNT_ATTR.atime },
  norelatime: { clear: MOUNT_ATTR.atime },
  strictatime: { set: MOUNT_ATTR.strictatime, clear: MOUNT_ATTR.atime },
  nostrictatime: { clear: MOUNT_ATTR.atime },
  nodiratime: { set: MOUNT_ATTR.nodiratime },
  diratime: { clear: MOUNT_ATTR.nodiratime },
  nosymfollow: { set: MOUNT_ATTR.nosymfollow },
  symfollow: { clear: MOUNT_ATTR.nosymfollow },
};

const propagations: Readonly<Record<string, number>> = {
  shared: MS_SHARED,
  private: MS_PRIVATE,
  slave: MS_SLAVE,
  unbindable: MS_UNBINDABLE,
};

const others: Readonly<Record<string, MountOption>> = {
  bind: { kind: 'bind', recursive: false },
  rbind: { kind: 'bind', recursive: true },
  defaults: { kind: 'nothing' },
  // These two only say how loudly the kernel may complain.
  silent: { kind: 'nothing' },
  loud: { kind: 'nothing' },
  remount: { kind: 'remount' },
  idmap: { kind: 'idmap', recursive: false },
  ridmap: { kind: 'idmap', recursive: true },
  tmpcopyup: { kind: 'copyUp' },
  iversion: { kind: 'flag', flags: MS_I_VERSION },
  // A new file system has no such flag.
  noiversion: { kind: 'flag', flags: 0 },
};

const superblock = ['sync', 'async', 'dirsync', 'lazytime', 'nolazytime', 'mand', 'nomand'];

/** The option of a name that has a meaning of its own; all others go to the file system as they are. */
export function findMountOption(name: string): MountOption | undefined {
  if (Object.hasOwn(others, name)) return others[name];
  if (superblock.includes(name)) return { kind: 'superblock' };
  // `ratime` is the specification's; `rro` … `rnosymfollow` follow the plain names.
  return (
    findRecursible(name, false) ??
    (name[0] === 'r' ? findRecursible(name.slice(1), true) : undefined)
  );
}

function findRecursible(name: string, recursive: boolean): MountOption | undefined {
  if (Object.hasOwn(attributes, name)) return { kind: 'attribute', ...attributes[name], recursive };
  if (!Object.hasOwn(propagations, name)) return undefined;
  return { kind: 'propagation', flags: Number(propagations[name]) | (recursive ? MS_REC : 0) };
}

/** The names of all of them. */
export function mountOptionNames(): string[] {
  const recursible = [...Object.keys(attributes), ...Object.keys(propagations)];
  const recursive = recursible.map((name) => `r${name}`);
  return [...Object.keys(others), ...superblock, ...recursible, ...recursive];
}

/** The options of one mount, sorted by what they act on. */
export interface ParsedOptions {
  bind: 'no' | 'one' | 'tree';
  remount: boolean;
  idmap: 'no' | 'one' | 'tree';
  copyUp: boolean;
  set: bigint;
  clear: bigint;
  recursiveSet: bigint;
  recursiveClear: bigint;
  propagation: number[];
  /** Names of options that act on the file system and mean nothing to a bind mount. */
  superblock: string[];
  /** MS_* flags of the file system. */
  flags: number;
  /** Options that only the file system knows. */
  data: string[];
}

/** Later options win over earlier ones. */
export function parseMountOptions(options: readonly string[]): ParsedOptions {
  const parsed: ParsedOptions = {
    bind: 'no',
    remount: false,
    idmap: 'no',
    copyUp: false,
    set: 0n,
    clear: 0n,
    recursiveSet: 0n,
    recursiveClear: 0n,
    propagation: [],
    superblock: [],
    flags: 0,
    data: [],
  };
  for (const name of options) {
    const option = findMountOption(name);
    switch (option?.kind) {
      case undefined:
        if (name !== '') parsed.data.push(name);
        break;
      case 'attribute':
        addAttribute(parsed, option);
        break;
      case 'propagation':
        parsed.propagation.push(option.flags);
        break;
      case 'bind':
        parsed.bind = option.recursive ? 'tree' : 'one';
        break;
      case 'superblock':
        parsed.superblock.push(name);
        break;
      case 'flag':
        parsed.flags = option.flags;
        break;
      case 'idmap':
        parsed.idmap = option.recursive ? 'tree' : 'one';
        break;
      case 'copyUp':
        parsed.copyUp = true;
        break;
      case 'remount':
        parsed.remount = true;
        break;
    }
  }
  return parsed;
}

function addAttribute(parsed: ParsedOptions, option: MountOption & { kind: 'attribute' }): void {
  const set = option.set ?? 0n;
  const clear = option.clear ?? 0n;
  if (option.recursive) {
    parsed.recursiveSet = (parsed.recursiveSet & ~clear) | set;
    parsed.recursiveClear = (parsed.recursiveClear | clear) & ~set;
  } else {
    parsed.set = (parsed.set & ~clear) | set;
    parsed.clear = (parsed.clear | clear) & ~set;
  }
}

/** The operation that makes a mount read-only in the end. */
export function readonlyMount(target: string): Operation {
  return {
    op: 'remount',
    target,
    options: [],
    set: MOUNT_ATTR.rdonly,
    clear: 0n,
    recursiveSet: 0n,
    recursiveClear: 0n,
    propagation: [],
  };
}
