/** What a bundle's root file system and the tests themselves are made of: a static busybox, a static probe. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the rules' scripts call. */
const applets = [
  ...['cat', 'chmod', 'cut', 'dd', 'echo', 'env', 'false', 'grep', 'head', 'hostname', 'id', 'ip'],
  ...['ipcs', 'kill', 'ls', 'mkdir', 'mknod', 'mount', 'nproc', 'od', 'ps', 'pwd', 'readlink'],
  ...[
    'renice',
    'rm',
    'sed',
    'sh',
    'sleep',
    'sort',
    'stat',
    'stty',
    'sysctl',
    'tail',
    'test',
    'touch',
  ],
  ...['tr', 'true', 'tty', 'umount', 'uname', 'wc'],
];

export interface Tools {
  readonly busybox: string;
  /** probe.c, compiled; undefined without a C compiler. */
  readonly probe: string | undefined;
}

/** ELF's PT_INTERP names a dynamic loader; a static program has none. */
function isStatic(file: string): boolean {
  const elf = readFileSync(file);
  if (elf.toString('latin1', 0, 4) !== '\x7fELF') return false;
  const table = Number(elf.readBigUInt64LE(32));
  const [size, count] = [elf.readUInt16LE(54), elf.readUInt16LE(56)];
  return !Array.from({ length: count }, (_, i) => elf.readUInt32LE(table + i * size)).includes(3);
}

function findBusybox(): string {
  const folders = [...(process.env.PATH ?? '').split(':'), '/bin', '/usr/bin', '/usr/sbin'];
  for (const folder of folders) {
    for (const name of ['busybox', 'busybox.static', 'busybox-static']) {
      try {
        if (isStatic(join(folder, name))) return join(folder, name);
      } catch {
        // Not here.
      }
    }
  }
  throw new Error('There is no static busybox here (Debian: busybox-static).');
}

/** Puts busybox and the probe into `folder`, where each rule's root file system links them from. */
export function makeTools(folder: string): Tools {
  mkdirSync(folder, { recursive: true });
  const busybox = join(folder, 'busybox');
  copyFileSync(findBusybox(), busybox);
  chmodSync(busybox, 0o755);
  const probe = join(folder, 'probe');
  const source = fileURLToPath(new URL('./probe.c', import.meta.url));
  const compiled = spawnSync('cc', ['-O1', '-static', '-o', probe, source], { encoding: 'utf8' });
  if (compiled.status !== 0 && compiled.error === undefined)
    throw new Error(`cc can't compile probe.c: ${compiled.stderr}`);
  return {
    busybox,
    probe: compiled.status === 0 ? probe : undefined,
  };
}

/** A root file system of its own for one bundle: hard links, so that it costs next to nothing. */
export function makeRootfs(target: string, { busybox, probe }: Tools): void {
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp', 'data', 'root'])
    mkdirSync(join(target, name), { recursive: true });
  chmodSync(join(target, 'tmp'), 0o1777);
  linkSync(busybox, join(target, 'bin/busybox'));
  for (const name of applets) symlinkSync('busybox', join(target, 'bin', name));
  if (probe !== undefined) linkSync(probe, join(target, 'bin/probe'));
  writeFileSync(join(target, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(target, 'etc/group'), 'root:x:0:\n');
}
