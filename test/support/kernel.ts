import { release } from 'node:os';

/** Whether the kernel is of that version or a later one. */
export function kernelIs(major: number, minor: number): boolean {
  const [ours = 0, of = 0] = release().split('.').map(Number.parseFloat);
  return ours > major || (ours === major && of >= minor);
}
