/** bench/floor.c as a program, and what it needs. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Makes FOLDER/floor, or says why not. */
export function compileFloor(folder) {
  const program = join(folder, 'floor');
  const source = fileURLToPath(new URL('./floor.c', import.meta.url));
  try {
    execFileSync('cc', ['-O2', '-static', '-o', program, source], { stdio: 'pipe' });
  } catch (error) {
    const why = error.stderr?.toString().trim() || error.message;
    console.error(`The floor is left out: cc can't compile bench/floor.c (${why}).`);
    rmSync(program, { force: true });
  }
}

/** The floor makes no targets of mounts. */
export function makeTargets(folder) {
  for (const name of ['resolv.conf', 'hostname', 'hosts'])
    writeFileSync(join(folder, 'rootfs/etc', name), '');
}

/**
 * The command line of the floor, if there is one. Its filter is what the library has kept of the bundle's profile: so a
 * container of it comes before. ts/state/filter-cache.ts says what stands before the filter.
 */
export function floorCommand(folder, cgroup) {
  const program = join(folder, 'floor');
  if (!existsSync(program)) return undefined;
  const cache = join(folder, 'run/library/@seccomp');
  const [entry] = readdirSync(cache);
  const content = readFileSync(join(cache, entry));
  const filter = join(folder, 'filter');
  writeFileSync(filter, content.subarray(36 + content.readUInt32LE(32)));
  return [program, join(folder, 'rootfs'), `${cgroup}-floor`, filter];
}
