import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mapUsers } from '../config.js';
import { section } from '../rule.js';

const devices = section('config-linux.md#configLinuxDevices', 'Devices');

/** /dev/zero by another name. */
const zero = { path: '/dev/other-zero', type: 'c', major: 1, minor: 5 };

/** What stat says of a path in a container with one device. */
async function seen(
  t: import('../context.js').Context,
  device: object,
  format: string,
  path: string,
) {
  return t.inside(`stat -c '${format}' ${path}`, (config) => {
    config.linux.devices = [device];
  });
}

devices.must('available', 'a device of the list is there and works', async (t) => {
  const said = await t.inside(
    'dd if=/dev/other-zero bs=4 count=1 2>/dev/null | od -An -tx1',
    (config) => {
      config.linux.devices = [{ ...zero, fileMode: 0o666 }];
    },
  );
  assert.equal(said.trim(), '00 00 00 00');
});

for (const [type, expected] of [
  ['c', 'character special file 1:5'],
  ['u', 'character special file 1:5'],
  ['b', 'block special file 7:0'],
  ['p', 'fifo 0:0'],
] as const) {
  devices.property(
    `type-${type}`,
    `type ${type} makes a ${expected.replace(/ \d.*/, '')}`,
    async (t) => {
      const numbers =
        type === 'p' ? {} : type === 'b' ? { major: 7, minor: 0 } : { major: 1, minor: 5 };
      const said = await seen(t, { path: '/dev/x', type, ...numbers }, '%F %t:%T', '/dev/x');
      assert.equal(said, expected);
    },
  );
}

devices.may('path', 'a device may be anywhere', async (t) => {
  const said = await seen(t, { ...zero, path: '/new/folder/zero' }, '%t:%T', '/new/folder/zero');
  assert.equal(said, '1:5');
});

devices.property('fileMode', 'fileMode is the mode, whatever the umask', async (t) => {
  assert.equal(await seen(t, { ...zero, fileMode: 0o626 }, '%a', zero.path), '626');
});

devices.property('uid-gid', 'uid and gid are the owner', async (t) => {
  assert.equal(await seen(t, { ...zero, uid: 11, gid: 12 }, '%u:%g', zero.path), '11:12');
});

devices.property(
  'uid-gid-namespace',
  'uid and gid are those of the container’s user namespace',
  async (t) => {
    const fifo = { path: '/dev/x', type: 'p', uid: 11, gid: 12 };
    const said = await t.inside("stat -c '%u:%g' /dev/x", (config) => {
      mapUsers(config);
      config.linux.devices = [fifo];
    });
    assert.equal(said, '11:12');
  },
);

devices.must('user-namespace', 'a device is there in a user namespace too', async (t) => {
  const said = await t.inside("stat -c '%F %t:%T' /dev/zero /dev/x", (config) => {
    mapUsers(config);
    config.linux.devices = [{ path: '/dev/x', type: 'c', major: 1, minor: 5 }];
  });
  assert.equal(said, 'character special file 1:5\ncharacter special file 1:5');
});

devices.must('mismatch', 'a file at the path that is not the device is an error', async (t) => {
  await t.refuses((config, bundle) => {
    writeFileSync(join(bundle, 'rootfs/data/x'), '');
    config.linux.devices = [{ ...zero, path: '/data/x' }];
  });
});

devices.must('mismatch-device', 'another device at the path is an error', async (t) => {
  await t.refuses((config, bundle) => {
    execFileSync('mkfifo', [join(bundle, 'rootfs/data/x')]);
    config.linux.devices = [{ ...zero, path: '/data/x' }];
  });
});

for (const name of ['type', 'path', 'major', 'minor'] as const) {
  devices.must(`${name}-required`, `a device without ${name} is an error`, async (t) => {
    await t.refuses((config) => {
      const { [name]: _, ...device } = zero;
      config.linux.devices = [device];
    });
  });
}

devices.must('type-unknown', 'an unknown type is an error', async (t) => {
  await t.refuses((config) => {
    config.linux.devices = [{ ...zero, type: 'x' }];
  });
});

const defaults = section('config-linux.md#configLinuxDefaultDevices', 'Default devices');

for (const [name, numbers] of Object.entries({
  null: '1:3',
  zero: '1:5',
  full: '1:7',
  random: '1:8',
  urandom: '1:9',
  tty: '5:0',
})) {
  defaults.must(`/dev/${name}`, `/dev/${name} is supplied, for everybody`, async (t) => {
    const said = await t.inside(`stat -c '%F %t:%T %a' /dev/${name}`);
    assert.equal(said, `character special file ${numbers} 666`);
  });
}

defaults.must('/dev/ptmx', '/dev/ptmx is the container’s /dev/pts/ptmx', async (t) => {
  const said = await t.inside('stat -L -c "%t:%T %i" /dev/ptmx /dev/pts/ptmx');
  const [link, target] = said.split('\n');
  assert.equal(link, target);
});

defaults.must('usable', 'they can be used by a user without capabilities', async (t) => {
  const script =
    'echo x >/dev/null && dd if=/dev/zero bs=1 count=1 of=/dev/null 2>/dev/null && dd if=/dev/urandom bs=1 count=1 of=/dev/null 2>/dev/null && ! echo x >/dev/full';
  await t.inside(`(${script}) 2>/dev/null`, (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
    config.process.capabilities = {};
  });
});

defaults.mustNot('console', 'without a terminal there is no /dev/console', async (t) => {
  await t.inside('! test -e /dev/console');
});

export const sections = [devices, defaults];
