import type { Cgroup, CgroupLocation } from './cgroup.js';
import type { CgroupNative } from './signals.js';
import type { BusNative } from './systemd/bus.js';
import { SystemdCgroup } from './systemd/cgroup.js';
import { CgroupV1 } from './v1/cgroup.js';
import { CgroupV2 } from './v2/cgroup.js';

/** The cgroup at a location, whether it's there yet or not. Opening it does nothing. */
export function openCgroup(location: CgroupLocation, native: CgroupNative & BusNative): Cgroup {
  const cgroup =
    location.version === 'v2' ? new CgroupV2(location, native) : new CgroupV1(location, native);
  const { systemd } = location;
  return systemd === undefined ? cgroup : new SystemdCgroup(cgroup, systemd, native);
}
