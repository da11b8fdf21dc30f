/** Files that aren't what they seem: a null device, a devpts and a cgroup tree that the container can have made or changed. */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const test = suite('pseudo files');
const root = skipUnless(process.geteuid?.() === 0, 'root');
const lab = new Lab();

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

// CVE-2025-31133: what stands at /dev/null would be bound over the masked paths, and be writable there.
root(test)('a /dev/null that is a link to a file of the host masks nothing with that file', () => {
  const victim = join(lab.folder, 'victim');
  writeFileSync(victim, 'precious');
  const bundle = lab.bundle((spec, folder) => {
    sharedDev((dev) => symlinkSync(victim, join(dev, 'null')))(spec, folder);
    spec.linux.maskedPaths = ['/proc/kcore', '/proc/timer_list', '/etc/passwd'];
    spec.process.args = [
      'sh',
      '-c',
      'cat /etc/passwd; echo broken > /etc/passwd; stat -c %t:%T /etc/passwd',
    ];
  });
  const { code, stdout, stderr } = lab.tsrunc(['run', '--bundle', bundle, lab.name()]);
  if (code === 0) assert.is(stdout, '1:3\n');
  else assert.match(stderr, /^tsrunc run: [^\n]+\n$/);
  assert.is(readFileSync(victim, 'utf8'), 'precious');
});

root(test)('a /dev/null that is another device masks nothing with that device', () => {
  const bundle = lab.bundle((spec) => {
    spec.linux.devices = [{ type: 'c', path: '/dev/null', major: 1, minor: 5, fileMode: 0o666 }];
    spec.linux.maskedPaths = ['/etc/passwd'];
    spec.process.args = ['sh', '-c', 'head -c 1 /etc/passwd | wc -c'];
  });
  const { code, stdout, stderr } = lab.tsrunc(['run', '--bundle', bundle, lab.name()]);
  if (code === 0) assert.is(stdout, '0\n');
  else assert.match(stderr, /^tsrunc run: [^\n]+\n$/);
});

// CVE-2025-52565: the terminal would be bound from a path that the container's neighbour has replaced meanwhile.
root(test)('a /dev/pts that is a folder with planted files gives no terminal', () => {
  const victim = join(lab.folder, 'victim-of-console');
  writeFileSync(victim, 'precious');
  const bundle = lab.bundle((spec, folder) => {
    sharedDev((dev) => {
      for (const name of ['0', '1', '2', 'ptmx']) symlinkSync(victim, join(dev, 'pts', name));
      symlinkSync('pts/ptmx', join(dev, 'ptmx'));
      symlinkSync(victim, join(dev, 'console'));
    })(spec, folder);
    spec.process.terminal = true;
    spec.process.args = ['sh', '-c', 'echo broken > /dev/console'];
  });
  // Without a socket, in the foreground: the terminal would be the caller's.
  assert.match(lab.fails(['run', '--bundle', bundle, lab.name()]), /pts|ptmx|terminal/);
  assert.is(readFileSync(victim, 'utf8'), 'precious');
});

// CVE-2023-25809, and what any root in a container without a cgroup namespace could do.
for (const namespace of [true, false]) {
  root(test)(
    `the host's cgroups can't be written ${namespace ? 'with' : 'without'} a cgroup namespace`,
    () => {
      const script = `
        for each in $(find /sys/fs/cgroup -name release_agent -o -name notify_on_release -o -name cgroup.procs 2>/dev/null); do
          (echo 0 > $each) 2>/dev/null && echo "$each was written"
        done
        mkdir /sys/fs/cgroup/*/new 2>/dev/null && echo made
        echo end`;
      const out = lab.inside(script, (spec) => {
        if (namespace) return;
        spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'cgroup');
      });
      assert.is(out, 'end');
    },
  );
}

// CVE-2026-30892: a lenient parser made another user, root even, of what was asked for.
root(test)('a user that is not wholly a number is nobody', () => {
  const { id } = lab.start(
    lab.bundle((spec) => void (spec.process.args = ['sh', '-c', 'echo up; exec sleep 1000'])),
  );
  const users = [
    '1000x',
    '0x0',
    '1e3',
    ' 0',
    '+0',
    '-1',
    '4294967295',
    '4294967296',
    '1:',
    ':1',
    '1:2:3',
    '',
    '１',
  ];
  for (const user of users) {
    const { code, stdout } = lab.tsrunc(['exec', '--user', user, id, 'id', '-u']);
    assert.equal({ code, stdout }, { code: 255, stdout: '' }, user);
  }
  lab.ok(['delete', '--force', id]);
});

root(test)('names of containers and of cgroups lead nowhere else', () => {
  const bundle = lab.bundle();
  for (const id of [
    '.',
    '..',
    '../x',
    'a/b',
    '/x',
    '',
    'a b',
    'a\nb',
    '@seccomp',
    'ä',
    'a'.repeat(2000),
  ]) {
    const { code, stderr } = lab.tsrunc(['create', '--bundle', bundle, '--', id]);
    assert.is(code, 1, id);
    assert.match(stderr, /^tsrunc create: [^\n]+\n$/, id);
  }
  for (const path of ['..', '/..', '/a/../../b', 'a/../../../b'])
    lab.refuses((spec) => void (spec.linux.cgroupsPath = path));
});

lab.finish(test);
