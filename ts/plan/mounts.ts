import { posix } from 'node:path';
import { TsruncError } from '../errors.js';
import type { Mount } from '../spec/types.js';
import { type CgroupNamespace, planCgroupMount } from './cgroup-mount.js';
import { MOUNT_ATTR, MS_REC, MS_SLAVE } from './kernel.js';
import { type ParsedOptions, parseMountOptions, readonlyMount } from './mount-options.js';
import type { Namespaces } from './namespaces.js';
import type { Operation } from './operations.js';
import type { PlanRequest } from './request.js';

/** Files of procfs that may be replaced by files of the same meaning (lxcfs does); nothing else in /proc may be covered. */
const REPLACEABLE_IN_PROC = new Set(
  [
    'cpuinfo',
    'diskstats',
    'meminfo',
    'stat',
    'swaps',
    'uptime',
    'loadavg',
    'slabinfo',
    'net/dev',
  ].map((name) => `/proc/${name}`),
)
  .add('/proc/sys/kernel/ns_last_pid')
  .add('/proc/sys/crypto/fips_enabled');

export interface PlannedMounts {
  /** In the stage: sources that the container's user namespace may not reach. */
  readonly sources: readonly Operation[];
  readonly mounts: readonly Operation[];
  /** Once the devices are made: what was asked to be read-only. */
  readonly finish: readonly Operation[];
  /** Whether the host's /dev, or another whole one, is mounted on /dev: nothing is made in it then. */
  readonly devIsBound: boolean;
}

/** config.md, "Mounts": in the listed order. */
export function planMounts(request: PlanRequest, namespaces: Namespaces): PlannedMounts {
  const planner = new MountPlanner(request, namespaces);
  for (const [index, mount] of (request.spec.mounts ?? []).entries()) planner.add(mount, index);
  return planner;
}

class MountPlanner implements PlannedMounts {
  readonly sources: Operation[] = [];
  readonly mounts: Operation[] = [];
  readonly finish: Operation[] = [];
  devIsBound = false;
  readonly #request: PlanRequest;
  readonly #namespaces: Namespaces;

  constructor(request: PlanRequest, namespaces: Namespaces) {
    this.#request = request;
    this.#namespaces = namespaces;
  }

  add(mount: Mount, index: number): void {
    const target = posix.normalize(`/${mount.destination}`).replace(/(?<=.)\/$/, '');
    const options = parseMountOptions(mount.options ?? []);
    checkProc(target, mount, options, index);
    if (options.remount) this.#remount(target, options, index);
    else if (options.bind !== 'no' || mount.type === 'bind')
      this.#bind(target, mount, options, index);
    else if (mount.type === 'cgroup') this.#cgroup(target, options, index);
    else this.#fileSystem(target, mount, options, index);
  }

  #fileSystem(target: string, mount: Mount, options: ParsedOptions, index: number): void {
    if (!mount.type)
      throw invalid(index, 'type', 'is needed, unless the options have bind or rbind');
    // A tmpfs is filled first: with directories for further mounts, /dev with devices.
    const late =
      (options.set & MOUNT_ATTR.rdonly) !== 0n && (mount.type === 'tmpfs' || target === '/dev');
    if (late) this.finish.push(readonlyMount(target));
    this.mounts.push({
      op: 'mount',
      target,
      type: mount.type,
      source: mount.source || mount.type,
      options: [...withoutNoiversion(options.superblock), ...options.data],
      noSymlinks: mount.type === 'proc' || mount.type === 'sysfs',
      set: late ? options.set & ~MOUNT_ATTR.rdonly : options.set,
      // A new mount has nothing to clear.
      clear: 0n,
      recursiveSet: options.recursiveSet,
      recursiveClear: options.recursiveClear,
      propagation: options.propagation,
    });
  }

  #bind(target: string, mount: Mount, options: ParsedOptions, index: number): void {
    if (!mount.source) throw invalid(index, 'source', 'is needed for a bind mount');
    refuseFileSystemOptions(options, index, 'a bind mount');
    if (target === '/dev') this.devIsBound = true;
    const source = posix.resolve(this.#request.bundle, mount.source);
    const recursive = options.bind === 'tree';
    const slot = this.openSource(source, recursive);
    // The copy is a peer of the host's mount when the host's propagation reached it; without a word
    // about propagation the host's mounts may come in and nothing may go out.
    const byDefault = options.propagation.length === 0 ? [MS_SLAVE | MS_REC] : [];
    this.mounts.push({
      op: 'bindMount',
      target,
      source,
      slot,
      recursive,
      noSymlinks: false,
      ...attributesOf(options),
      propagation: [...byDefault, ...options.propagation],
    });
  }

  /** A source that only the runtime's privileges reach is opened by the stage; 0 where init can do it. */
  openSource(source: string, recursive: boolean): number {
    if (!this.#request.host.privileged || !this.#namespaces.has('user')) return 0;
    const slot = this.sources.length + 1;
    this.sources.push({ op: 'openSource', slot, source, recursive });
    return slot;
  }

  #cgroup(target: string, options: ParsedOptions, index: number): void {
    if (options.data.length > 0) refuseData(options.data, index, 'a cgroup mount');
    const planned = planCgroupMount(
      this.#request,
      this.#cgroupNamespace(),
      target,
      options,
      (source) => this.openSource(source, true),
    );
    this.mounts.push(...planned.mounts);
    this.finish.push(...planned.finish);
  }

  #cgroupNamespace(): CgroupNamespace {
    if (this.#namespaces.joined.has('cgroup')) return 'joined';
    return this.#namespaces.created.has('cgroup') ? 'new' : 'none';
  }

  #remount(target: string, options: ParsedOptions, index: number): void {
    refuseFileSystemOptions(options, index, 'a remount');
    this.mounts.push({
      op: 'remount',
      target,
      ...attributesOf(options),
      propagation: options.propagation,
    });
  }
}

function attributesOf({ set, clear, recursiveSet, recursiveClear }: ParsedOptions) {
  return { set, clear, recursiveSet, recursiveClear };
}

/** A /proc that isn't one, or has something else over a part of it, would deceive every reader (CVE-2019-19921). */
function checkProc(target: string, mount: Mount, options: ParsedOptions, index: number): void {
  if (target === '/proc') {
    const bound = options.bind !== 'no' && mount.source === '/proc';
    if (mount.type === 'proc' || bound || options.remount) return;
    throw invalid(index, 'destination', 'only a proc file system may be mounted on /proc');
  }
  if (target.startsWith('/proc/') && !REPLACEABLE_IN_PROC.has(target) && !options.remount) {
    throw invalid(
      index,
      'destination',
      `"${target}" lies in /proc, where it would deceive the runtime and the container`,
    );
  }
}

/** A new file system doesn't count versions, and the kernel has no word for that: `noiversion` only takes `iversion` back. */
function withoutNoiversion(names: readonly string[]): string[] {
  const last = names.lastIndexOf('noiversion');
  return names.filter(
    (name, index) => name !== 'noiversion' && (name !== 'iversion' || index > last),
  );
}

function refuseFileSystemOptions(options: ParsedOptions, index: number, what: string): void {
  // `async`, `nomand` … only say what is so anyway.
  const effective = options.superblock.filter(
    (name) => !/^(async|nolazytime|nomand|noiversion)$/.test(name),
  );
  refuseData([...effective, ...options.data], index, what);
}

function refuseData(names: readonly string[], index: number, what: string): void {
  if (names.length === 0) return;
  throw invalid(
    index,
    'options',
    `"${names.join(',')}" belongs to a file system and means nothing to ${what}`,
  );
}

function invalid(index: number, property: string, reason: string): TsruncError {
  return new TsruncError(`config.json: mounts[${index}].${property}: ${reason}`, {
    code: 'INVALID_CONFIG',
    stage: 'config',
  });
}
