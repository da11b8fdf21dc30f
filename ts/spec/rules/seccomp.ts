import type { Report } from '../schema.js';
import type { LinuxSeccomp, Spec } from '../types.js';

const withErrno = ['SCMP_ACT_ERRNO', 'SCMP_ACT_TRACE'];

/** config-linux.md, "Seccomp". */
export function checkSeccomp({ linux }: Spec, report: Report): void {
  const seccomp = linux?.seccomp;
  if (seccomp === undefined) return;
  const { defaultAction, defaultErrnoRet, syscalls = [], listenerPath, listenerMetadata } = seccomp;
  const path = 'linux.seccomp';
  if (defaultErrnoRet !== undefined && !withErrno.includes(defaultAction)) {
    report(`${path}.defaultErrnoRet`, `means nothing to ${defaultAction}`);
  }
  if (listenerMetadata && !listenerPath)
    report(`${path}.listenerMetadata`, 'must not be set without listenerPath');
  for (const [index, { names, action, errnoRet }] of syscalls.entries()) {
    const at = `${path}.syscalls[${index}]`;
    if (names.length === 0) report(`${at}.names`, 'must name at least one system call');
    if (errnoRet !== undefined && !withErrno.includes(action))
      report(`${at}.errnoRet`, `means nothing to ${action}`);
  }
  if (hasNotifications(seccomp) && !listenerPath)
    report(`${path}.listenerPath`, 'is required for SCMP_ACT_NOTIFY');
}

/** Whether somebody is to be asked about system calls; listenerPath is to be ignored otherwise. */
export function hasNotifications({ defaultAction, syscalls = [] }: LinuxSeccomp): boolean {
  return [defaultAction, ...syscalls.map(({ action }) => action)].includes('SCMP_ACT_NOTIFY');
}
