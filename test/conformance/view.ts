/**
 * The suite's own view of the machine, the same for every runtime: namespaces in which mounts, host names,
 * network devices and processes of the tests are nobody else's and end with them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { hierarchies } from './host.js';

/** `v1`: the v1 hierarchies without the cgroup2 of a hybrid host; `v2`: cgroup2 alone; `host`: as it is. */
export type CgroupView = 'v1' | 'v2' | 'host';

/** What this host shows best: v1 without its cgroup2 where it is hybrid, since crun refuses such a host. */
export const defaultView = (): CgroupView =>
  hierarchies.has('memory') && hierarchies.has('unified') ? 'v1' : 'host';

function cgroupScript(view: CgroupView): string[] {
  if (view === 'host') return [];
  if (view === 'v2') return ['umount -R /sys/fs/cgroup', 'mount -t cgroup2 cgroup2 /sys/fs/cgroup'];
  const lines = ['mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup'];
  const targets = new Set(
    [...hierarchies].filter(([name]) => name !== 'unified').map(([, at]) => at),
  );
  for (const target of targets) {
    const names = [...hierarchies].filter(([, at]) => at === target).map(([name]) => name);
    const options = names.filter(
      (name) => !/^(rw|ro|xattr|release_agent=.*|clone_children)$/.test(name),
    );
    if (options.some((option) => option.startsWith('name='))) options.unshift('none');
    lines.push(`mkdir -p '${target}'`, `mount -t cgroup -o '${options.join()}' cgroup '${target}'`);
  }
  return lines;
}

/** Runs a command in the view; resolves with its status when it and all that it started are gone. */
export function runInView(command: readonly string[], view: CgroupView, env: NodeJS.ProcessEnv) {
  // The shell stays as the first process of the pid namespace: it reaps what runtimes leave to it.
  const script = [
    'set -e',
    ...cgroupScript(view),
    // A runtime that changes the owner of its /dev/null changes this one.
    'touch "$CONFORMANCE_FOLDER/null"; rm "$CONFORMANCE_FOLDER/null"',
    'mknod -m 666 "$CONFORMANCE_FOLDER/null" c 1 3',
    'mount --bind "$CONFORMANCE_FOLDER/null" /dev/null',
    'set +e; "$@"; exit $?',
  ];
  const namespaces = ['--mount', '--propagation', 'private', '--net', '--uts', '--ipc', '--pid'];
  const flags = [...namespaces, '--fork', '--kill-child', '--mount-proc'];
  const child = spawn('unshare', [...flags, 'sh', '-c', script.join('\n'), 'sh', ...command], {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const end = (): void => killFirst(child);
  for (const signal of signals) process.on(signal, end);
  return new Promise<number>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => {
      for (const signal of signals) process.off(signal, end);
      resolve(code ?? 1);
    });
  });
}

/** When the first process of a pid namespace has ended, all others have. */
function killFirst(child: ChildProcess): void {
  try {
    const first = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
    if (first !== '') process.kill(Number(first), 'SIGKILL');
  } catch {
    // It is gone.
  }
}

/** Removes the cgroups of a run, wherever a runtime has put them: their names begin with the run's. */
export function removeCgroups(name: string): void {
  for (const root of new Set(hierarchies.values())) search(root, name, 3);
}

function search(folder: string, name: string, depth: number): void {
  for (const entry of subfolders(folder)) {
    if (entry.includes(name)) remove(join(folder, entry));
    else if (depth > 1) search(join(folder, entry), name, depth - 1);
  }
}

function subfolders(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

function remove(folder: string): void {
  for (const entry of subfolders(folder)) remove(join(folder, entry));
  try {
    rmdirSync(folder);
  } catch (error) {
    console.error(`The cgroup ${folder} can't be removed: ${(error as Error).message}.`);
  }
}
