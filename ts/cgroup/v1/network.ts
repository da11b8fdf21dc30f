import type { LinuxNetwork } from '../../spec/types.js';
import { isGiven, type Limit } from '../limits.js';

/** config-linux.md, "Network", `classID`: what tc(8) and iptables(8) know the container's packets by. */
export function netClsLimits({ classID }: LinuxNetwork): Limit[] {
  // 0 is what a packet without a class has.
  if (!isGiven(classID)) return [];
  return [{ name: 'network.classID', file: 'net_cls.classid', value: String(classID) }];
}

/** config-linux.md, "Network", `priorities`. The kernel takes one interface in a write, and 0 for a priority. */
export function netPrioLimits({ priorities }: LinuxNetwork): Limit[] {
  return (priorities ?? []).map(({ name, priority }, index) => ({
    name: `network.priorities[${index}]`,
    file: 'net_prio.ifpriomap',
    value: `${name} ${priority}`,
  }));
}
