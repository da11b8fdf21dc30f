/** Which namespace a sysctl belongs to; whatever is in none is the host's. */

/**
 * The file below /proc/sys. sysctl(8)'s rule: the first separator decides. In `net.ipv4.conf.eth0/1.forwarding`
 * dots separate and a slash stands for a dot; in `net/ipv4/conf/eth0.1/forwarding` slashes do.
 */
export function sysctlPath(key: string): string {
  const separator = /[./]/.exec(key)?.[0];
  if (separator !== '.') return key;
  return key.replace(/[./]/g, (character) => (character === '.' ? '/' : '.'));
}

const owners: readonly (readonly [pattern: RegExp, namespace: SysctlNamespace])[] = [
  [/^net\//, 'network'],
  [/^fs\/mqueue\//, 'ipc'],
  [
    /^kernel\/(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced|auto_msgmni|msg_next_id|sem_next_id|shm_next_id)$/,
    'ipc',
  ],
  [/^kernel\/(hostname|domainname)$/, 'uts'],
  [/^user\//, 'user'],
];

export type SysctlNamespace = 'network' | 'ipc' | 'uts' | 'user';

/** The namespace of the sysctl with this path, or undefined when it is the host's. */
export function sysctlNamespace(path: string): SysctlNamespace | undefined {
  return owners.find(([pattern]) => pattern.test(path))?.[1];
}
