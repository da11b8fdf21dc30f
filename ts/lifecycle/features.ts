import { mountOptionNames } from '../plan/mount-options.js';
import { supportedSeccomp } from '../plan/seccomp.js';
import { capabilities } from '../spec/capabilities.js';
import {
  hookKinds,
  memoryPolicyFlags,
  memoryPolicyModes,
  namespaceTypes,
  seccompFlags,
  seccompOperators,
} from '../spec/names.js';

/** The newest version of the runtime specification that config.json may name and that is known in full. */
export const specVersion = '1.3.0';

/** features.md: what a runtime says of itself. */
export interface Features {
  readonly ociVersionMin: string;
  readonly ociVersionMax: string;
  readonly hooks: readonly string[];
  readonly mountOptions: readonly string[];
  readonly linux: LinuxFeatures;
}

/** features-linux.md. */
export interface LinuxFeatures {
  readonly namespaces: readonly string[];
  readonly capabilities: readonly string[];
  readonly cgroup: Readonly<Record<'v1' | 'v2' | 'systemd' | 'systemdUser' | 'rdma', boolean>>;
  readonly seccomp: {
    readonly enabled: boolean;
    readonly actions: readonly string[];
    readonly operators: readonly string[];
    readonly archs: readonly string[];
    readonly knownFlags: readonly string[];
    readonly supportedFlags: readonly string[];
  };
  readonly apparmor: { readonly enabled: boolean };
  readonly selinux: { readonly enabled: boolean };
  readonly memoryPolicy: { readonly modes: readonly string[]; readonly flags: readonly string[] };
  readonly intelRdt: Readonly<Record<'enabled' | 'schemata' | 'monitoring', boolean>>;
  readonly netDevices: { readonly enabled: boolean };
  readonly mountExtensions: { readonly idmap: { readonly enabled: boolean } };
}

/**
 * features.md, "Features Document": what this version can do on a host that can. Every list
 * comes from the table that the code itself goes by.
 */
export function features(): Features {
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: specVersion,
    hooks: hookKinds,
    mountOptions: mountOptionNames().sort(),
    linux: {
      namespaces: namespaceTypes,
      capabilities,
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
      seccomp: {
        enabled: true,
        actions: [...supportedSeccomp.actions].sort(),
        operators: [...seccompOperators].sort(),
        archs: [...supportedSeccomp.architectures].sort(),
        knownFlags: [...seccompFlags].sort(),
        supportedFlags: [...supportedSeccomp.flags].sort(),
      },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      memoryPolicy: { modes: memoryPolicyModes, flags: memoryPolicyFlags },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      netDevices: { enabled: true },
      mountExtensions: { idmap: { enabled: true } },
    },
  };
}
