import assert from 'node:assert/strict';
import { chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bind, type Config, mapUsers, withoutNamespace } from '../config.js';
import type { Context } from '../context.js';
import { namespaceOf } from '../host.js';
import { section } from '../rule.js';

const namespaces = section('config-linux.md#configLinuxNamespaces', 'Namespaces');

/** The configuration's names and those of /proc/PID/ns. */
const types: Readonly<Record<string, string>> = {
  pid: 'pid',
  network: 'net',
  mount: 'mnt',
  ipc: 'ipc',
  uts: 'uts',
  user: 'user',
  cgroup: 'cgroup',
  time: 'time',
};

function add(config: Config, type: string, path?: string): void {
  if (type === 'user' && path === undefined) return mapUsers(config);
  withoutNamespace(config, type);
  config.linux.namespaces.push(path === undefined ? { type } : { type, path });
}

const own = (file: string): string => `readlink /proc/self/ns/${file}`;

for (const [type, file] of Object.entries(types)) {
  namespaces.should(`${type}/supported`, `the type ${type} is supported`, async (t) => {
    t.needs(existsSync(`/proc/self/ns/${file}`), `a kernel with ${type} namespaces`);
    await t.inside('true', (config) => add(config, type));
  });

  namespaces.must(`${type}/new`, `${type} without a path makes a new one`, async (t) => {
    t.needs(existsSync(`/proc/self/ns/${file}`), `a kernel with ${type} namespaces`);
    const said = await t.inside(own(file), (config) => add(config, type));
    assert.notEqual(said, namespaceOf('self', file));
  });

  // A mount namespace that is joined has the root that the runtime is to change.
  namespaces.must(`${type}/path`, `${type} with a path joins that one`, async (t) => {
    t.needs(existsSync(`/proc/self/ns/${file}`), `a kernel with ${type} namespaces`);
    const owner = await t.start('echo up; exec sleep 1000', (config) => add(config, type));
    const path = `/proc/${await owner.pid()}/ns/${file}`;
    const said = await t.inside(own(file), (config) => {
      if (type === 'mount') config.root.path = '/';
      add(config, type, path);
    });
    assert.equal(said, namespaceOf(await owner.pid(), file));
  });

  if (type === 'mount') continue;
  namespaces.must(
    `${type}/inherit`,
    `without ${type} the container has the runtime’s`,
    async (t) => {
      t.needs(existsSync(`/proc/self/ns/${file}`), `a kernel with ${type} namespaces`);
      const said = await t.inside(own(file), (config) => {
        withoutNamespace(config, type);
        // A sysfs belongs to a network namespace, which must then be the mounter's.
        if (type === 'network')
          config.mounts = config.mounts.filter((mount) => mount.type !== 'sysfs');
      });
      assert.equal(said, namespaceOf('self', file));
    },
  );
}

namespaces.must('path-absolute', 'a relative path is an error', async (t) => {
  await t.refuses((config) => add(config, 'ipc', 'proc/self/ns/ipc'));
});

namespaces.must('path-missing', 'a path where nothing is, is an error', async (t) => {
  await t.refuses((config) => add(config, 'ipc', '/no/such/namespace'));
});

namespaces.must('path-type', 'a path to a namespace of another type is an error', async (t) => {
  await t.refuses(
    (config) => add(config, 'ipc', '/proc/self/ns/uts'),
    (config) => add(config, 'ipc', '/proc/1/ns/ipc'),
  );
});

namespaces.must('path-file', 'a path to what is no namespace is an error', async (t) => {
  await t.refuses((config, bundle) => {
    writeFileSync(join(bundle, 'file'), '');
    add(config, 'ipc', join(bundle, 'file'));
  });
});

namespaces.must('duplicate', 'the same type twice is an error', async (t) => {
  await t.refuses((config) => {
    config.linux.namespaces.push({ type: 'ipc' });
  });
});

namespaces.must('unknown', 'an unknown type is an error', async (t) => {
  await t.refuses((config) => add(config, 'imaginary'));
});

namespaces.property('pid/isolated', 'only the container’s own processes are seen', async (t) => {
  assert.equal(await t.inside('echo /proc/[0-9]*'), '/proc/1');
});

namespaces.property('network/isolated', 'the network has nothing but lo', async (t) => {
  const said = await t.inside('grep : /proc/net/dev | cut -d: -f1 | tr -d " "');
  assert.deepEqual(
    said.split('\n').filter((name) => !/^(tunl|sit|gre|erspan|ip6)/.test(name)),
    ['lo'],
  );
});

namespaces.property(
  'mount/isolated',
  'mounts of the container are not seen on the host',
  async (t) => {
    const container = await t.start('echo up; exec sleep 1000', (config) => {
      config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'only-inside' });
    });
    assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), /only-inside/);
    assert.match(readFileSync(`/proc/${await container.pid()}/mountinfo`, 'utf8'), /only-inside/);
  },
);

namespaces.property(
  'cgroup/isolated',
  'the cgroups are seen from the container’s own',
  async (t) => {
    const said = await t.inside('cat /proc/self/cgroup', (config) => add(config, 'cgroup'));
    for (const line of said.split('\n')) assert.match(line, /:\/$/);
  },
);

const maps = section('config-linux.md#configLinuxUserNamespaceMappings', 'User namespace mappings');

const mappings = {
  uidMappings: [
    { containerID: 0, hostID: 100_000, size: 10 },
    { containerID: 10, hostID: 300_000, size: 5 },
  ],
  gidMappings: [{ containerID: 0, hostID: 200_000, size: 1000 }],
};

const withMaps = (config: Config): void => {
  config.linux.namespaces.push({ type: 'user' });
  Object.assign(config.linux, mappings);
};

for (const [name, file, expected] of [
  ['uidMappings', 'uid_map', '0 100000 10\n10 300000 5'],
  ['gidMappings', 'gid_map', '0 200000 1000'],
] as const) {
  maps.property(name, `${name} are the namespace’s ${file}`, async (t) => {
    const said = await t.inside(`sed "s/^ *//; s/  */ /g" /proc/self/${file}`, withMaps);
    assert.equal(said, expected);
  });
}

maps.property('process', 'a process has the ids on the host that the maps give it', async (t) => {
  const container = await t.start('echo up; exec sleep 1000', (config) => {
    withMaps(config);
    config.process.user = { uid: 11, gid: 12 };
  });
  const status = readFileSync(`/proc/${await container.pid()}/status`, 'utf8');
  assert.match(status, /^Uid:\t300001\t/m);
  assert.match(status, /^Gid:\t200012\t/m);
});

maps.shouldNot('ownership', 'the owners of files are not changed to make a mapping', async (t) => {
  const container = await t.create((config, bundle) => {
    withMaps(config);
    chownSync(join(bundle, 'rootfs/data'), 55, 66);
    writeFileSync(join(bundle, 'rootfs/etc/file'), '');
  });
  const { uid, gid } = statSync(join(container.bundle, 'rootfs/data'));
  assert.deepEqual([uid, gid], [55, 66]);
  assert.equal(statSync(join(container.bundle, 'rootfs/etc/file')).uid, process.geteuid?.());
});

maps.property('unmapped-user', 'a user that is not mapped is an error', async (t) => {
  await t.refuses((config) => {
    withMaps(config);
    config.process.user = { uid: 999, gid: 0 };
  }, withMaps);
});

const time = section('config-linux.md#configLinuxTimeOffset', 'Offset for time namespace');

/** By how many seconds a clock of the container is ahead of the host's; the reading itself takes a moment. */
async function ahead(t: Context, clock: 0 | 1, offsets: Record<string, object>): Promise<number> {
  t.probe();
  const said = await t.inside('probe clocks', (config) => {
    add(config, 'time');
    config.linux.timeOffsets = offsets;
  });
  const now = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  return Number(said.split(' ')[clock]) / 1e9 - now;
}

for (const [index, clock] of [
  [0, 'monotonic'],
  [1, 'boottime'],
] as const) {
  time.property(`${clock}/secs`, `secs of ${clock} are added`, async (t) => {
    const seconds = await ahead(t, index, { [clock]: { secs: 100_000 } });
    assert.ok(Math.abs(seconds - 100_000) < 5, String(seconds));
  });
  time.property(`${clock}/nanosecs`, `nanosecs of ${clock} are added`, async (t) => {
    const said = await t.inside('cat /proc/self/timens_offsets', (config) => {
      add(config, 'time');
      config.linux.timeOffsets = { [clock]: { secs: 7, nanosecs: 123_456_789 } };
    });
    assert.match(said, new RegExp(`${clock}\\s+7\\s+123456789`));
  });
}

time.property('unknown-clock', 'an unknown clock is an error', async (t) => {
  await t.refuses(
    (config) => {
      add(config, 'time');
      config.linux.timeOffsets = { sundial: { secs: 1 } };
    },
    (config) => {
      add(config, 'time');
      config.linux.timeOffsets = { boottime: { secs: 1 } };
    },
  );
});

const defaults = section('config-linux.md#configLinuxDefaultFilesystems', 'Default filesystems');

for (const [path, type] of [
  ['/proc', 'proc'],
  ['/sys', 'sysfs'],
  ['/dev/pts', 'devpts'],
  ['/dev/shm', 'tmpfs'],
] as const) {
  defaults.should(path, `${path} is a ${type}`, async (t) => {
    assert.equal(
      await t.inside(`grep " ${path} " /proc/self/mountinfo | sed "s/.* - //; s/ .*//"`),
      type,
    );
  });
}

const descriptors = section('runtime-linux.md#runtimeLinuxFileDescriptors', 'File descriptors');

descriptors.property('three', 'only standard input, output and error are open', async (t) => {
  // The shell opens the folder itself to list it.
  const said = await t.inside('', (config) => {
    config.process.args = ['ls', '/proc/self/fd'];
  });
  assert.equal(said, '0\n1\n2\n3');
});

const links = section('runtime-linux.md#runtimeLinuxDevSymbolicLinks', 'Dev symbolic links');

for (const [path, target] of [
  ['/dev/fd', '/proc/self/fd'],
  ['/dev/stdin', '/proc/self/fd/0'],
  ['/dev/stdout', '/proc/self/fd/1'],
  ['/dev/stderr', '/proc/self/fd/2'],
] as const) {
  links.must(path, `${path} leads to ${target}`, async (t) => {
    assert.equal(await t.inside(`readlink ${path}`), target);
  });
}

links.must('made-dev', 'they are made in a /dev of the bundle too', async (t) => {
  const said = await t.inside('readlink /dev/fd', (config, bundle) => {
    mkdirSync(join(bundle, 'dev'));
    config.mounts = config.mounts.filter(({ destination }) => !destination.startsWith('/dev'));
    config.mounts.push({ destination: '/dev', type: 'tmpfs', source: 'tmpfs' });
    config.mounts.push(bind(join(bundle, 'dev'), '/data'));
  });
  assert.equal(said, '/proc/self/fd');
});

export const sections = [defaults, namespaces, maps, time, descriptors, links];
