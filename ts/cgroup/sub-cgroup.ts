import { posix } from 'node:path';
import { TsruncError } from '../errors.js';
import type { CgroupLocation } from './cgroup.js';

/**
 * Where a process of a container goes that is to be in a cgroup below the container's: each of `paths` is
 * `PATH`, for all hierarchies, or `CONTROLLER[,CONTROLLER…]:PATH`, for theirs (cgroup v1).
 *
 * @throws TsruncError INVALID_ARGUMENT for a controller that isn't there, or a path that leads out of the container's cgroup
 */
export function subCgroup(location: CgroupLocation, paths: readonly string[]): CgroupLocation {
  const directories: Record<string, string> = { ...location.directories };
  for (const argument of paths) {
    const colon = argument.indexOf(':');
    const path = below(argument, argument.slice(colon + 1));
    const controllers = colon < 0 ? undefined : argument.slice(0, colon).split(',');
    const names =
      controllers === undefined
        ? Object.keys(directories)
        : controllers.map((controller) => hierarchyOf(location, controller, argument));
    for (const name of names) {
      directories[name] = posix.join(location.directories[name] as string, path);
    }
  }
  return { ...location, directories };
}

function below(argument: string, path: string): string {
  if (!path.split('/').includes('..') && !path.includes('\0')) return path;
  throw invalid(argument, "the path must stay in the container's cgroup");
}

function hierarchyOf(
  { version, directories }: CgroupLocation,
  controller: string,
  argument: string,
): string {
  if (version === 'v2')
    throw invalid(argument, 'cgroup v2 has one hierarchy: leave the controller out');
  const name = Object.keys(directories).find((key) => key.split(',').includes(controller));
  if (name !== undefined) return name;
  throw invalid(argument, `there is no cgroup hierarchy with the controller "${controller}"`);
}

function invalid(argument: string, why: string): TsruncError {
  return new TsruncError(`--cgroup ${argument}: ${why}`, {
    code: 'INVALID_ARGUMENT',
    stage: 'cgroup',
  });
}
