import type { Files, Limit } from '../limits.js';
import { requireController } from './controllers.js';

/**
 * config-linux.md, "Unified": files of cgroup v2 and what is written to them, known to us or not. The kernel takes
 * one line in a write (of io.max: one device).
 */
export function unifiedLimits(unified: Readonly<Record<string, string>>): Limit[] {
  return Object.entries(unified).flatMap(([file, content]) =>
    // An empty line empties those files that can be empty; a write of no bytes would do nothing.
    (content.trim() === '' ? ['\n'] : content.split('\n').filter((line) => line.trim() !== '')).map(
      (value) => ({ name: `unified[${JSON.stringify(file)}]`, file, value }),
    ),
  );
}

/**
 * Makes sure that the cgroup has the controllers of these files: what is before the first dot. A few files are there
 * without one (cgroup.max.depth, memory.pressure).
 *
 * @throws TsruncError UNSUPPORTED for a controller that isn't to be had
 */
export function requireControllers(
  directory: string,
  limits: readonly Limit[],
  { has }: Files,
): void {
  for (const { name, file } of limits) {
    if (!has(file) && !file.startsWith('cgroup.'))
      requireController(directory, file.split('.', 1)[0] ?? file, name);
  }
}
