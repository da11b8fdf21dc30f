import assert from 'node:assert/strict';
import { kernelIs } from '../../support/kernel.js';
import { tmpfs } from '../config.js';
import type { Context } from '../context.js';
import { section } from '../rule.js';

const features = section('features.md#features', 'Features structure');

interface Features {
  readonly ociVersionMin: string;
  readonly ociVersionMax: string;
  readonly hooks?: readonly string[] | null;
  readonly mountOptions?: readonly string[] | null;
  readonly annotations?: Readonly<Record<string, string>> | null;
  readonly potentiallyUnsafeConfigAnnotations?: readonly string[] | null;
  readonly linux?: {
    readonly namespaces?: readonly string[] | null;
    readonly capabilities?: readonly string[] | null;
    readonly seccomp?: {
      readonly enabled?: boolean | null;
      readonly actions?: readonly string[] | null;
      readonly operators?: readonly string[] | null;
      readonly archs?: readonly string[] | null;
      readonly knownFlags?: readonly string[] | null;
      readonly supportedFlags?: readonly string[] | null;
    } | null;
    readonly memoryPolicy?: {
      readonly modes?: readonly string[];
      readonly flags?: readonly string[];
    } | null;
    readonly mountExtensions?: { readonly idmap?: { readonly enabled?: boolean } } | null;
    readonly netDevices?: { readonly enabled?: boolean } | null;
    readonly [name: string]: unknown;
  } | null;
  readonly [name: string]: unknown;
}

/** A runtime may provide it. */
async function of(t: Context): Promise<Features> {
  const { code, stdout } = await t.call(['features']);
  t.needs(code === 0, 'a runtime with the command `features`');
  return JSON.parse(stdout);
}

/** The elements, or a skip where the runtime doesn't list them. */
async function listed(t: Context, list: readonly string[] | null | undefined, what: string) {
  t.needs(list != null, `a runtime that lists ${what}`);
  return list ?? [];
}

const numbers = (version: string): number[] => version.replace(/-.*/, '').split('.').map(Number);

features.must('versions', 'ociVersionMin and ociVersionMax are there, and in order', async (t) => {
  const { ociVersionMin, ociVersionMax } = await of(t);
  const [low, high] = [numbers(ociVersionMin), numbers(ociVersionMax)];
  const different = low.findIndex((each, index) => each !== high[index]);
  assert.ok(different < 0 || (low[different] ?? 0) < (high[different] ?? 0));
});

for (const name of ['ociVersionMin', 'ociVersionMax'] as const) {
  features.must(name, `a configuration of ${name} is accepted`, async (t) => {
    const found = await of(t);
    await t.inside('true', (config) => {
      config.ociVersion = found[name];
    });
  });
}

features.mustNot(
  'unknown',
  'there is nothing that the specification does not define',
  async (t) => {
    const found = await of(t);
    const top = [
      'ociVersionMin',
      'ociVersionMax',
      'hooks',
      'mountOptions',
      'linux',
      'annotations',
      'potentiallyUnsafeConfigAnnotations',
    ];
    const linux = [
      'namespaces',
      'capabilities',
      'cgroup',
      'seccomp',
      'apparmor',
      'selinux',
      'memoryPolicy',
      'intelRdt',
      'mountExtensions',
      'netDevices',
    ];
    assert.deepEqual(
      Object.keys(found).filter((name) => !top.includes(name)),
      [],
    );
    assert.deepEqual(
      Object.keys(found.linux ?? {}).filter((name) => !linux.includes(name)),
      [],
    );
  },
);

features.must('hooks', 'each of hooks is one', async (t) => {
  const known = [
    'prestart',
    'createRuntime',
    'createContainer',
    'startContainer',
    'poststart',
    'poststop',
  ];
  for (const name of await listed(t, (await of(t)).hooks, 'hooks'))
    assert.ok(known.includes(name), name);
  await t.inside('true', (config) => {
    for (const name of known) config.hooks[name] = [{ path: '/bin/true' }];
  });
});

/** These change what the mount is, or want something else to be there. */
const special =
  /^(r?bind|remount|r?idmap|r?(shared|slave|private|unbindable)|(no)?acl|mand|copy-symlink|src-nofollow|dest-nofollow)$/;

features.must('mountOptions', 'each of mountOptions is recognized', async (t) => {
  const options = await listed(t, (await of(t)).mountOptions, 'mount options');
  const plain = options.filter((name) => !special.test(name));
  await t.inside('true', (config) => {
    config.mounts.push(...plain.map((name) => tmpfs(`/data/${name}`, name)));
  });
});

features.should(
  'mountOptions-complete',
  'mountOptions has all that MUST be implemented',
  async (t) => {
    const options = await listed(t, (await of(t)).mountOptions, 'mount options');
    const must =
      'async atime bind defaults dev diratime dirsync exec iversion lazytime loud noatime nodev nodiratime noexec noiversion nolazytime norelatime nostrictatime nosuid private rbind relatime remount ro rprivate rshared rslave runbindable rw shared silent slave strictatime suid sync unbindable';
    assert.deepEqual(
      must.split(' ').filter((name) => !options.includes(name)),
      [],
    );
  },
);

features.shouldNot(
  'mountOptions-data',
  'mountOptions has none that are a file system’s',
  async (t) => {
    const options = await listed(t, (await of(t)).mountOptions, 'mount options');
    assert.deepEqual(
      options.filter((name) => /^(size|mode|uid|gid|nr_inodes|hidepid|subset)/.test(name)),
      [],
    );
  },
);

const linux = section('features-linux.md#linuxFeatures', 'Linux features structure');

linux.must('namespaces', 'each of namespaces is recognized', async (t) => {
  const found = await of(t);
  for (const type of await listed(t, found.linux?.namespaces, 'namespaces')) {
    const outcome = await t.run('true', (config) => {
      config.linux.namespaces = config.linux.namespaces.filter((each) => each.type !== type);
      config.linux.namespaces.push({ type });
      if (type !== 'user') return;
      const mapping = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      Object.assign(config.linux, { uidMappings: mapping, gidMappings: mapping });
    });
    assert.equal(outcome.code, 0, `${type}: ${outcome.stderr}`);
  }
});

linux.must('capabilities', 'each of capabilities is recognized', async (t) => {
  const found = await of(t);
  const names = await listed(t, found.linux?.capabilities, 'capabilities');
  const { stderr } = await t.run('true', (config) => {
    config.process.capabilities = { bounding: [...names] };
  });
  // One that the caller lacks may be warned of, as not granted.
  assert.doesNotMatch(stderr, /unknown|unrecognized|invalid/i);
});

const seccompLists = {
  actions: (name: string) => ({ syscalls: [{ names: ['getpriority'], action: name }] }),
  operators: (name: string) => ({
    syscalls: [
      {
        names: ['lseek'],
        action: 'SCMP_ACT_ERRNO',
        args: [{ index: 1, value: 5, valueTwo: 5, op: name }],
      },
    ],
  }),
  archs: (name: string) => ({ architectures: [name] }),
  knownFlags: (name: string) => ({ flags: [name] }),
  supportedFlags: (name: string) => ({ flags: [name] }),
} as const;

for (const [list, make] of Object.entries(seccompLists)) {
  linux.must(`seccomp.${list}`, `each of seccomp.${list} is recognized`, async (t) => {
    const names = (await of(t)).linux?.seccomp?.[list as keyof typeof seccompLists];
    for (const name of await listed(t, names, `seccomp ${list}`)) {
      // These two need more than a filter: an agent, and a rule for it to wait in.
      if (name === 'SCMP_ACT_NOTIFY' || name.endsWith('WAIT_KILLABLE_RECV')) continue;
      const outcome = await t.run('true', (config) => {
        config.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', ...make(name) };
      });
      // What this machine's libraries or kernel can't do may fail: it must be known, though.
      const mayFail = list === 'archs' || list === 'knownFlags';
      const strange = /unknown|unrecogni[sz]ed|resolve|not (a )?valid/i.test(outcome.stderr);
      const known = outcome.code === 0 || (mayFail && !strange);
      assert.ok(known, `${name}: ${outcome.stderr}`);
    }
  });
}

linux.must('memoryPolicy', 'each of memoryPolicy’s modes and flags is recognized', async (t) => {
  const policy = (await of(t)).linux?.memoryPolicy;
  t.needs(policy != null, 'a runtime that lists memory policies');
  for (const mode of policy?.modes ?? []) {
    if (mode === 'MPOL_WEIGHTED_INTERLEAVE' && !kernelIs(6, 9)) continue;
    const nodes = /DEFAULT|LOCAL/.test(mode) ? {} : { nodes: '0' };
    await t.inside('true', (config) => {
      config.linux.memoryPolicy = { mode, ...nodes };
    });
  }
  for (const flag of policy?.flags ?? []) {
    await t.inside('true', (config) => {
      config.linux.memoryPolicy = { mode: 'MPOL_BIND', nodes: '0', flags: [flag] };
    });
  }
});

linux.must('values', 'what is there has its type', async (t) => {
  const found = await of(t);
  const { cgroup, seccomp, apparmor, selinux, intelRdt, netDevices } = found.linux ?? {};
  for (const part of [cgroup, apparmor, selinux, intelRdt, netDevices]) {
    for (const value of Object.values(part ?? {})) assert.equal(typeof value, 'boolean');
  }
  assert.ok(seccomp?.enabled == null || typeof seccomp.enabled === 'boolean');
  for (const value of Object.values(found.annotations ?? {})) assert.equal(typeof value, 'string');
  assert.ok((found.potentiallyUnsafeConfigAnnotations ?? []).every((each) => each !== ''));
});

export const sections = [features, linux];
