import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, withoutNamespace } from '../config.js';
import { section } from '../rule.js';

const version = section('config.md#configSpecificationVersion', 'Specification version');

version.must('required', 'ociVersion is required', async (t) => {
  await t.refuses((config) => Reflect.deleteProperty(config, 'ociVersion'));
});

version.must('semver', 'an ociVersion that is not SemVer is an error', async (t) => {
  await t.refuses((config) => {
    config.ociVersion = 'one';
  });
});

for (const each of ['1.0.0', '1.0.2', '1.1.0', '1.2.1', '1.3.0']) {
  version.property(`compatible-${each}`, `a configuration of version ${each} works`, async (t) => {
    await t.inside('true', (config) => {
      config.ociVersion = each;
    });
  });
}

version.property('major', 'a configuration of another major version is an error', async (t) => {
  await t.refuses((config) => {
    config.ociVersion = '2.0.0';
  });
});

const root = section('config.md#configRoot', 'Root');

root.must('required', 'root is required', async (t) => {
  await t.refuses((config) => Reflect.deleteProperty(config, 'root'));
});

root.property('relative', 'path can be relative to the bundle', async (t) => {
  assert.equal(await t.inside('echo here'), 'here');
});

root.property('absolute', 'path can be absolute', async (t) => {
  const container = await t.create((config, bundle) => {
    config.root.path = join(bundle, 'rootfs');
  });
  await container.start();
});

root.must('directory', 'a path where nothing is, is an error', async (t) => {
  await t.refuses((config) => {
    config.root.path = 'nowhere';
  });
});

root.must('directory-file', 'a path that is no directory is an error', async (t) => {
  await t.refuses((config, bundle) => {
    writeFileSync(join(bundle, 'file'), '');
    config.root.path = 'file';
  });
});

root.must('readonly', 'with readonly nothing can be written', async (t) => {
  const said = await t.inside('touch /file 2>&1 || touch /etc/file 2>&1 || true', (config) => {
    config.root.readonly = true;
  });
  assert.match(said, /file: Read-only file system\n.*Read-only file system$/);
});

root.property(
  'readonly-default',
  'without it the root can be written, and is the bundle’s',
  async (t) => {
    const container = await t.start('echo text >/file; echo done');
    await container.stopped();
    assert.equal(readFileSync(join(container.bundle, 'rootfs/file'), 'utf8'), 'text\n');
  },
);

const names = section('config.md#configHostname', 'Hostname');

names.property('hostname', 'hostname is what processes in the container see', async (t) => {
  const name = await t.inside('hostname', (config) => {
    config.hostname = 'mrsdalloway';
  });
  assert.equal(name, 'mrsdalloway');
});

names.property('runtime-namespace', 'the host keeps its own name', async (t) => {
  const before = execFileSync('hostname', { encoding: 'utf8' });
  await t.inside('true', (config) => {
    config.hostname = 'mrsdalloway';
  });
  assert.equal(execFileSync('hostname', { encoding: 'utf8' }), before);
});

names.property(
  'no-namespace',
  'without a UTS namespace the name stays the host’s, or it is an error',
  async (t) => {
    const before = execFileSync('hostname', { encoding: 'utf8' }).trim();
    const { code, stdout } = await t.run('hostname', (config) => withoutNamespace(config, 'uts'));
    assert.equal(code, 0);
    assert.equal(stdout.trim(), before);
  },
);

const domain = section('config.md#configDomainname', 'Domainname');

domain.property('domainname', 'domainname is what processes in the container see', async (t) => {
  const name = await t.inside('cat /proc/sys/kernel/domainname', (config) => {
    config.domainname = 'foobarbaz.test';
  });
  assert.equal(name, 'foobarbaz.test');
});

const annotations = section('config.md#configAnnotations', 'Annotations');

annotations.must('unknown', 'unknown keys are ignored', async (t) => {
  await t.inside('true', (config) => {
    config.annotations = { 'com.example.unknown': 'x', 'org.opencontainers.unknown': 'y' };
  });
});

annotations.mustNot('empty-key', 'a key that is an empty string is an error', async (t) => {
  await t.refuses((config) => {
    config.annotations = { '': 'value' };
  });
});

annotations.must('string-values', 'a value that is no string is an error', async (t) => {
  await t.refuses((config) => Object.assign(config.annotations, { 'com.example.key': 1 }));
});

annotations.must('map', 'annotations that are no map are an error', async (t) => {
  await t.refuses((config) => Object.assign(config, { annotations: ['com.example.key'] }));
});

annotations.may('empty', 'an empty map and an empty value are legal', async (t) => {
  await t.inside('true');
  await t.inside('true', (config) => {
    config.annotations = { 'com.example.key': '' };
  });
});

const platform = section(
  'config.md#configPlatformSpecificConfiguration',
  'Platform-specific configuration',
);

platform.property('linux', 'linux is optional: without it the container still runs', async (t) => {
  // Without a mount namespace of its own the root can't be changed for the container alone.
  const { timedOut, signal } = await t.run('true', (config) =>
    Reflect.deleteProperty(config, 'linux'),
  );
  assert.ok(!timedOut && signal === null);
});

const extensibility = section('config.md#configExtensibility', 'Extensibility');

for (const [name, place] of [
  ['top', 'at the top'],
  ['process', 'in process'],
  ['linux', 'in linux'],
  ['root', 'in root'],
] as const) {
  extensibility.must(`unknown-${name}`, `an unknown property ${place} is ignored`, async (t) => {
    await t.inside('true', (config) => {
      const target = name === 'top' ? config : (config[name] as object);
      Object.assign(target, { unknownToAll: { something: [1, 'two'] } });
    });
  });
}

extensibility.must(
  'unknown-entries',
  'unknown properties of mounts and namespaces are ignored',
  async (t) => {
    await t.inside('true', (config) => {
      for (const entry of [...config.mounts, ...config.linux.namespaces])
        Object.assign(entry, { unknownToAll: 1 });
    });
  },
);

const valid = section('config.md#valid-values', 'Valid values');

const wrong: Record<string, (config: Config) => unknown> = {
  'process.args as a string': (config) => Object.assign(config.process, { args: 'sh' }),
  'process.user.uid as a string': (config) => Object.assign(config.process.user, { uid: 'root' }),
  'process.user.uid below zero': (config) => Object.assign(config.process.user, { uid: -1 }),
  'mounts as an object': (config) => Object.assign(config, { mounts: {} }),
  'root.readonly as a string': (config) => Object.assign(config.root, { readonly: 'yes' }),
  'linux.namespaces as a string': (config) => Object.assign(config.linux, { namespaces: 'pid' }),
  'process.oomScoreAdj of 1001': (config) => Object.assign(config.process, { oomScoreAdj: 1001 }),
};
for (const [what, change] of Object.entries(wrong)) {
  valid.must(what.replaceAll(' ', '-'), `${what} is an error`, async (t) => {
    await t.refuses((config) => void change(config));
  });
}

valid.must('not-in-the-way', 'what is refused leaves the bundle as it was', async (t) => {
  const bundle = t.bundle((config) => {
    config.root.path = 'nowhere';
  });
  mkdirSync(join(bundle, 'kept'));
  await t.fails(['run', '--bundle', bundle, t.id()]);
  assert.ok(existsSync(join(bundle, 'kept')) && !existsSync(join(bundle, 'nowhere')));
});

export const sections = [version, root, names, domain, annotations, platform, extensibility, valid];
