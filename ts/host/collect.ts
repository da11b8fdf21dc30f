import { detectCgroupLayout } from '../cgroup/layout.js';
import { loadNative } from '../native/addon.js';
import type { Host } from './host.js';

let collected: Host | undefined;

/**
 * The facts about this machine: a handful of small files, read at the first call.
 *
 * @param proc the folder in /proc of the process whose own cgroup is meant
 */
export function collectHost(proc = '/proc/self'): Host {
  collected ??= collect();
  if (proc === '/proc/self') return collected;
  // Of the same credentials, but not of the same cgroup.
  const cgroup = detectCgroupLayout(undefined, `${proc}/cgroup`);
  return Object.create(collected, { cgroup: { value: cgroup, enumerable: true } });
}

function collect(): Host {
  const { readText } = loadNative();
  const uid = process.geteuid?.() ?? 0;
  return {
    uid,
    gid: process.getegid?.() ?? 0,
    privileged: uid === 0 && isIdentityMap(readText('/proc/self/uid_map')),
    capabilities: permittedCapabilities(readText('/proc/self/status')),
    lastCapability: Number(readText('/proc/sys/kernel/cap_last_cap')),
    cgroup: detectCgroupLayout(),
    arch: process.arch,
    // Few ask for these, so only they look.
    get kernel() {
      return parseRelease(loadNative().kernelRelease());
    },
    get apparmor() {
      return read('/sys/module/apparmor/parameters/enabled').startsWith('Y');
    },
    // The folder alone is there on any kernel that knows SELinux; the file only when it is on.
    get selinux() {
      return loadNative().exists('/sys/fs/selinux/enforce');
    },
  };
}

/** `6.1.0-18-amd64` → 6, 1. */
export function parseRelease(release: string): Host['kernel'] {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  return { major, minor };
}

/** Whether a uid_map is the initial user namespace's: every ID stands for itself. */
export function isIdentityMap(map: string): boolean {
  return /^\s*0\s+0\s+4294967295\s*$/.test(map);
}

/** The permitted set in the text of /proc/PID/status. */
export function permittedCapabilities(status: string): bigint {
  return BigInt(`0x${/^CapPrm:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
}

function read(path: string): string {
  try {
    return loadNative().readText(path);
  } catch {
    return '';
  }
}
