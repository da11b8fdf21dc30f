import { TsruncError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { Process } from '../spec/types.js';
import type { Operation } from './operations.js';

/**
 * What the security modules are to make of the program: they take it at the exec. All of it is written through
 * the runtime's own procfs; a container's could be anything (CVE-2019-16884, 2019-19921, 2023-28642, 2025-52881).
 */

/** Throws UNSUPPORTED when the host has no such module: a container that should be confined must not run without. */
export function requireLabels({ apparmorProfile, selinuxLabel }: Process, host: Host): void {
  // Without AppArmor everything is.
  if (apparmorProfile && apparmorProfile !== 'unconfined' && !host.apparmor)
    throw missing('apparmorProfile', apparmorProfile, 'AppArmor');
  if (selinuxLabel && !host.selinux) throw missing('selinuxLabel', selinuxLabel, 'SELinux');
}

function missing(property: string, value: string, module: string): TsruncError {
  return new TsruncError(
    `config.json: process.${property}: cannot apply ${JSON.stringify(value)}: ${module} is not enabled on this host: enable it, or remove the property`,
    { code: 'UNSUPPORTED', stage: 'config' },
  );
}

/** The label of the session keyring that is made next: the program's, or it couldn't use it. The exec ends it. */
export function labelKeyring({ selinuxLabel }: Process): Operation[] {
  return selinuxLabel
    ? [{ op: 'writeAttribute', attribute: 'keycreate', value: selinuxLabel }]
    : [];
}

/**
 * The last of create, so that a profile that isn't loaded is said there. createContainer hooks are the host's
 * programs and have run; startContainer hooks are the container's and get the label too, as with runc.
 */
export function labelProgram({ apparmorProfile, selinuxLabel }: Process, host: Host): Operation[] {
  const operations: Operation[] = [];
  if (apparmorProfile && host.apparmor) {
    const value = `exec ${apparmorProfile}`;
    operations.push({ op: 'writeAttribute', attribute: 'apparmor/exec', value });
  }
  if (selinuxLabel) {
    operations.push({ op: 'writeAttribute', attribute: 'exec', value: selinuxLabel });
  }
  return operations;
}
