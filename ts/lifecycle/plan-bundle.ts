import type { Program } from '../plan/operations.js';
import { plan } from '../plan/plan.js';
import { loadBundle } from './bundle.js';
import { awaitedCgroup, cgroupOf } from './container-cgroup.js';
import type { Context } from './context.js';

/** The Program that `create` would carry out for this bundle, for a container named after `plan`. */
export async function planBundle(
  folder: string,
  { host, cgroups, native, store }: Context,
): Promise<Program> {
  const { path, spec, rootfs } = loadBundle(folder);
  const id = 'plan';
  const cgroup = await cgroupOf({ host, cgroups, native, warn: () => {} }, id, spec);
  // The caller's own: what a configuration is parsed to is shared with later calls.
  return structuredClone(
    plan({
      spec,
      host,
      id,
      bundle: path,
      rootfs,
      folder: store.path(id),
      ...(cgroup === undefined ? {} : { cgroup: cgroup.location }),
      ...awaitedCgroup(cgroup),
      joinFiles: cgroup?.joinFiles ?? [],
      noPivot: false,
      noNewKeyring: false,
      preserveFds: 0,
      listenFds: 0,
      awaitStart: true,
    }),
  );
}
