import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const isRoot = process.geteuid?.() === 0;
const read = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');
const apparmor = read('/sys/module/apparmor/parameters/enabled').startsWith('Y');
const selinux = existsSync('/sys/fs/selinux/enforce');
const attributes = '/proc/self/attr';

const profile =
  (name: string): Mutate =>
  (spec) => {
    spec.process.apparmorProfile = name;
  };
const label =
  (name: string): Mutate =>
  (spec) => {
    spec.process.selinuxLabel = name;
  };

const withAppArmor = skipUnless(isRoot && apparmor, 'root and AppArmor');
const withoutAppArmor = skipUnless(isRoot && !apparmor, 'root and a host without AppArmor');
const withSELinux = skipUnless(isRoot && selinux, 'root and SELinux');
const withoutSELinux = skipUnless(isRoot && !selinux, 'root and a host without SELinux');

withAppArmor(test)('the program runs under the AppArmor profile from its start on', () => {
  const name = `tsrunc-test-${process.pid}`;
  const input = `profile ${name} flags=(attach_disconnected) { file, capability, signal, }`;
  execFileSync('apparmor_parser', ['-Kr'], { input });
  try {
    const current = 'cat /proc/1/attr/apparmor/current';
    for (const noNewPrivileges of [true, false]) {
      const out = lab.inside(current, (spec, bundle) => {
        profile(name)(spec, bundle);
        Object.assign(spec.process, { noNewPrivileges, user: { uid: 1000, gid: 1000 } });
      });
      assert.is(out, `${name} (enforce)`);
    }
    assert.is(lab.inside(current, profile('unconfined')), 'unconfined');
  } finally {
    execFileSync('apparmor_parser', ['-R'], { input });
  }
});

withAppArmor(test)('an AppArmor profile confines the program, exec, and what they start', () => {
  const name = `tsrunc-test-confining-${process.pid}`;
  const input = `profile ${name} flags=(attach_disconnected) {
    file, capability, signal,
    deny /etc/passwd r,
    deny /tmp/** w,
  }`;
  execFileSync('apparmor_parser', ['-Kr'], { input });
  try {
    const script = 'cat /etc/passwd; sh -c "cat /etc/passwd"; echo > /tmp/x; cat /etc/group';
    const refusals = /^(cat: .*passwd.*Permission denied\n){2}.*\/tmp\/x: Permission denied\n$/;
    const bundle = lab.bundle((spec, folder) => {
      profile(name)(spec, folder);
      spec.process.args = ['sh', '-c', 'echo up; exec sleep 1000'];
      spec.mounts.push({ destination: '/tmp', type: 'tmpfs' });
    });
    const { id } = lab.start(bundle);
    const { stdout, stderr } = lab.tsrunc(['exec', id, 'sh', '-c', script]);
    assert.match(stderr, refusals);
    assert.match(stdout, /^root:x:0:/);
    const free = lab.ok(['exec', '--apparmor', 'unconfined', id, 'cat', '/etc/passwd']);
    assert.match(free, /^root:/);
    lab.ok(['delete', '--force', id]);
  } finally {
    execFileSync('apparmor_parser', ['-R'], { input });
  }
});

withAppArmor(test)('an AppArmor profile that is not loaded is said by create', () => {
  const bundle = lab.bundle(profile('no-such-profile'));
  assert.match(
    lab.fails(['create', '--bundle', bundle, lab.name()]),
    /"exec no-such-profile".*is such a profile loaded/,
  );
});

withSELinux(test)('an SELinux label that the policy does not know is said by create', () => {
  const bundle = lab.bundle(label('no:such:label:s0'));
  assert.match(
    lab.fails(['create', '--bundle', bundle, lab.name()]),
    /"no:such:label:s0".*does the loaded policy know/,
  );
});

withoutAppArmor(test)(
  'an AppArmor profile on a host without is refused before anything is made',
  () => {
    assert.is(
      lab.refuses(profile('docker-default')),
      'tsrunc run: config.json: process.apparmorProfile: cannot apply "docker-default": AppArmor is not enabled on this host: enable it, or remove the property',
    );
    assert.is(lab.inside('echo runs', profile('unconfined')), 'runs');
    assert.is(lab.inside('echo runs', profile('')), 'runs');
  },
);

withoutSELinux(test)(
  'an SELinux label on a host without is refused before anything is made',
  () => {
    assert.is(
      lab.refuses(label('a:b:c:s0')),
      'tsrunc run: config.json: process.selinuxLabel: cannot apply "a:b:c:s0": SELinux is not enabled on this host: enable it, or remove the property',
    );
    assert.is(lab.inside('echo runs', label('')), 'runs');
  },
);

/** A file system image whose own /proc would take every label, and what shows that it took none. */
const planted: Mutate = (spec, bundle) => {
  spec.mounts = [];
  spec.linux.maskedPaths = [];
  spec.linux.readonlyPaths = [];
  for (const file of ['apparmor/exec', 'apparmor/current', 'exec', 'keycreate']) {
    const path = join(bundle, 'rootfs', attributes, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
  }
};

// CVE-2019-16884, 2019-19921, 2023-28642, 2025-52881. A kernel without the module says that it was asked:
// on a host that pretends to have it the write ends in an error, where the planted files would have taken it.
withoutAppArmor(test)('an AppArmor profile is never written to a /proc of the image', () => {
  const bundle = lab.bundle(
    (spec, folder) => {
      planted(spec, folder);
      profile('confined')(spec, folder);
    },
    { rootfs: 'private' },
  );
  const parameters = '/sys/module/apparmor/parameters';
  const pretend = `mount -t tmpfs x /sys/module; mkdir -p ${parameters}; echo Y > ${parameters}/enabled`;
  const run = ['run', '--bundle', bundle, lab.name()];
  assert.throws(
    () => lab.withMounts(pretend, run),
    /label the process "exec confined": no such file or directory/,
  );
  assert.is(read(join(bundle, 'rootfs', attributes, 'apparmor/exec')), '');
  assert.is(read(join(bundle, 'rootfs', attributes, 'apparmor/current')), '');
});

withoutSELinux(test)('an SELinux label is never written to a /proc of the image', () => {
  const bundle = lab.bundle(
    (spec, folder) => {
      planted(spec, folder);
      label('a:b:c:s0')(spec, folder);
    },
    { rootfs: 'private' },
  );
  const pretend =
    'mount --rbind /sys/fs/cgroup /mnt; mount -t tmpfs x /sys/fs; mkdir /sys/fs/cgroup /sys/fs/selinux; mount --rbind /mnt /sys/fs/cgroup; echo 1 > /sys/fs/selinux/enforce';
  for (const options of [[], ['--no-new-keyring']]) {
    const run = ['run', ...options, '--bundle', bundle, lab.name()];
    assert.throws(
      () => lab.withMounts(pretend, run),
      /label the process "a:b:c:s0": invalid argument/,
    );
  }
  assert.is(read(join(bundle, 'rootfs', attributes, 'exec')), '');
  assert.is(read(join(bundle, 'rootfs', attributes, 'keycreate')), '');
});

lab.finish(test);
