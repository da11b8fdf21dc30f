/** The benchmark's own view of the machine: pure cgroup v1, which all runtimes of these days accept. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/** The mounts of v1 hierarchies: where they are and their controllers. */
export function hierarchies() {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' - ').map((half) => half.split(' ')))
    .filter(([mount, fs]) => mount[4].startsWith('/sys/fs/cgroup') && fs[0].startsWith('cgroup'))
    .map(([mount, fs]) => ({
      target: mount[4],
      type: fs[0],
      controllers: fs[2]
        .split(',')
        .filter((option) => !/^(rw|ro|xattr|release_agent=.*|clone_children)$/.test(option)),
    }));
}

/**
 * The command line that runs another one in a mount namespace where /sys/fs/cgroup has the v1 hierarchies
 * alone, and in a pid namespace, with whose end everything in it is gone, zombies included. Nothing of the
 * host's mounts is changed. A host without v1 keeps its own view. `run` is a folder that becomes a tmpfs, as /run is.
 */
export function inView(command, run) {
  const v1 = hierarchies().filter(({ type }) => type === 'cgroup');
  const script = ['set -e', `mount -t tmpfs tmpfs '${run}'`];
  if (v1.length > 0) script.push('mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup');
  for (const { target, controllers } of v1) {
    const named = controllers.some((controller) => controller.startsWith('name='));
    const options = named ? ['none', ...controllers] : controllers;
    script.push(`mkdir '${target}'`, `mount -t cgroup -o '${options.join()}' cgroup '${target}'`);
  }
  script.push('exec "$@"');
  return [
    ...[
      'unshare',
      '--mount',
      '--propagation',
      'private',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
    ],
    ...['sh', '-c', script.join('\n'), 'sh', ...command],
  ];
}

/** Resolves when a command line of `inView` and everything that it has started are gone. Interrupted, it ends them. */
export function runToEnd([command, ...args], env) {
  // The measuring prints only what is missing or fails, on stderr: stdout is the result's.
  const child = spawn(command, args, { env, stdio: ['ignore', 2, 2] });
  const end = () => {
    // unshare(1) itself ignores signals. When the first process of its pid namespace has ended, all others have.
    const first = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
    if (first !== '') process.kill(Number(first), 'SIGKILL');
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, end);
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', () => {
      for (const signal of signals) process.off(signal, end);
      resolve();
    });
  });
}

/** Removes a cgroup and those in it from every hierarchy. */
export function removeCgroups(name) {
  for (const { target } of hierarchies()) {
    const folder = join(target, name);
    if (existsSync(folder)) remove(folder);
  }
}

function remove(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) remove(join(folder, entry.name));
  }
  try {
    rmdirSync(folder);
  } catch (error) {
    console.error(`The cgroup ${folder} can't be removed: ${error.message}.`);
  }
}
