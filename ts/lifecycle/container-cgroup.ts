import { mayMakeCgroup } from '../cgroup/access.js';
import type { Cgroup } from '../cgroup/cgroup.js';
import { locateCgroup } from '../cgroup/location.js';
import { openCgroup } from '../cgroup/open.js';
import { cgroupOwner } from '../cgroup/owner.js';
import { TsruncError } from '../errors.js';
import type { Host } from '../host/host.js';
import type { PlanRequest } from '../plan/request.js';
import type { Spec } from '../spec/types.js';
import { asksForSomething } from '../spec/unsupported.js';
import type { Undo } from '../undo.js';
import type { Context } from './context.js';

/** What of a Context this needs. */
type Asker = Pick<Context, 'host' | 'cgroups' | 'native' | 'warn'>;

/**
 * The cgroup of a container that is to be made, or undefined where it gets none; then it must not ask for
 * limits either: throws UNSUPPORTED.
 */
export async function cgroupOf(
  context: Asker,
  id: string,
  spec: Spec,
): Promise<Cgroup | undefined> {
  const { host, cgroups, native, warn } = context;
  if (cgroups === 'disabled') return withoutLimits(context, spec, '--cgroup-manager is disabled');
  if (host.cgroup.version === 'none') {
    return withoutLimits(context, spec, 'no cgroups are mounted on /sys/fs/cgroup');
  }
  if (cgroups === 'systemd') return scopeOf(context, id, spec);
  const location = locateCgroup(host.cgroup, id, spec.linux?.cgroupsPath);
  if (host.privileged || mayMakeCgroup(location)) return openCgroup(location, native);
  const why = 'this user may not make one (have a cgroup delegated to you)';
  warn(`the container gets no cgroup of its own: ${why}`);
  return withoutLimits(context, spec, why);
}

/** The system's systemd makes root's, everybody else's own one theirs: theirs is delegated to them. */
async function scopeOf({ host, native }: Asker, id: string, spec: Spec): Promise<Cgroup> {
  const user = !host.privileged;
  const { locateScope, scopeNames } = await import('../cgroup/systemd/unit.js');
  const { annotatedProperties } = await import('../cgroup/systemd/annotations.js');
  const { Manager } = await import('../cgroup/systemd/bus.js');
  const names = scopeNames(id, spec.linux?.cgroupsPath, user);
  annotatedProperties(spec.annotations ?? {});
  const base = await new Manager(native, user).controlGroup();
  return openCgroup(locateScope(host.cgroup, names, base, user), native);
}

/**
 * Who makes it while the first process already waits: not where that is born into it, since it's there before then; systemd,
 * which makes none without a process; else the caller, who gains that time.
 */
export function awaitedCgroup(cgroup: Cgroup | undefined): Pick<PlanRequest, 'awaitCgroup'> {
  if (cgroup?.begin !== undefined) return { awaitCgroup: 'systemd' };
  return cgroup === undefined || cgroup.birthplace !== undefined ? {} : { awaitCgroup: 'caller' };
}

/** Makes it and sets its limits, but for the one of pids, and gives it to who owns it. */
export async function setUpCgroup(
  cgroup: Cgroup,
  spec: Spec,
  { privileged }: Host,
  undo: Undo,
): Promise<void> {
  cgroup.create();
  undo.add('remove the cgroup', () => cgroup.remove());
  const { pids: _, ...others } = spec.linux?.resources ?? {};
  await cgroup.apply(others);
  const owner = cgroupOwner(spec);
  // Without privileges nobody's but the caller's own ids are mapped that could be given anything.
  if (owner !== undefined && privileged) cgroup.delegate(owner);
}

/** Refuses limits that would be lost. What an unprivileged user can't make anyway, devices, needs no rule. */
function withoutLimits({ host }: Asker, spec: Spec, why: string): undefined {
  const { devices, ...limits } = spec.linux?.resources ?? {};
  if (!asksForSomething(host.privileged ? { devices, ...limits } : limits)) return undefined;
  throw new TsruncError(
    `config.json: linux.resources: the limits can't be set without a cgroup: ${why}; leave them out, or provide one`,
    { code: 'UNSUPPORTED', stage: 'cgroup' },
  );
}
