import { MS_PRIVATE, MS_REC, MS_SHARED, MS_SLAVE, MS_UNBINDABLE } from './kernel.js';
import type { Namespaces } from './namespaces.js';
import type { Operation } from './operations.js';
import type { PlanRequest } from './request.js';

const propagations: Readonly<Record<string, number>> = {
  shared: MS_SHARED,
  slave: MS_SLAVE,
  private: MS_PRIVATE,
  unbindable: MS_UNBINDABLE,
};

/** The flags of a name of `linux.rootfsPropagation`, the field's r-forms included. */
function flagsOf(name: string): number {
  const plain = propagations[name];
  return plain ?? (propagations[name.slice(1)] as number) | MS_REC;
}

/**
 * Takes the mounts apart from the host's and opens the root. By default the host's mounts still come in and
 * nothing goes out. `shared` keeps all as it is, since volumes may have to stay peers of the host's mounts;
 * the root itself becomes a peer group of its own (config-linux.md, "Rootfs Mount Propagation").
 */
export function openRoot({ spec }: PlanRequest, namespaces: Namespaces): Operation[] {
  if (!namespaces.created.has('mount')) {
    return [{ op: 'openRoot', mount: false, privateParent: false, propagation: MS_PRIVATE }];
  }
  const wanted = spec.linux?.rootfsPropagation;
  const shared = wanted === 'shared' || wanted === 'rshared';
  const receives = wanted === undefined || wanted === '' || wanted.endsWith('slave');
  const propagation = (receives ? MS_SLAVE : MS_PRIVATE) | MS_REC;
  const open: Operation = { op: 'openRoot', mount: true, privateParent: shared, propagation };
  return shared ? [open] : [{ op: 'setMountPropagation', flags: propagation }, open];
}

/** pivot_root, or what replaces it. A namespace that others live in too keeps its root: only ours is changed. */
export function changeRoot({ noPivot }: PlanRequest, namespaces: Namespaces): Operation {
  const method = !namespaces.created.has('mount') ? 'chroot' : noPivot ? 'move' : 'pivot';
  return { op: 'changeRoot', method };
}

/** The root's own propagation comes when all is mounted: what is unbindable can't be made read-only in parts any more. */
export function setRootPropagation({ spec }: PlanRequest, namespaces: Namespaces): Operation[] {
  const wanted = spec.linux?.rootfsPropagation;
  if (!wanted || !namespaces.created.has('mount')) return [];
  return [{ op: 'setRootPropagation', flags: flagsOf(wanted) }];
}
