import { posix } from 'node:path';
import { TsruncError } from '../errors.js';
import type { Mount } from '../spec/types.js';
import { type CgroupNamespace, planCgroupMount } from './cgroup-mount.js';
import { MOUNT_ATTR, MS_REC, MS_SLAVE } from './kernel.js';
import { idMapsOf } from './mount-id-maps.js';
import { labelOptions } from './mount-label.js';
import { type ParsedOptions, parseMountOptions, readonlyMount } from './mount-options.js';
import type { Namespaces } from './namespaces.js';
import type { Operation } from './operations.js';
import type { PlanRequest } from './request.js';
import type { Sources } from './sources.js';

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
  readonly mounts: readonly Operation[];
  /** Once the devices are made: what was asked to be read-only. */
  readonly finish: readonly Operation[];
  /** Whether the host's /dev, or another whole one, is mounted on /dev: nothing is made in it then. */
  readonly devIsBound: boolean;
}

/** config.md, "Mounts": in the listed order. What only the runtime's privileges reach is opened as one of `sources`. */
export function planMounts(
  request: PlanRequest,
  namespaces: Namespaces,
  sources: Sources,
): PlannedMounts {
  const planner = new MountPlanner(request, namespaces, sources);
  for (const [index, mount] of (request.spec.mounts ?? []).entries()) planner.add(mount, index);
  return planner;
}

class MountPlanner implements PlannedMounts {
  readonly mounts: Operation[] = [];
  readonly finish: Operation[] = [];
  devIsBound = false;
  readonly #request: PlanRequest;
  readonly #namespaces: Namespaces;
  readonly #sources: Sources;

  constructor(request: PlanRequest, namespaces: Namespaces, sources: Sources) {
    this.#request = request;
    this.#namespaces = namespaces;
    this.#sources = sources;
  }

  add(mount: Mount, index: number): void {
    const target = posix.normalize(`/${mount.destination}`).replace(/(?<=.)\/$/, '');
    const options = parseMountOptions(mount.options ?? []);
    checkProc(target, mount, options, index);
    checkCopyUp(mount, options, index);
    if (options.remount) this.#remount(target, mount, options, index);
    else if (options.bind !== 'no' || mount.type === 'bind')
      this.#bind(target, mount, options, index);
    else if (mount.type === 'cgroup') this.#cgroup(target, mount, options, index);
    else this.#fileSystem(target, mount, options, index);
  }

  #fileSystem(target: string, mount: Mount, options: ParsedOptions, index: number): void {
    if (!mount.type)
      throw invalid(index, 'type', 'is needed, unless the options have bind or rbind');
    // A tmpfs is filled first: with directories for further mounts, /dev with devices.
    const late =
      (options.set & MOUNT_ATTR.rdonly) !== 0n && (mount.type === 'tmpfs' || target === '/dev');
    if (late) this.finish.push(readonlyMount(target));
    const source = mount.source || mount.type;
    const all = [
      ...options.superblock,
      ...options.data,
      ...labelOptions(this.#request, mount.type, options.data),
    ];
    const idMaps = this.#idMaps(mount, options, index);
    if (idMaps !== undefined && options.flags !== 0)
      throw invalid(index, 'options', '"iversion" can\'t be had with a mapping of ids');
    const mapped = { idMaps, mapAll: options.idmap === 'tree' };
    const slot =
      idMaps === undefined ? 0 : this.#sources.fileSystem(mount.type, source, all, mapped);
    this.mounts.push({
      op: 'mount',
      target,
      type: mount.type,
      source,
      slot,
      options: slot === 0 ? all : [],
      flags: options.flags,
      noSymlinks: mount.type === 'proc' || mount.type === 'sysfs',
      // Others have a root of their own. What the options say counts.
      keepMode: mount.type === 'tmpfs' && !has(options.data, 'mode'),
      keepOwner: options.copyUp && !has(options.data, 'uid') && !has(options.data, 'gid'),
      copyUp: options.copyUp,
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
    const idMaps = this.#idMaps(mount, options, index);
    const slot =
      idMaps === undefined
        ? this.openSource(source, recursive)
        : this.#sources.tree(source, recursive, { idMaps, mapAll: options.idmap === 'tree' });
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
    return this.#sources.tree(source, recursive);
  }

  #idMaps(mount: Mount, options: ParsedOptions, index: number) {
    return idMapsOf(mount, options, index, this.#request, this.#namespaces);
  }

  #cgroup(target: string, mount: Mount, options: ParsedOptions, index: number): void {
    if (this.#idMaps(mount, options, index) !== undefined)
      throw invalid(index, 'options', "cgroups belong to the host: their ids can't be mapped");
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

  #remount(target: string, mount: Mount, options: ParsedOptions, index: number): void {
    if (this.#idMaps(mount, options, index) !== undefined)
      throw invalid(index, 'options', 'ids are mapped when a mount is made, not by a remount');
    // With `bind` it is of the mount only (mount(2), MS_REMOUNT | MS_BIND).
    if (options.bind !== 'no') refuseFileSystemOptions(options, index, 'a remount of a bind mount');
    else if (options.flags !== 0)
      throw invalid(index, 'options', '"iversion" is given to new file systems, not by a remount');
    this.mounts.push({
      op: 'remount',
      target,
      options: options.bind === 'no' ? [...options.superblock, ...options.data] : [],
      ...attributesOf(options),
      propagation: options.propagation,
    });
  }
}

/** Whether a file system's options name this one. */
function has(data: readonly string[], name: string): boolean {
  return data.some((option) => option.startsWith(`${name}=`));
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

function checkCopyUp({ type }: Mount, options: ParsedOptions, index: number): void {
  if (!options.copyUp || (type === 'tmpfs' && options.bind === 'no' && !options.remount)) return;
  throw invalid(index, 'options', '"tmpcopyup" is for a new tmpfs only');
}

function refuseFileSystemOptions(options: ParsedOptions, index: number, what: string): void {
  // `async`, `nomand` … only say what is so anyway.
  const effective = options.superblock.filter((name) => !/^(async|nolazytime|nomand)$/.test(name));
  const flags = options.flags === 0 ? [] : ['iversion'];
  refuseData([...effective, ...flags, ...options.data], index, what);
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
