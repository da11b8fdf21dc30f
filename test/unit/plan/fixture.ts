import type { CgroupHierarchy, CgroupLayout, CgroupLocation } from '../../../ts/cgroup/cgroup.js';
import type { Host } from '../../../ts/host/host.js';
import type { OperationName, Program } from '../../../ts/plan/operations.js';
import type { PlanRequest } from '../../../ts/plan/request.js';
import type { Linux, Process, Spec } from '../../../ts/spec/types.js';

function hierarchy(name: string, controllers = name.split(',')): CgroupHierarchy {
  return { name, controllers, mountpoint: `/sys/fs/cgroup/${name}`, own: '/' };
}

const v1 = [hierarchy('cpu,cpuacct'), hierarchy('memory'), hierarchy('systemd', ['name=systemd'])];

export const layouts = {
  none: { version: 'none' },
  v1: { version: 'v1', hierarchies: v1 },
  v2: {
    version: 'v2',
    mountpoint: '/sys/fs/cgroup',
    own: '/user.slice',
    controllers: ['cpu', 'memory', 'pids'],
  },
  hybrid: { version: 'hybrid', hierarchies: [...v1, hierarchy('unified', [])] },
} as const satisfies Record<string, CgroupLayout>;

/** Where a container's cgroup is on such a host, and what it joins by writing. */
const places: Record<keyof typeof layouts, Pick<PlanRequest, 'cgroup' | 'joinFiles'>> = {
  none: { joinFiles: [] },
  v1: place('v1', v1),
  v2: {
    cgroup: { version: 'v2', directories: { unified: '/sys/fs/cgroup/user.slice/c1' } },
    joinFiles: [],
  },
  hybrid: place('hybrid', [...v1, hierarchy('unified', [])]),
};

function place(version: CgroupLocation['version'], hierarchies: readonly CgroupHierarchy[]) {
  const directories = Object.fromEntries(
    hierarchies.map(({ name, mountpoint }) => [name, `${mountpoint}/c1`]),
  );
  return {
    cgroup: { version, directories },
    joinFiles: v1.map(({ name }) => `${directories[name]}/tasks`),
  };
}

/** Root of a machine with Linux 6.18. */
const root: Host = {
  kernel: { major: 6, minor: 18 },
  uid: 0,
  gid: 0,
  privileged: true,
  capabilities: 2n ** 41n - 1n,
  lastCapability: 40,
  cgroup: layouts.v1,
  arch: 'x64',
  apparmor: false,
  selinux: false,
};

export interface Surroundings extends Partial<Omit<PlanRequest, 'host' | 'spec'>> {
  readonly layout?: keyof typeof layouts;
  readonly host?: Partial<Host>;
}

/** What `create` would ask for, on a host that the test makes up. */
export function requestFor(spec: Spec, surroundings: Surroundings = {}): PlanRequest {
  const { layout = 'v1', host = {}, ...rest } = surroundings;
  return {
    spec,
    host: { ...root, cgroup: layouts[layout], ...host },
    id: 'c1',
    bundle: '/bundle',
    rootfs: '/bundle/rootfs',
    folder: '/run/tsrunc/c1',
    ...places[layout],
    noPivot: false,
    noNewKeyring: false,
    preserveFds: 0,
    listenFds: 0,
    awaitStart: true,
    ...rest,
  };
}

/** An ordinary user's host. */
export const ordinaryUser = {
  uid: 1000,
  gid: 1000,
  privileged: false,
  capabilities: 0n,
} as const satisfies Partial<Host>;

export interface SpecParts extends Omit<Partial<Spec>, 'linux' | 'process'> {
  readonly linux?: Linux;
  readonly process?: Partial<Process>;
}

/** The least that can be planned: `true` in a mount namespace. Properties given here replace whole ones. */
export function smallSpec({ linux, process, ...parts }: SpecParts = {}): Spec {
  return {
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    process: { cwd: '/', user: { uid: 0, gid: 0 }, args: ['true'], env: ['PATH=/bin'], ...process },
    linux: { namespaces: [{ type: 'mount' }], ...linux },
    ...parts,
  };
}

/** The names of a Program's operations, in order. */
export function namesOf({ stage, create, start }: Program): OperationName[] {
  return [...stage, ...create, ...start].map(({ op }) => op);
}
