import type { LinuxHugepageLimit } from '../spec/types.js';
import type { Limit } from './limits.js';

/**
 * config-linux.md, "Huge page limits". The limit is for reservations, where Linux 5.7 and later refuse the mmap;
 * older ones have only that on use, where the process gets SIGBUS. Nothing is used that isn't reserved, so
 * the same number for both says no more, and those who look into the old file find it there.
 *
 * @param ending of the file's name: `limit_in_bytes` on cgroup v1, `max` on v2
 */
export function hugetlbLimits(
  limits: readonly LinuxHugepageLimit[],
  ending: 'limit_in_bytes' | 'max',
): Limit[] {
  return limits.flatMap(({ pageSize, limit }, index) => {
    const name = `hugepageLimits[${index}]`;
    const prefix = `hugetlb.${nameOfSize(pageSize)}`;
    const value = String(limit);
    return [
      { name, file: `${prefix}.${ending}`, value },
      { name, file: `${prefix}.rsvd.${ending}`, value, optional: true },
    ];
  });
}

/** The kernel calls a size by the largest unit up to GB that it has one of (hugetlb_cgroup.c, mem_fmt): 1GB, 512KB. */
function nameOfSize(pageSize: string): string {
  const [, digits = '', unit = ''] = /^(\d+)([KMGT])B$/.exec(pageSize) ?? [];
  const kilobytes = BigInt(digits || 0) << (10n * BigInt('KMGT'.indexOf(unit)));
  if (kilobytes >= 1n << 20n) return `${kilobytes >> 20n}GB`;
  if (kilobytes >= 1n << 10n) return `${kilobytes >> 10n}MB`;
  return `${kilobytes}KB`;
}
