import { readdirSync, readlinkSync } from 'node:fs';

/**
 * How many descriptors this process has that the addon could have made. Files with a path are left
 * out: tsx writes its cache while tests run.
 */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').map(linkOf).filter(isNative).length;
}

/** readdir's own descriptor is gone by now. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '/';
  }
}

const isNative = (link: string): boolean => !link.startsWith('/') || link.startsWith('/memfd:');
