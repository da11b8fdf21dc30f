import { posix } from 'node:path';
import { mayEnterCgroup } from '../cgroup/access.js';
import { openCgroup } from '../cgroup/open.js';
import { subCgroup } from '../cgroup/sub-cgroup.js';
import { placeBeside } from '../cgroup/tree.js';
import type { StoredState } from '../state/state.js';
import type { Context } from './context.js';

/** How another process gets into a container's cgroup. */
export interface CgroupEntry {
  /** As of `Cgroup`. */
  readonly joinFiles: readonly string[];
  /** A cgroup2 directory to be born in. */
  readonly birthplace?: string;
  /** Has systemd put a process there, which waits for it. */
  readonly attach?: (pid: number) => Promise<void>;
}

/**
 * @param asked cgroups below the container's, as of `subCgroup`; without them it is the one of the first process
 */
export function enterCgroup(
  { host, native }: Pick<Context, 'host' | 'native'>,
  stored: StoredState,
  asked: readonly string[],
): CgroupEntry {
  if (stored.cgroup === undefined) return { joinFiles: [] };
  const { joinFiles, birthplace } = openCgroup(subCgroup(stored.cgroup, asked), native);
  if (birthplace === undefined) return { joinFiles };
  const place = asked.length > 0 ? birthplace : placeBeside(birthplace, stored.init?.pid ?? 0);
  const { systemd, directories } = stored.cgroup;
  const outside = host.cgroup.version === 'v2' && !mayEnterCgroup(host.cgroup, place);
  if (systemd === undefined || !outside) return { joinFiles, birthplace: place };
  // A user's session is no part of what the user's own systemd has been given.
  const path = posix.join('/', posix.relative(directories['unified'] ?? place, place));
  const attach = async (pid: number): Promise<void> => {
    const { Manager } = await import('../cgroup/systemd/bus.js');
    await new Manager(native, systemd.user).attachProcess(systemd.unit, path, pid);
  };
  return { joinFiles, attach };
}
