import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kernelIs } from '../../support/kernel.js';
import { bind, type Config, type Mount, mapUsers, tmpfs } from '../config.js';
import type { Context } from '../context.js';
import { parseMounts } from '../host.js';
import { section } from '../rule.js';

const mounts = section('config.md#configMounts', 'Mounts');

mounts.must('order', 'entries are mounted in the listed order', async (t) => {
  const listed = await t.inside('ls /data /data/inner', (config, bundle) => {
    const source = join(bundle, 'source');
    mkdirSync(join(source, 'inner'), { recursive: true });
    writeFileSync(join(source, 'below'), '');
    config.mounts.push(bind(source, '/data'), tmpfs('/data/inner'), bind(source, '/data/inner'));
  });
  assert.equal(listed, '/data:\nbelow\ninner\n\n/data/inner:\nbelow\ninner');
});

mounts.must('order-cover', 'a later entry covers an earlier one', async (t) => {
  const listed = await t.inside('ls /data', (config, bundle) => {
    mkdirSync(join(bundle, 'source'));
    writeFileSync(join(bundle, 'source/file'), '');
    config.mounts.push(bind(join(bundle, 'source'), '/data'), tmpfs('/data'));
  });
  assert.equal(listed, '');
});

mounts.must('destination-relative', 'a relative destination is relative to /', async (t) => {
  const mount = await t.inside('grep " /data/x " /proc/self/mountinfo', (config) => {
    config.process.cwd = '/tmp';
    config.mounts.push(tmpfs('data/x'));
  });
  assert.match(mount, / - tmpfs /);
});

mounts.property('destination-made', 'a destination that is not there is made', async (t) => {
  const mount = await t.inside('grep " /new/one " /proc/self/mountinfo', (config) => {
    config.mounts.push(tmpfs('/new/one'));
  });
  assert.match(mount, / - tmpfs /);
});

mounts.property(
  'destination-inside',
  'a destination through a link stays inside the container',
  async (t) => {
    const outside = join(t.folder, 'outside');
    mkdirSync(outside);
    const content = await t.inside(`ls ${outside}`, (config, bundle) => {
      symlinkSync(outside, join(bundle, 'rootfs/link'));
      mkdirSync(join(bundle, 'source'));
      writeFileSync(join(bundle, 'source/file'), '');
      config.mounts.push(bind(join(bundle, 'source'), '/link'));
    });
    assert.equal(content, 'file');
    assert.ok(!existsSync(join(outside, 'file')));
  },
);

mounts.property(
  'source-relative',
  'the source of a bind mount can be relative to the bundle',
  async (t) => {
    const text = await t.inside('cat /data/file', (config, bundle) => {
      mkdirSync(join(bundle, 'source'));
      writeFileSync(join(bundle, 'source/file'), 'text');
      config.mounts.push(bind('source', '/data'));
    });
    assert.equal(text, 'text');
  },
);

mounts.property('source-file', 'a file can be the source of a bind mount', async (t) => {
  const text = await t.inside('cat /etc/bound', (config, bundle) => {
    writeFileSync(join(bundle, 'file'), 'text');
    config.mounts.push(bind(join(bundle, 'file'), '/etc/bound'));
  });
  assert.equal(text, 'text');
});

mounts.property('source-missing', 'a source that is not there is an error', async (t) => {
  await t.refuses((config) => {
    config.mounts.push(bind('/nowhere/at/all', '/data'));
  });
});

mounts.property('source', 'source is what the mount says it is', async (t) => {
  const line = await t.inside('grep " /data " /proc/self/mountinfo', (config) => {
    config.mounts.push({ ...tmpfs('/data'), source: 'a-dummy' });
  });
  assert.equal(parseMounts(line)[0]?.source, 'a-dummy');
});

mounts.property('source-optional', 'source is optional', async (t) => {
  const line = await t.inside('grep " /data " /proc/self/mountinfo', (config) => {
    config.mounts.push({ destination: '/data', type: 'tmpfs' });
  });
  assert.equal(parseMounts(line)[0]?.type, 'tmpfs');
});

mounts.property('destination-required', 'a mount without destination is an error', async (t) => {
  await t.refuses((config) => {
    const { destination: _, ...mount } = tmpfs('/data');
    config.mounts.push(mount as Mount);
  });
});

const posix = section('config.md#configPOSIXMounts', 'POSIX-platform mounts');

for (const type of ['proc', 'sysfs', 'tmpfs', 'devpts', 'mqueue', 'ramfs']) {
  posix.property(`type-${type}`, `a mount of type ${type} is one`, async (t) => {
    const line = await t.inside('grep " /data " /proc/self/mountinfo', (config) => {
      config.mounts.push({ destination: '/data', type, source: type });
    });
    assert.equal(parseMounts(line)[0]?.type, type);
  });
}

posix.property('type-unknown', 'a type that the kernel does not have is an error', async (t) => {
  await t.refuses((config) => {
    config.mounts.push({ destination: '/data', type: 'nosuchfs', source: 'none' });
  });
});

posix.property('type-optional', 'a bind mount needs no type, and any is a dummy', async (t) => {
  const text = await t.inside('cat /data/file /tmp/file', (config, bundle) => {
    mkdirSync(join(bundle, 'source'));
    writeFileSync(join(bundle, 'source/file'), 'text');
    const source = join(bundle, 'source');
    config.mounts.push({ destination: '/data', source, options: ['bind'] });
    config.mounts.push({ destination: '/tmp', type: 'tmpfs', source, options: ['bind'] });
  });
  assert.equal(text, 'texttext');
});

const mapping = [{ containerID: 0, hostID: 200_000, size: 1000 }];

/** A file of the host's root in a file system that can be mounted with another mapping. */
function mappable(t: Context): string {
  t.needs(kernelIs(6, 3), 'Linux 6.3, which can map the ids of a tmpfs');
  const source = t.mounted('mappable');
  mkdirSync(join(source, 'inner'));
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(source, 'inner')]);
  for (const file of ['file', 'inner/file']) {
    writeFileSync(join(source, file), '');
    chownSync(join(source, file), 5, 6);
  }
  return source;
}

const owners = 'stat -c %u:%g /data/file /data/inner/file';

posix.property(
  'uidMappings-gidMappings',
  'ids of the source are mapped: idmap, this mount alone',
  async (t) => {
    const source = mappable(t);
    const said = await t.inside(owners, (config) => {
      config.mounts.push({
        ...bind(source, '/data', 'rbind', 'idmap'),
        uidMappings: mapping,
        gidMappings: mapping,
      });
    });
    assert.equal(said, '200005:200006\n5:6');
  },
);

posix.property('ridmap', 'ridmap maps what is mounted below too', async (t) => {
  const source = mappable(t);
  const said = await t.inside(owners, (config) => {
    config.mounts.push({
      ...bind(source, '/data', 'rbind', 'ridmap'),
      uidMappings: mapping,
      gidMappings: mapping,
    });
  });
  assert.equal(said, '200005:200006\n200005:200006');
});

posix.must(
  'idmap-without-mapping',
  'idmap without mappings and user namespace is an error',
  async (t) => {
    const source = mappable(t);
    const mounted = (options: string[], extra: object) => (config: Config) => {
      config.mounts.push({ ...bind(source, '/data', ...options), ...extra });
    };
    await t.refuses(
      mounted(['idmap'], {}),
      mounted(['idmap'], { uidMappings: mapping, gidMappings: mapping }),
    );
  },
);

posix.must('mappings-together', 'uidMappings without gidMappings is an error', async (t) => {
  const source = mappable(t);
  await t.refuses(
    (config) => {
      config.mounts.push({ ...bind(source, '/data', 'idmap'), uidMappings: mapping });
    },
    (config) => {
      const both = { uidMappings: mapping, gidMappings: mapping };
      config.mounts.push({ ...bind(source, '/data', 'idmap'), ...both });
    },
  );
});

posix.must(
  'idmap-user-namespace',
  'mappings of the mount are used, not the user namespace’s',
  async (t) => {
    const source = mappable(t);
    const said = await t.inside(owners, (config) => {
      mapUsers(config);
      const own = [{ containerID: 0, hostID: 100_000, size: 1000 }];
      config.mounts.push({
        ...bind(source, '/data', 'rbind', 'ridmap'),
        uidMappings: own,
        gidMappings: own,
      });
    });
    assert.equal(said, '5:6\n5:6');
  },
);

export const sections = [mounts, posix];
