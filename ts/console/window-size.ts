import type { Native, WindowSize } from '../native/native.js';

/** The size of whichever of the caller's stdio is a terminal that knows its own. */
export function callersWindowSize(native: Pick<Native, 'windowSize'>): WindowSize | undefined {
  for (const fd of [0, 1, 2]) {
    try {
      const size = native.windowSize(fd);
      if (size.width > 0 && size.height > 0) return size;
    } catch {
      // No terminal: the next one may be.
    }
  }
  return undefined;
}
