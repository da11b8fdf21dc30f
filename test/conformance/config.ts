/** The parts of config.json that rules change; everything else goes through the index signatures. */
export interface Mount {
  destination: string;
  type?: string;
  source?: string;
  options?: string[];
  [name: string]: unknown;
}

export interface Hook {
  path: string;
  args?: string[];
  env?: string[];
  timeout?: number;
}

export interface IdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

export interface Namespace {
  type: string;
  path?: string;
}

export interface Process {
  args: string[];
  cwd: string;
  env: string[];
  user: { uid: number; gid: number; umask?: number; additionalGids?: number[] };
  capabilities: Record<string, string[]>;
  [name: string]: unknown;
}

export interface Config {
  ociVersion: string;
  process: Process;
  root: { path: string; readonly?: boolean };
  mounts: Mount[];
  hooks: Record<string, Hook[]>;
  annotations: Record<string, string>;
  linux: {
    namespaces: Namespace[];
    cgroupsPath: string;
    resources: Record<string, unknown>;
    uidMappings?: IdMapping[];
    gidMappings?: IdMapping[];
    [name: string]: unknown;
  };
  [name: string]: unknown;
}

export type Mutate = (config: Config, bundle: string) => void;

/** What a root user's shell needs to look around, and nothing that this suite's caller may lack. */
const capabilities = ['CAP_KILL', 'CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_MKNOD'];

/** The configuration that each rule starts from. Version 1.0.2, so that older runtimes can be compared. */
export function baseConfig(): Config {
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ['true'],
      env: ['PATH=/bin'],
      cwd: '/',
      capabilities: {
        bounding: [...capabilities],
        effective: [...capabilities],
        permitted: [...capabilities],
      },
    },
    root: { path: 'rootfs' },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      {
        destination: '/dev',
        type: 'tmpfs',
        source: 'tmpfs',
        options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      },
      {
        destination: '/dev/pts',
        type: 'devpts',
        source: 'devpts',
        options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
      },
      {
        destination: '/dev/shm',
        type: 'tmpfs',
        source: 'shm',
        options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k'],
      },
      {
        destination: '/sys',
        type: 'sysfs',
        source: 'sysfs',
        options: ['nosuid', 'noexec', 'nodev', 'ro'],
      },
    ],
    hooks: {},
    annotations: {},
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount'].map((type) => ({ type })),
      cgroupsPath: '',
      resources: {},
    },
  };
}

/** A tmpfs at a place, with options of its own. */
export const tmpfs = (destination: string, ...options: string[]): Mount => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options,
});

/** A bind mount. */
export const bind = (source: string, destination: string, ...options: string[]): Mount => ({
  destination,
  type: 'none',
  source,
  options: ['bind', ...options],
});

/** Adds a user namespace whose root is the user `first` of the host. */
export function mapUsers(config: Config, first = 100_000, size = 65_536): void {
  const mapping = [{ containerID: 0, hostID: first, size }];
  config.linux.namespaces.push({ type: 'user' });
  config.linux.uidMappings = mapping;
  config.linux.gidMappings = mapping;
}

export const withoutNamespace = (config: Config, type: string): void => {
  config.linux.namespaces = config.linux.namespaces.filter((each) => each.type !== type);
};
