import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bind, tmpfs } from '../config.js';
import { hasSecurityModule } from '../host.js';
import { section } from '../rule.js';

const sysctl = section('config-linux.md#configLinuxSysctl', 'Sysctl');

for (const [name, value] of [
  ['net.ipv4.ip_forward', '1'],
  ['net.core.somaxconn', '256'],
  ['kernel.msgmax', '12345'],
  ['kernel.shm_rmid_forced', '1'],
  ['fs.mqueue.msg_max', '33'],
] as const) {
  sysctl.property(name, `${name} is set in the container`, async (t) => {
    const said = await t.inside(`cat /proc/sys/${name.replaceAll('.', '/')}`, (config) => {
      config.linux.sysctl = { [name]: value };
    });
    assert.equal(said, value);
  });
}

sysctl.property('host', 'the host’s own stays as it is', async (t) => {
  const before = readFileSync('/proc/sys/kernel/msgmax', 'utf8');
  await t.inside('true', (config) => {
    config.linux.sysctl = { 'kernel.msgmax': '4321' };
  });
  assert.equal(readFileSync('/proc/sys/kernel/msgmax', 'utf8'), before);
});

sysctl.property('unknown', 'a parameter that is not there is an error', async (t) => {
  await t.refuses((config) => {
    config.linux.sysctl = { 'net.ipv4.imaginary': '1' };
  });
});

sysctl.property('invalid', 'a value that the kernel refuses is an error', async (t) => {
  await t.refuses((config) => {
    config.linux.sysctl = { 'kernel.msgmax': 'many' };
  });
});

const masked = section('config-linux.md#configLinuxMaskedPaths', 'Masked paths');

masked.property('file', 'a masked file reads as nothing', async (t) => {
  const said = await t.inside('cat /data/file', (config, bundle) => {
    writeFileSync(join(bundle, 'rootfs/data/file'), 'secret');
    config.linux.maskedPaths = ['/data/file'];
  });
  assert.equal(said, '');
});

masked.property('directory', 'a masked directory is empty and can’t be written', async (t) => {
  const said = await t.inside(
    'ls /data; touch /data/x 2>/dev/null || echo refused',
    (config, bundle) => {
      writeFileSync(join(bundle, 'rootfs/data/file'), 'secret');
      config.linux.maskedPaths = ['/data'];
    },
  );
  assert.equal(said, 'refused');
});

masked.property('missing', 'a path that is not there is no error', async (t) => {
  await t.inside('true', (config) => {
    config.linux.maskedPaths = ['/proc/no-such-file'];
  });
});

masked.property('proc', 'it works in /proc', async (t) => {
  const said = await t.inside('cat /proc/version', (config) => {
    config.linux.maskedPaths = ['/proc/version'];
  });
  assert.equal(said, '');
});

masked.must('absolute', 'a relative path is an error', async (t) => {
  await t.refuses((config) => {
    config.linux.maskedPaths = ['proc/version'];
  });
});

const readonly = section('config-linux.md#configLinuxReadonlyPaths', 'Readonly paths');

readonly.property('file', 'a file can be read and not written', async (t) => {
  const said = await t.inside(
    'cat /data/file; echo x 2>/dev/null >/data/file || echo refused',
    (config, bundle) => {
      writeFileSync(join(bundle, 'rootfs/data/file'), 'text\n');
      config.linux.readonlyPaths = ['/data/file'];
    },
  );
  assert.equal(said, 'text\nrefused');
});

readonly.property('directory', 'a directory and all in it can’t be written', async (t) => {
  const script =
    'cat /data/in/file; touch /data/x /data/in/x 2>/dev/null || echo refused; ls /data/in';
  const said = await t.inside(script, (config, bundle) => {
    mkdirSync(join(bundle, 'rootfs/data/in'));
    writeFileSync(join(bundle, 'rootfs/data/in/file'), 'text\n');
    config.linux.readonlyPaths = ['/data'];
  });
  assert.equal(said, 'text\nrefused\nfile');
});

readonly.property('proc', 'it works in /proc', async (t) => {
  const said = await t.inside(
    'echo 1 2>/dev/null >/proc/sys/kernel/msgmax || echo refused',
    (config) => {
      config.linux.readonlyPaths = ['/proc/sys'];
    },
  );
  assert.equal(said, 'refused');
});

readonly.property('mount', 'it works on a mount, which keeps its other flags', async (t) => {
  const said = await t.inside('grep " /data " /proc/self/mountinfo | cut -d" " -f6', (config) => {
    config.mounts.push(tmpfs('/data', 'nosuid', 'nodev', 'noexec'));
    config.linux.readonlyPaths = ['/data'];
  });
  assert.match(said.split('\n').at(-1) ?? '', /^ro,nosuid,nodev,noexec/);
});

readonly.property('missing', 'a path that is not there is no error', async (t) => {
  await t.inside('true', (config) => {
    config.linux.readonlyPaths = ['/proc/no-such-file'];
  });
});

readonly.must('absolute', 'a relative path is an error', async (t) => {
  await t.refuses((config) => {
    config.linux.readonlyPaths = ['data'];
  });
});

readonly.property(
  'inside',
  'a link leads to a path of the container, not of the host',
  async (t) => {
    await t.inside('! touch /data/x 2>/dev/null', (config, bundle) => {
      symlinkSync('/data', join(bundle, 'rootfs/link'));
      config.linux.readonlyPaths = ['/link'];
    });
  },
);

const propagation = section(
  'config-linux.md#configLinuxRootfsMountPropagation',
  'Rootfs mount propagation',
);

/** The optional fields of the root's mount, `shared:1` …, in a container with this propagation. */
async function rootOf(t: import('../context.js').Context, value: string): Promise<string> {
  const said = await t.inside(
    'grep " / / \\| / [^ ]*rootfs / " /proc/self/mountinfo || cat /proc/self/mountinfo',
    (config) => {
      config.linux.rootfsPropagation = value;
    },
  );
  const line = said.split('\n').find((each) => each.split(' ')[4] === '/') ?? '';
  return line.split(' ').slice(6, line.split(' ').indexOf('-')).join(' ');
}

propagation.property('shared', 'shared: the root is in a peer group', async (t) => {
  assert.match(await rootOf(t, 'shared'), /^shared:\d+/);
});

propagation.property('slave', 'slave: mounts of the host come into the container', async (t) => {
  const place = t.mounted('place');
  const { execFileSync } = await import('node:child_process');
  execFileSync('mount', ['--make-shared', place]);
  mkdirSync(join(place, 'later'));
  const container = await t.start(
    'echo up; until grep -q late-mount /proc/self/mountinfo; do sleep 0.02; done; echo seen; sleep 1000',
    (config) => {
      config.linux.rootfsPropagation = 'slave';
      config.mounts.push({ ...bind(place, '/data'), options: ['rbind', 'rslave'] });
    },
  );
  execFileSync('mount', ['-t', 'tmpfs', 'late-mount', join(place, 'later')]);
  assert.equal(await container.line(), 'seen');
});

propagation.property('slave-out', 'slave: mounts of the container do not go out', async (t) => {
  const line = await rootOf(t, 'slave');
  assert.doesNotMatch(line, /shared:/);
});

propagation.property('private', 'private: nothing comes in or goes out', async (t) => {
  assert.equal(await rootOf(t, 'private'), '');
});

propagation.property('unbindable', 'unbindable: the root can’t be bound', async (t) => {
  assert.equal(await rootOf(t, 'unbindable'), 'unbindable');
});

propagation.must('unknown', 'an unknown value is an error', async (t) => {
  await t.refuses((config) => {
    config.linux.rootfsPropagation = 'sometimes';
  });
});

const personality = section('config-linux.md#configLinuxPersonality', 'Personality');

personality.property('LINUX', 'domain LINUX is accepted', async (t) => {
  const said = await t.inside('cat /proc/self/personality', (config) => {
    config.linux.personality = { domain: 'LINUX' };
  });
  assert.equal(said, '00000000');
});

personality.property('LINUX32', 'domain LINUX32 shows a 32-bit CPU', async (t) => {
  t.needs(process.arch === 'x64', 'x86_64');
  const said = await t.inside('uname -m; cat /proc/self/personality', (config) => {
    config.linux.personality = { domain: 'LINUX32' };
  });
  assert.equal(said, 'i686\n00000008');
});

personality.must('unknown', 'an unknown domain is an error', async (t) => {
  await t.refuses(
    (config) => {
      config.linux.personality = { domain: 'HPUX' };
    },
    (config) => {
      config.linux.personality = { domain: 'LINUX32' };
    },
  );
});

personality.must('flags', 'a flag is an error, as there are none', async (t) => {
  await t.refuses((config) => {
    config.linux.personality = { domain: 'LINUX', flags: ['ADDR_NO_RANDOMIZE'] };
  });
});

const lsm = section('config.md#configLinuxProcess', 'Linux security modules');

for (const [name, what] of [
  ['apparmorProfile', 'apparmor'],
  ['selinuxLabel', 'selinux'],
] as const) {
  lsm.must(`${name}-unsupported`, `${name} on a host without ${what} is an error`, async (t) => {
    t.needs(!hasSecurityModule(what), `a host without ${what}`);
    await t.refuses((config) => {
      config.process[name] = 'no-such-thing';
    });
  });
  lsm.must(`${name}-unknown`, `a ${name} that the kernel does not know is an error`, async (t) => {
    t.needs(hasSecurityModule(what), `a host with ${what}`);
    await t.refuses((config) => {
      config.process[name] = 'no-such-thing';
    });
  });
}

lsm.property('apparmorProfile', 'apparmorProfile is the process’s', async (t) => {
  t.needs(hasSecurityModule('apparmor'), 'a host with apparmor');
  const said = await t.inside('cat /proc/self/attr/current', (config) => {
    config.process.apparmorProfile = 'unconfined';
  });
  assert.match(said, /^unconfined/);
});

const label = section('config-linux.md#configLinuxMountLabel', 'Mount label');

label.must('unsupported', 'mountLabel on a host without SELinux is an error', async (t) => {
  t.needs(!hasSecurityModule('selinux'), 'a host without selinux');
  await t.refuses((config) => {
    config.linux.mountLabel = 'system_u:object_r:svirt_sandbox_file_t:s0:c715,c811';
  });
});

label.property('applied', 'mountLabel is the context of the container’s mounts', async (t) => {
  t.needs(hasSecurityModule('selinux'), 'a host with selinux');
  const context = 'system_u:object_r:svirt_sandbox_file_t:s0:c715,c811';
  const said = await t.inside('grep " /data " /proc/self/mountinfo', (config) => {
    config.linux.mountLabel = context;
    config.mounts.push(tmpfs('/data'));
  });
  assert.ok(said.includes(context));
});

export const sections = [sysctl, masked, readonly, propagation, personality, lsm, label];
