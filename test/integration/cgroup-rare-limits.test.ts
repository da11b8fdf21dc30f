import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LinuxResources } from '../../ts/spec/types.js';
import {
  codeOf,
  ending,
  gone,
  isRoot,
  layout,
  locate,
  read,
  startIn,
  withCgroup,
} from '../support/cgroups.js';
import { Lab } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const MiB = 1048576;
const v1 = locate('v1');
const hybrid = locate('hybrid');
const mounted = (controller: string): boolean =>
  Object.keys(v1?.directories ?? {}).some((name) => name.split(',').includes(controller));
const onV1 = (...controllers: string[]) =>
  skipUnless(isRoot && controllers.every(mounted), `root and cgroup v1 with ${controllers}`)(test);

/** The topmost cgroup2, and what's to be seen in it. */
const unified =
  layout.version === 'v2'
    ? layout.mountpoint
    : layout.version === 'hybrid'
      ? layout.hierarchies.find(({ name }) => name === 'unified')?.mountpoint
      : undefined;
const words = (file: string): string[] =>
  unified === undefined ? [] : readFileSync(join(unified, file), 'utf8').trim().split(' ');
const hugetlb = words('cgroup.controllers').includes('hugetlb');
const pages2M = existsSync('/sys/kernel/mm/hugepages/hugepages-2048kB');
const hasHugetlb = hugetlb && pages2M;
const onHugetlb = skipUnless(isRoot && hasHugetlb, 'root, hugetlb on cgroup2, 2MB pages');
const handedOn = words('cgroup.subtree_control').includes('hugetlb');

// A limit on huge pages has it enabled for all cgroups. At the very end, when the lab's cgroups are gone, too.
if (unified !== undefined && hugetlb && !handedOn)
  process.once('exit', () => writeFileSync(join(unified, 'cgroup.subtree_control'), '-hugetlb'));

/** A disk, for limits that are never reached. */
const [disk] = readdirSync('/sys/block');
const [major = 0, minor = 0] = disk
  ? readFileSync(`/sys/block/${disk}/dev`, 'utf8').split(':').map(Number)
  : [];

onV1('memory')('swappiness and the OOM killer are in the kernel, and taken back', () =>
  withCgroup('v1', (cgroup, location) => {
    cgroup.create();
    const has = (swappiness: number, off: number): void => {
      assert.is(read(location, 'memory', 'memory.swappiness'), String(swappiness));
      assert.match(read(location, 'memory', 'memory.oom_control'), `oom_kill_disable ${off}`);
    };
    cgroup.apply({ memory: { swappiness: 7, disableOOMKiller: true, useHierarchy: true } });
    has(7, 1);
    cgroup.apply({ memory: { swappiness: 0 } });
    has(0, 1);
    cgroup.apply({ memory: { disableOOMKiller: false } });
    has(0, 0);
    assert.is(
      codeOf(() => cgroup.apply({ memory: { swappiness: 1000 } })),
      'EINVAL',
    );
  }),
);

onV1('memory')('a limit on kernel memory holds, or the kernel that ignores it is told of', () =>
  withCgroup('v1', (cgroup, location) => {
    cgroup.create();
    const tcp = 'memory.kmem.tcp.limit_in_bytes';
    cgroup.apply({ memory: { kernelTCP: 8 * MiB, kernel: -1 } });
    assert.is(read(location, 'memory', tcp), String(8 * MiB));
    cgroup.apply({ memory: { kernelTCP: -1 } });
    assert.ok(Number(read(location, 'memory', tcp)) > 2 ** 62);
    try {
      cgroup.apply({ memory: { kernel: 8 * MiB } });
      assert.is(read(location, 'memory', 'memory.kmem.limit_in_bytes'), String(8 * MiB));
    } catch (error) {
      assert.match(
        String(error),
        /memory\.kernel can't be set: this kernel .*memory\.kmem\.limit_in_bytes, which takes a Linux before 5\.16/,
      );
    }
  }),
);

onV1('cpu')('realtime limits, within those of the parent', () =>
  withCgroup('v1', (cgroup, location) => {
    cgroup.create();
    const parent = dirname(location.directories['cpu'] ?? '');
    const resources = { cpu: { realtimePeriod: 500_000, realtimeRuntime: 10_000 } };
    if (!existsSync(join(parent, 'cpu.rt_runtime_us'))) {
      assert.throws(() => cgroup.apply(resources), /which takes CONFIG_RT_GROUP_SCHED/);
      return;
    }
    writeFileSync(join(parent, 'cpu.rt_runtime_us'), '20000');
    cgroup.apply(resources);
    assert.is(read(location, 'cpu', 'cpu.rt_period_us'), '500000');
    assert.is(read(location, 'cpu', 'cpu.rt_runtime_us'), '10000');
    assert.throws(
      () => cgroup.apply({ cpu: { realtimeRuntime: 100_000 } }),
      /realtimeRuntime could not be set: .* failed with EINVAL/,
    );
  }),
);

onV1('cpu')('a group goes idle and comes back with its shares', () =>
  withCgroup('v1', (cgroup, location) => {
    cgroup.create();
    for (const idle of [1, 1, 0]) {
      cgroup.apply({ cpu: { shares: 2000, idle } });
      assert.is(read(location, 'cpu', 'cpu.idle'), String(idle));
    }
    assert.is(read(location, 'cpu', 'cpu.shares'), '2000');
  }),
);

onV1('blkio')('block I/O is limited for a device, and let go again with 0', () =>
  withCgroup('v1', (cgroup, location) => {
    cgroup.create();
    const device = (rate: number) => [{ major, minor, rate }];
    const throttle = (rate: number): LinuxResources => ({
      blockIO: {
        throttleReadBpsDevice: device(rate * MiB),
        throttleWriteBpsDevice: device(rate * 2 * MiB),
        throttleReadIOPSDevice: device(rate * 3),
        throttleWriteIOPSDevice: device(rate * 4),
      },
    });
    cgroup.apply(throttle(5));
    const expected = { read_bps: 5 * MiB, write_bps: 10 * MiB, read_iops: 15, write_iops: 20 };
    for (const [name, rate] of Object.entries(expected))
      assert.is(
        read(location, 'blkio', `blkio.throttle.${name}_device`),
        `${major}:${minor} ${rate}`,
      );
    cgroup.apply(throttle(0));
    for (const name of Object.keys(expected))
      assert.is(read(location, 'blkio', `blkio.throttle.${name}_device`), '');
    assert.throws(
      () =>
        cgroup.apply({ blockIO: { throttleReadBpsDevice: [{ major: 4000, minor: 1, rate: 1 }] } }),
      /throttleReadBpsDevice\[0\] could not be set: .* \(there is no such device\)/,
    );
  }),
);

onV1('blkio')('weights, or what they would take', () =>
  withCgroup('v1', (cgroup, location) => {
    cgroup.create();
    const has = (file: string): boolean =>
      existsSync(join(location.directories['blkio'] ?? '', file));
    const prefix = ['blkio', 'blkio.bfq'].find((name) => has(`${name}.weight`));
    const weight = (): unknown => cgroup.apply({ blockIO: { weight: 321 } });
    if (prefix === undefined) assert.is(codeOf(weight), 'UNSUPPORTED');
    else {
      weight();
      assert.is(read(location, 'blkio', `${prefix}.weight`), '321');
    }
    if (has('blkio.leaf_weight')) return;
    assert.throws(
      () => cgroup.apply({ blockIO: { weight: 100, leafWeight: 20 } }),
      /blockIO\.leafWeight can't be set: this kernel has no such limit: .* the CFQ scheduler/,
    );
    if (prefix !== undefined) assert.is(read(location, 'blkio', `${prefix}.weight`), '321');
  }),
);

onV1('net_cls', 'net_prio')('network: class and priorities are in the kernel', () =>
  withCgroup('v1', (cgroup, location) => {
    cgroup.create();
    cgroup.apply({ network: { classID: 1048577, priorities: [{ name: 'lo', priority: 5 }] } });
    assert.is(read(location, 'net_cls', 'net_cls.classid'), '1048577');
    assert.match(read(location, 'net_prio', 'net_prio.ifpriomap'), /^lo 5$/m);
  }),
);

skipUnless(
  isRoot && mounted('memory') && !mounted('net_cls'),
  'root and cgroup v1 without net_cls',
)(test)('nothing is set when one controller is missing', () =>
  withCgroup('v1', (cgroup, location) => {
    cgroup.create();
    const before = read(location, 'memory', 'memory.swappiness');
    const limit = (): unknown =>
      cgroup.apply({ memory: { swappiness: 3 }, network: { classID: 1 } });
    assert.throws(limit, /network\.classID can't be set: no cgroup v1 hierarchy with the net_cls/);
    assert.is(codeOf(limit), 'UNSUPPORTED');
    assert.is(read(location, 'memory', 'memory.swappiness'), before);
  }),
);

onV1('memory')('unified is refused without a cgroup2', () =>
  withCgroup('v1', (cgroup) => {
    cgroup.create();
    const limit = (): unknown => cgroup.apply({ unified: { 'memory.high': '5' } });
    assert.throws(limit, /unified\["memory\.high"\] can't be set: this host has cgroup v1 only/);
    assert.is(codeOf(limit), 'UNSUPPORTED');
  }),
);

for (const version of ['v2', 'hybrid'] as const) {
  const here = version === 'v2' ? locate('v2') : hybrid;
  const on = skipUnless(isRoot && here !== undefined, `root and cgroups ${version}`)(test);

  skipUnless(
    isRoot && hasHugetlb && here !== undefined,
    `root and cgroups ${version} with hugetlb, 2MB pages`,
  )(test)(`${version}: huge pages are limited, by use and by reservation`, () =>
    withCgroup(version, (cgroup, location) => {
      cgroup.create();
      cgroup.apply({ hugepageLimits: [{ pageSize: '2MB', limit: 4 * MiB }] });
      for (const file of ['hugetlb.2MB.max', 'hugetlb.2MB.rsvd.max'])
        assert.is(read(location, 'unified', file), String(4 * MiB));
      cgroup.apply({ unified: { 'hugetlb.2MB.max': 'max', 'cgroup.max.depth': '3' } });
      assert.is(read(location, 'unified', 'hugetlb.2MB.max'), 'max');
      assert.is(read(location, 'unified', 'hugetlb.2MB.rsvd.max'), String(4 * MiB));
      assert.is(read(location, 'unified', 'cgroup.max.depth'), '3');
      assert.throws(
        () => cgroup.apply({ hugepageLimits: [{ pageSize: '3MB', limit: 0 }] }),
        /hugepageLimits\[0\] can't be set: .*hugetlb\.3MB\..*, which takes huge pages of that size/,
      );
    }),
  );

  on(`${version}: what the host does not have is named`, () =>
    withCgroup(version, (cgroup) => {
      cgroup.create();
      const refused = (resources: LinuxResources, message: RegExp): void => {
        assert.throws(() => cgroup.apply(resources), message);
        assert.is(
          codeOf(() => cgroup.apply(resources)),
          'UNSUPPORTED',
        );
      };
      refused({ unified: { 'nothing.max': '1' } }, /unified\["nothing\.max"\] can't be set/);
      refused({ unified: { 'cgroup.nothing': '1' } }, /this kernel has no such limit: it needs/);
      if (version === 'v2')
        refused({ network: { classID: 1 } }, /cgroup v2 has neither the net_cls/);
      const rdma = (): unknown => cgroup.apply({ rdma: { 'tsrunc 0': { hcaObjects: 1 } } });
      assert.throws(rdma, /rdma\["tsrunc 0"\] (can't be set: .* controller|could not be set: )/);
    }),
  );

  on(`${version}: controllers that the host lacks are refused before there is a cgroup`, () =>
    withCgroup(version, (cgroup, location) => {
      const refused = (resources: LinuxResources, message: RegExp): void => {
        assert.throws(() => cgroup.refuse(resources), message);
        assert.is(
          codeOf(() => cgroup.refuse(resources)),
          'UNSUPPORTED',
        );
      };
      if (version === 'v2') {
        refused({ network: { classID: 1 } }, /cgroup v2 has neither/);
        refused({ memory: { swappiness: 1 } }, /memory\.swappiness can't be set: cgroup v2/);
        if (!words('cgroup.controllers').includes('memory'))
          refused({ memory: { limit: MiB } }, /does not have the memory controller/);
      } else if (!mounted('net_cls')) refused({ network: { classID: 1 } }, /with the net_cls/);
      cgroup.refuse({ memory: { limit: 0 }, hugepageLimits: [], rdma: {}, unified: {} });
      if (hugetlb) cgroup.refuse({ hugepageLimits: [{ pageSize: '2MB', limit: 1 }] });
      assert.ok(gone(location));
    }),
  );
}

skipUnless(
  isRoot && hybrid !== undefined && !mounted('rdma'),
  'root and a hybrid host without rdma',
)(test)('a container that asks for what the host lacks is not made', () => {
  const message = lab.refuses((spec) => {
    spec.linux.resources = { rdma: { mlx5_1: { hcaObjects: 1 } } };
  });
  assert.match(
    message,
    /linux\.resources\.rdma\["mlx5_1"\] can't be set: no cgroup v1 hierarchy with the rdma controller/,
  );
});

skipUnless(isRoot && locate('v2') !== undefined, 'root and cgroup2')(test)(
  'a cgroup in a threaded subtree is refused, and not left behind',
  () =>
    withCgroup('v2', (cgroup, location) => {
      const directory = location.directories['unified'] ?? '';
      const sibling = join(dirname(directory), 'threads');
      mkdirSync(sibling, { recursive: true });
      try {
        writeFileSync(join(sibling, 'cgroup.type'), 'threaded');
        assert.throws(
          () => cgroup.create(),
          /threaded subtree \(its cgroup\.type is "domain invalid"\)/,
        );
        assert.ok(gone(location));
      } finally {
        rmdirSync(sibling);
      }
    }),
);

skipUnless(isRoot && locate('v2') !== undefined, 'root and cgroup2')(test)(
  'a cgroup is given to a user, who can make cgroups there and change no limits',
  () =>
    withCgroup('v2', (cgroup, location) => {
      const directory = location.directories['unified'] ?? '';
      cgroup.create();
      cgroup.delegate(12_345);
      const owner = (file: string): number => statSync(join(directory, file)).uid;
      for (const file of ['.', 'cgroup.procs', 'cgroup.threads', 'cgroup.subtree_control'])
        assert.is(owner(file), 12_345, file);
      for (const file of ['cgroup.freeze', 'cgroup.max.depth', 'cgroup.kill'])
        assert.is(owner(file), 0, file);
    }),
);

skipUnless(isRoot && locate('v2') !== undefined, 'root and cgroup2')(test)(
  'later rules for devices take away and give back',
  () =>
    withCgroup('v2', async (cgroup) => {
      cgroup.create();
      const readsKmsg = async (): Promise<boolean> =>
        (await ending(startIn(cgroup, 'true < /dev/kmsg'))) === 0;
      const kmsg = { allow: true, type: 'c', major: 1, minor: 11, access: 'r' };
      for (const rules of [[], [kmsg], [], [kmsg]]) {
        cgroup.apply({ devices: [{ allow: false }, ...rules] });
        assert.is(await readsKmsg(), rules.length === 1);
      }
    }),
);

onHugetlb(test)('a container sees its limits in its cgroups', () => {
  const directory = layout.version === 'v2' ? '/sys/fs/cgroup' : '/sys/fs/cgroup/unified';
  const files = ['hugetlb.2MB.rsvd.max', 'cgroup.max.depth'].map((file) => `${directory}/${file}`);
  const seen = lab.inside(`cat ${files.join(' ')}`, (spec) => {
    spec.linux.resources = {
      hugepageLimits: [{ pageSize: '2MB', limit: 6 * MiB }],
      unified: { 'cgroup.max.depth': '2' },
    };
    spec.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', options: ['ro'] });
  });
  assert.equal(seen.split('\n'), [String(6 * MiB), '2']);
});

onV1('memory', 'blkio')('a container sees its limits in its v1 cgroups', () => {
  const files = ['memory/memory.swappiness', 'blkio/blkio.throttle.read_iops_device'];
  const seen = lab.inside(`cd /sys/fs/cgroup; cat ${files.join(' ')}`, (spec) => {
    spec.linux.resources = {
      memory: { swappiness: 11 },
      blockIO: { throttleReadIOPSDevice: [{ major, minor, rate: 4321 }] },
    };
    spec.mounts.push({ destination: '/sys/fs/cgroup', type: 'cgroup', options: ['ro'] });
  });
  assert.equal(seen.split('\n'), ['11', `${major}:${minor} 4321`]);
});

lab.finish(test);
