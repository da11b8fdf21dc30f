/**
 * A world of its own for a command that runs daemons: its own mounts, processes, network and cgroups. What daemons
 * leave there ends with it, and nothing of the host's mounts, cgroups or /run is within their reach.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { hierarchies } from '../bench/view.mjs';

/** `hybrid` is the host's own kind of view; `v1` leaves cgroup2 out, for runtimes that refuse a mixture. */
export const views = ['hybrid', 'v1'];

/** What has to be written to a new cpuset cgroup before a process can join it. */
const cpuset = ['cpuset.cpus', 'cpuset.mems'];

/** Cgroups that daemons make for themselves beside those of containers, and leave. */
const daemonsOwn = new Set(['conmon', 'buildkit']);

const prefix = 'tsrunc-world-';

export class World {
  #name = `${prefix}${process.pid}-${World.#count++}`;
  #hierarchies;
  static #count = 0;

  constructor(view = 'hybrid') {
    const all = hierarchies();
    const v1 = all.filter(({ type }) => type === 'cgroup');
    for (const { target } of all) removeStale(target);
    // On a host with cgroup2 alone a process can't be above the controllers' users: the host's view stays.
    this.#hierarchies = v1.length === 0 ? [] : view === 'v1' ? v1 : all;
    for (const { target } of this.#hierarchies) {
      const folder = join(target, this.#name);
      mkdirSync(folder);
      for (const file of cpuset) {
        if (existsSync(join(folder, file)))
          writeFileSync(join(folder, file), readFileSync(join(target, file)));
      }
    }
  }

  /** The command line that runs another one in this world, with TSRUNC_WORLD in its environment. */
  enter(command) {
    const join = this.#hierarchies.map(
      ({ target }) => `echo $$ > '${target}/${this.#name}/cgroup.procs'`,
    );
    const flags = ['--mount', '--pid', '--net', '--fork', '--kill-child', '--mount-proc'];
    if (join.length > 0) flags.push('--cgroup');
    const unshare = `exec unshare ${flags.join(' ')} --propagation private sh -c "$0" sh "$@"`;
    return ['sh', '-ec', [...join, unshare].join('\n'), this.#mounts(), ...command];
  }

  #mounts() {
    const script = ['set -e'];
    // The host's view would stay visible in mountinfo below a new one, with roots above this world's.
    if (this.#hierarchies.length > 0)
      script.push('umount -R /sys/fs/cgroup', 'mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup');
    for (const { target, type, controllers } of this.#hierarchies) {
      const named = controllers.some((controller) => controller.startsWith('name='));
      const options = named ? ['none', ...controllers] : controllers;
      const o = type === 'cgroup' ? `-o '${options.join()}'` : '';
      script.push(`mkdir '${target}'`, `mount -t ${type} ${o} ${type} '${target}'`);
    }
    script.push(
      'mount -t tmpfs -o mode=755 tmpfs /run',
      // runc 1.1 gives its stdio, /dev/null of the host included, to the user of an exec.
      'mknod -m 666 /run/null c 1 3',
      'mount --bind /run/null /dev/null',
      'export TSRUNC_WORLD=1',
      'exec "$@"',
    );
    return script.join('\n');
  }

  /** Removes the cgroups, once everything in this world has ended. Returns those that containers have left, from their parents down. */
  remove() {
    const left = [];
    for (const { target } of this.#hierarchies) {
      // Parents of containers (docker, default, libpod_parent) are the daemons' affair; they leave them.
      removeTree(join(target, this.#name), (path, depth) => {
        if (depth > 1 && !daemonsOwn.has(basename(path))) left.push(path);
      });
    }
    return left;
  }
}

/** Removes the cgroups of worlds whose maker was killed: their processes ended with it. */
function removeStale(target) {
  for (const name of readdirSync(target)) {
    const [pid] = name.startsWith(prefix) ? name.slice(prefix.length).split('-') : [];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    try {
      removeTree(join(target, name), () => {});
    } catch {
      // Another call removes the same, or one of its processes is still about to end.
    }
  }
}

function removeTree(folder, found, depth = 0) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(folder, entry.name), found, depth + 1);
  }
  found(folder, depth);
  rmdirSync(folder);
}

/** Why there can't be a world here, or undefined. */
export function noWorld() {
  if (process.getuid() !== 0) return 'root';
  try {
    const world = new World();
    const [command, ...args] = world.enter(['true']);
    const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    world.remove();
    return status === 0 ? undefined : `namespaces, mounts and cgroups of its own: ${stderr.trim()}`;
  } catch (error) {
    return `cgroups of its own: ${error.message}`;
  }
}
