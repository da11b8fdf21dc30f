/** Whether a process that comes to the host is one that the host can stand in for. */
import { readFileSync, readlinkSync, statSync } from 'node:fs';

const namespaces = ['mnt', 'pid', 'user', 'cgroup', 'net', 'ipc', 'uts', 'time'];

/** What of /proc/PID/status decides what a process may do, and how the files are that it makes. */
const credentials = /^(Umask|Uid|Gid|CapPrm|CapEff|CapBnd|NoNewPrivs|Seccomp):.*$/gm;

/** All that must be the same, as text; undefined when the process can't be looked at. */
function worldOf(proc: string): string | undefined {
  try {
    const status = readFileSync(`${proc}/status`, 'utf8');
    const lines = [...(status.match(credentials) ?? [])];
    // To who overrides the rights of files they mean nothing, and a login has others than a service.
    const overrides = /^CapEff:.*[2367abef]$/m.test(status);
    if (!overrides) lines.push(/^Groups:.*$/m.exec(status)?.[0] ?? '');
    for (const name of namespaces) lines.push(readlinkSync(`${proc}/ns/${name}`));
    const { dev, ino } = statSync(`${proc}/root`, { bigint: true });
    return [...lines, `root ${dev}:${ino}`, labelOf(proc)].join('\n');
  } catch {
    return undefined;
  }
}

/** What a security module calls it; there may be none. */
function labelOf(proc: string): string {
  try {
    return readFileSync(`${proc}/attr/current`, 'utf8');
  } catch {
    return '';
  }
}

/** This process's own, which doesn't change. */
let own: string | undefined;

/** Whether process `pid` may do what this one may, and calls the same things by the same names. */
export function isOfSameWorld(pid: number): boolean {
  own ??= worldOf('/proc/self');
  return own !== undefined && own === worldOf(`/proc/${pid}`);
}
