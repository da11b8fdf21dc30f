import { TsruncError } from '../errors.js';
import type { PlanRequest } from './request.js';

/** File systems that label their files themselves or not at all, or that others share: the kernel refuses a context. */
const UNLABELLED = new Set(['proc', 'sysfs', 'mqueue', 'cgroup', 'cgroup2']);

/** config-linux.md, "Mount Label": the SELinux label of all that is in a new file system. One of its options goes before. */
export function labelOptions(
  { spec }: PlanRequest,
  type: string,
  data: readonly string[],
): string[] {
  const label = spec.linux?.mountLabel;
  if (!label || UNLABELLED.has(type)) return [];
  return data.some((option) => /^(fs|def|root)?context=/.test(option)) ? [] : [`context=${label}`];
}

/** Refused as a whole: a label is a protection, and which mounts would have had it makes no difference. */
export function requireSelinux({ spec, host }: PlanRequest): void {
  if (!spec.linux?.mountLabel || host.selinux) return;
  throw new TsruncError(
    'config.json: linux.mountLabel: SELinux is not enabled on this host: leave the label out, or enable SELinux',
    { code: 'UNSUPPORTED', stage: 'config' },
  );
}
