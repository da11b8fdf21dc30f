import { posix } from 'node:path';
import type { CgroupHierarchy } from '../cgroup/cgroup.js';
import { TsruncError } from '../errors.js';
import { MOUNT_ATTR, MS_REC, MS_SLAVE } from './kernel.js';
import { type ParsedOptions, readonlyMount } from './mount-options.js';
import type { Operation } from './operations.js';
import type { PlanRequest } from './request.js';

/** Whether the container has a cgroup namespace, and of whose making. */
export type CgroupNamespace = 'none' | 'new' | 'joined';

/** The first open slot of a host directory, or 0 where init can open it itself. */
type OpenSource = (source: string) => number;

interface Planned {
  readonly mounts: readonly Operation[];
  readonly finish: readonly Operation[];
}

/**
 * A mount of type `cgroup`: the container's view of its own cgroups. With a cgroup namespace the file system
 * itself is mounted and the namespace hides all above; without one, only the container's own directory is
 * bound: the host's tree is never in reach (CVE-2023-25809). An ordinary user's container that gets no cgroup
 * is in its caller's own, which it sees read-only.
 */
export function planCgroupMount(
  request: PlanRequest,
  namespace: CgroupNamespace,
  target: string,
  options: ParsedOptions,
  openSource: OpenSource,
): Planned {
  const layout = request.host.cgroup;
  if (layout.version === 'none') {
    throw new TsruncError(
      'config.json: mounts: this host has no cgroups mounted on /sys/fs/cgroup to mount',
      {
        code: 'UNSUPPORTED',
        stage: 'config',
      },
    );
  }
  const builder = new CgroupMounts(request, namespace, options, openSource);
  if (layout.version === 'v2') return { mounts: [builder.unified(target, 'unified')], finish: [] };
  return builder.hierarchies(target, layout.hierarchies);
}

class CgroupMounts {
  readonly #request: PlanRequest;
  readonly #namespace: CgroupNamespace;
  readonly #options: ParsedOptions;
  readonly #openSource: OpenSource;

  constructor(
    request: PlanRequest,
    namespace: CgroupNamespace,
    options: ParsedOptions,
    openSource: OpenSource,
  ) {
    this.#request = request;
    this.#namespace = namespace;
    this.#options = options;
    this.#openSource = openSource;
  }

  unified(target: string, name: string): Operation {
    return this.#namespace === 'none'
      ? this.#bind(target, name)
      : this.#mount(target, 'cgroup2', []);
  }

  /** cgroup v1: a tmpfs with a directory for each hierarchy and links for controllers that share one. */
  hierarchies(target: string, hierarchies: readonly CgroupHierarchy[]): Planned {
    const mounts: Operation[] = [
      this.#mount(target, 'tmpfs', ['mode=755'], this.#options.set & ~MOUNT_ATTR.rdonly),
    ];
    for (const hierarchy of hierarchies) {
      const place = `${target}/${hierarchy.name}`;
      mounts.push(this.#hierarchy(place, hierarchy));
      if (hierarchy.controllers.length < 2) continue;
      for (const controller of hierarchy.controllers) {
        mounts.push({
          op: 'symlink',
          path: `${target}/${controller}`,
          text: hierarchy.name,
          replace: false,
        });
      }
    }
    const finish = this.#options.set & MOUNT_ATTR.rdonly;
    return { mounts, finish: finish === 0n ? [] : [readonlyMount(target)] };
  }

  #hierarchy(target: string, { name, controllers }: CgroupHierarchy): Operation {
    // What a new namespace shows is the container's own directory too, which is bound in half the time.
    const known = this.#request.cgroup?.directories[name] !== undefined;
    if (this.#namespace === 'none' || (this.#namespace === 'new' && known))
      return this.#bind(target, name);
    if (controllers.length === 0) return this.unified(target, name);
    const named = controllers.some((controller) => controller.startsWith('name='));
    return this.#mount(target, 'cgroup', named ? ['none', ...controllers] : [...controllers]);
  }

  #mount(
    target: string,
    type: string,
    options: readonly string[],
    set = this.#options.set,
  ): Operation {
    const { propagation } = this.#options;
    return {
      op: 'mount',
      target,
      type,
      source: 'cgroup',
      slot: 0,
      options,
      flags: 0,
      noSymlinks: false,
      keepMode: false,
      keepOwner: false,
      copyUp: false,
      set,
      clear: 0n,
      recursiveSet: 0n,
      recursiveClear: 0n,
      propagation,
    };
  }

  #bind(target: string, name: string): Operation {
    const own = this.#request.cgroup?.directories[name];
    const source = own ?? this.#callers(name);
    if (source === undefined) {
      throw new TsruncError(
        'config.json: mounts: a cgroup mount needs a cgroup of the container or a cgroup namespace: add {"type": "cgroup"} to linux.namespaces',
        { code: 'UNSUPPORTED', stage: 'config' },
      );
    }
    const set = this.#options.set | (own === undefined ? MOUNT_ATTR.rdonly : 0n);
    return {
      op: 'bindMount',
      target,
      source,
      slot: this.#openSource(source),
      recursive: true,
      noSymlinks: false,
      set,
      clear: this.#options.clear & ~set,
      recursiveSet: 0n,
      recursiveClear: 0n,
      // The host's cgroup mounts may be shared; nothing goes out to them.
      propagation: [MS_SLAVE | MS_REC, ...this.#options.propagation],
    };
  }

  /** The caller's own cgroup; undefined for one whom the kernel would let write to it. */
  #callers(name: string): string | undefined {
    const { cgroup: layout, privileged } = this.#request.host;
    if (privileged || layout.version === 'none') return undefined;
    if (layout.version === 'v2') return posix.join(layout.mountpoint, layout.own);
    const hierarchy = layout.hierarchies.find((each) => each.name === name);
    return hierarchy && posix.join(hierarchy.mountpoint, hierarchy.own);
  }
}
