/** What a container that is created and waits for its start holds. */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Creates a container, looks at its first process and deletes it.
 *
 * @param command the runtime with its global flags
 * @param call runs a command line to its end
 * @param folder where the bundle `sleep` is
 * @returns in KiB: what it has mapped (RSS), what of that is its own alone, and the memfds that it keeps alive.
 */
export function memoryOf(command, call, folder) {
  const id = 'bench-memory';
  const pidFile = join(folder, 'pid');
  call([...command, 'create', '--bundle', join(folder, 'sleep'), '--pid-file', pidFile, id]);
  try {
    const pid = readFileSync(pidFile, 'utf8');
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const field = (name) =>
      [...rollup.matchAll(new RegExp(`^${name}: *(\\d+) kB$`, 'gm'))].reduce(
        (sum, match) => sum + Number(match[1]),
        0,
      );
    return { rss: field('Rss'), own: field('Private_(?:Clean|Dirty)'), memfd: memfds(pid) };
  } finally {
    call([...command, 'delete', '--force', id]);
  }
}

/** The sizes of the memfds that a process runs from or has open, each counted once, in KiB. */
function memfds(pid) {
  const descriptors = readdirSync(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`);
  const sizes = new Map();
  for (const link of [`/proc/${pid}/exe`, ...descriptors]) {
    if (!readlinkSync(link).startsWith('/memfd:')) continue;
    const { ino, blocks } = statSync(link);
    sizes.set(ino, blocks / 2);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
