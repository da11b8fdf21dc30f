import { TsruncError } from '../errors.js';
import { kernelRelease } from '../native/kernel-release.js';

export interface KernelVersion {
  readonly major: number;
  readonly minor: number;
}

/** `6.1.0-18-amd64` → 6, 1. Throws UNSUPPORTED for a release that doesn't begin so. */
export function parseRelease(release: string): KernelVersion {
  const match = /^(\d+)\.(\d+)/.exec(release);
  if (match === null) {
    throw new TsruncError(`can't tell the version of this kernel from its release "${release}"`, {
      code: 'UNSUPPORTED',
    });
  }
  return { major: Number(match[1]), minor: Number(match[2]) };
}

/** Throws UNSUPPORTED when the kernel is older than `major.minor`. */
export function requireKernel(major: number, minor: number, release = kernelRelease()): void {
  const kernel = parseRelease(release);
  if (kernel.major > major || (kernel.major === major && kernel.minor >= minor)) return;
  throw new TsruncError(
    `tsrunc needs Linux ${major}.${minor} or later, and this is ${release}: boot a newer kernel`,
    { code: 'UNSUPPORTED' },
  );
}
