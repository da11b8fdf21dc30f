import { readFileSync, readlinkSync } from 'node:fs';
import type { NetworkInterfaceStats } from './stats.js';

/** proc_net(5), /proc/PID/net/dev of a container's process. */
export function networkInterfaces(pid: number): NetworkInterfaceStats[] {
  try {
    if (readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync('/proc/self/ns/net')) return [];
    return parseInterfaces(readFileSync(`/proc/${pid}/net/dev`, 'utf8'));
  } catch {
    // It has ended: nobody has the namespace any more.
    return [];
  }
}

/** Two lines of heads; then a name, eight numbers of what came and eight of what went. */
export function parseInterfaces(table: string): NetworkInterfaceStats[] {
  return table
    .trimEnd()
    .split('\n')
    .slice(2)
    .map((line) => {
      const colon = line.lastIndexOf(':');
      const numbers = line
        .slice(colon + 1)
        .trim()
        .split(/\s+/)
        .map(Number);
      const at = (index: number): number => numbers[index] ?? 0;
      return {
        Name: line.slice(0, colon).trim(),
        RxBytes: at(0),
        RxPackets: at(1),
        RxErrors: at(2),
        RxDropped: at(3),
        TxBytes: at(8),
        TxPackets: at(9),
        TxErrors: at(10),
        TxDropped: at(11),
      };
    });
}
