/** What a container that is created and waits for its start holds. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Creates a container, looks at its first process and deletes it.
 *
 * @returns in KiB: what it has mapped (RSS), what of that is its own alone, and the memfds that it keeps alive.
 */
export function memoryOf(command, bundle, folder) {
  const id = 'bench-memory';
  const pidFile = join(folder, 'pid');
  const call = (...args) =>
    execFileSync(command[0], [...command.slice(1), ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  call('create', '--bundle', bundle, '--pid-file', pidFile, id);
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
    call('delete', '--force', id);
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
