import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hugetlbLimits } from '../../../ts/cgroup/hugetlb.js';
import type { Files, Limit } from '../../../ts/cgroup/limits.js';
import { rdmaLimits } from '../../../ts/cgroup/rdma.js';
import { blkioLimits } from '../../../ts/cgroup/v1/blkio.js';
import { memoryLimits as memoryLimitsV1 } from '../../../ts/cgroup/v1/memory.js';
import { netClsLimits, netPrioLimits } from '../../../ts/cgroup/v1/network.js';
import { blkioToIoWeight, ioLimits } from '../../../ts/cgroup/v2/io.js';
import { memoryLimits as memoryLimitsV2 } from '../../../ts/cgroup/v2/memory.js';
import { unifiedLimits } from '../../../ts/cgroup/v2/unified.js';
import { TsruncError } from '../../../ts/errors.js';

/** `file=value`, in order. */
const lines = (limits: readonly Limit[]): string[] =>
  limits.map(({ file, value }) => `${file}=${value}`);

/** A cgroup that is only told of. */
const having = (contents: Record<string, string> = {}): Files => ({
  read: (file) => {
    const content = contents[file];
    if (content === undefined) throw new Error(`${file} was read`);
    return content;
  },
  has: (file) => file in contents,
});

function refused(plan: () => unknown): string {
  try {
    plan();
  } catch (error) {
    assert.ok(error instanceof TsruncError, String(error));
    return `${error.code}: ${error.message}`;
  }
  return 'nothing';
}

const blockIO = {
  weight: 500,
  weightDevice: [
    { major: 8, minor: 0, weight: 10 },
    { major: 8, minor: 16, weight: 1000 },
  ],
  throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 2n ** 63n }],
  throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 600 }],
  throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 0 }],
  throttleWriteIOPSDevice: [
    { major: 8, minor: 0, rate: 7 },
    { major: 8, minor: 16, rate: 9 },
  ],
};

test('block I/O on v1, with the weights of BFQ', () => {
  assert.equal(lines(blkioLimits(blockIO, having())), [
    'blkio.bfq.weight=500',
    'blkio.bfq.weight_device=8:0 10',
    'blkio.bfq.weight_device=8:16 1000',
    'blkio.throttle.read_bps_device=8:0 9223372036854775808',
    'blkio.throttle.write_bps_device=8:0 600',
    'blkio.throttle.read_iops_device=8:0 0',
    'blkio.throttle.write_iops_device=8:0 7',
    'blkio.throttle.write_iops_device=8:16 9',
  ]);
  assert.equal(blkioLimits({ weight: 0, leafWeight: 0, weightDevice: [] }, having()), []);
});

test('block I/O on v1, with the weights of CFQ', () => {
  const weightDevice = [{ major: 8, minor: 0, weight: 5, leafWeight: 6 }];
  assert.equal(
    lines(
      blkioLimits({ weight: 100, leafWeight: 30, weightDevice }, having({ 'blkio.weight': '' })),
    ),
    [
      'blkio.weight=100',
      'blkio.leaf_weight=30',
      'blkio.weight_device=8:0 5',
      'blkio.leaf_weight_device=8:0 6',
    ],
  );
});

test('block I/O on v2', () => {
  const throttles = [
    'io.max=8:0 rbps=9223372036854775808',
    'io.max=8:0 wbps=600',
    'io.max=8:0 riops=max',
    'io.max=8:0 wiops=7',
    'io.max=8:16 wiops=9',
  ];
  const both = having({ 'io.bfq.weight': '', 'io.weight': '' });
  assert.equal(lines(ioLimits(blockIO, both)), [
    'io.bfq.weight=default 500',
    'io.bfq.weight=8:0 10',
    'io.bfq.weight=8:16 1000',
    ...throttles,
  ]);
  assert.equal(lines(ioLimits(blockIO, having({ 'io.weight': '' }))), [
    'io.weight=default 4950',
    'io.weight=8:0 1',
    'io.weight=8:16 10000',
    ...throttles,
  ]);
});

test('what has no meaning on v2 is refused: leaf weights, and weights that have no like', () => {
  assert.match(
    refused(() => ioLimits({ leafWeight: 10 }, having())),
    /^UNSUPPORTED: linux\.resources\.blockIO\.leafWeight can't be set: cgroup v2/,
  );
  const weightDevice = [{ major: 8, minor: 0, leafWeight: 10 }];
  assert.match(
    refused(() => ioLimits({ weightDevice }, having())),
    /^UNSUPPORTED: .*weightDevice\[0\]\.leafWeight/,
  );
  for (const weight of [9, 1001])
    assert.match(
      refused(() => ioLimits({ weight }, having({ 'io.weight': '' }))),
      `INVALID_CONFIG: config.json: linux.resources.blockIO.weight is ${weight}`,
    );
  assert.is(blkioToIoWeight('weight', 100), 910);
});

test('huge pages: reservations and use', () => {
  const limits = [
    { pageSize: '2MB', limit: 4194304 },
    { pageSize: '1GB', limit: 0 },
  ];
  assert.equal(lines(hugetlbLimits(limits, 'max')), [
    'hugetlb.2MB.max=4194304',
    'hugetlb.2MB.rsvd.max=4194304',
    'hugetlb.1GB.max=0',
    'hugetlb.1GB.rsvd.max=0',
  ]);
  assert.equal(
    hugetlbLimits(limits, 'limit_in_bytes').map(({ name, file, optional }) => [
      name,
      file,
      optional,
    ]),
    [
      ['hugepageLimits[0]', 'hugetlb.2MB.limit_in_bytes', undefined],
      ['hugepageLimits[0]', 'hugetlb.2MB.rsvd.limit_in_bytes', true],
      ['hugepageLimits[1]', 'hugetlb.1GB.limit_in_bytes', undefined],
      ['hugepageLimits[1]', 'hugetlb.1GB.rsvd.limit_in_bytes', true],
    ],
  );
  for (const [pageSize, file] of [
    ['1024MB', 'hugetlb.1GB.max'],
    ['2048KB', 'hugetlb.2MB.max'],
    ['512KB', 'hugetlb.512KB.max'],
    ['1TB', 'hugetlb.1024GB.max'],
  ] as const)
    assert.is(hugetlbLimits([{ pageSize, limit: 1 }], 'max')[0]?.file, file);
});

test('network', () => {
  assert.equal(lines(netClsLimits({ classID: 1048577 })), ['net_cls.classid=1048577']);
  assert.equal(netClsLimits({ classID: 0 }), []);
  const priorities = [
    { name: 'eth0', priority: 500 },
    { name: 'lo', priority: 0 },
  ];
  assert.equal(lines(netPrioLimits({ priorities })), [
    'net_prio.ifpriomap=eth0 500',
    'net_prio.ifpriomap=lo 0',
  ]);
  assert.equal(netPrioLimits({}), []);
});

test('rdma', () => {
  assert.equal(
    lines(
      rdmaLimits({ mlx5_1: { hcaHandles: 3, hcaObjects: 10000 }, rxe3: { hcaObjects: 0 }, x: {} }),
    ),
    ['rdma.max=mlx5_1 hca_handle=3 hca_object=10000', 'rdma.max=rxe3 hca_object=0'],
  );
});

test('unified: a write for each line, in order', () => {
  assert.equal(
    lines(
      unifiedLimits({
        'io.max': '259:0 rbps=2097152 wiops=120\n253:0 rbps=2097152\n',
        'cpuset.cpus': '',
        'hugetlb.1GB.max': '1073741824',
      }),
    ),
    [
      'io.max=259:0 rbps=2097152 wiops=120',
      'io.max=253:0 rbps=2097152',
      'cpuset.cpus=\n',
      'hugetlb.1GB.max=1073741824',
    ],
  );
  assert.is(unifiedLimits({ 'memory.high': '5' })[0]?.name, 'unified["memory.high"]');
});

test('the rest of memory on v1', () => {
  const kmem = 'memory.kmem.limit_in_bytes';
  const tcp = 'memory.kmem.tcp.limit_in_bytes';
  const unlimited = '9223372036854771712';
  const plan = (memory: object, files = {}): string[] =>
    lines(memoryLimitsV1(memory, having(files)));
  assert.equal(plan({ kernel: 4096, kernelTCP: 8192, swappiness: 0 }), [
    'memory.swappiness=0',
    `${kmem}=4096`,
    `${tcp}=8192`,
  ]);
  assert.equal(plan({ kernel: -1, kernelTCP: -1 }), []);
  assert.equal(plan({ kernel: -1, kernelTCP: -1 }, { [kmem]: unlimited, [tcp]: '8192' }), [
    `${tcp}=-1`,
  ]);
  assert.equal(plan({ disableOOMKiller: true }), ['memory.oom_control=1']);
  const control = (on: number) => ({ 'memory.oom_control': `oom_kill_disable ${on}\nunder_oom 0` });
  assert.equal(plan({ disableOOMKiller: false }, control(1)), ['memory.oom_control=0']);
  assert.equal(plan({ disableOOMKiller: false }, control(0)), []);
  assert.equal(plan({}, control(1)), []);
  assert.equal(plan({ useHierarchy: true }, { 'memory.use_hierarchy': '0' }), [
    'memory.use_hierarchy=1',
  ]);
  assert.equal(plan({ useHierarchy: true }, { 'memory.use_hierarchy': '1' }), []);
  const [limit] = memoryLimitsV1({ kernel: 4096 }, having());
  assert.is(limit?.holds?.('4096'), true);
  assert.is(limit?.holds?.(unlimited), false);
});

test('of memory, what v2 does not have is refused by name', () => {
  for (const [name, value] of [
    ['kernel', 1],
    ['kernelTCP', 1],
    ['swappiness', 0],
    ['disableOOMKiller', true],
  ] as const)
    assert.match(
      refused(() => memoryLimitsV2({ [name]: value }, having().read)),
      `UNSUPPORTED: linux.resources.memory.${name} can't be set: cgroup v2 `,
    );
  const nothing = { kernel: -1, kernelTCP: 0, disableOOMKiller: false, useHierarchy: true };
  assert.equal(memoryLimitsV2(nothing, having().read), []);
});

test('checkBeforeUpdate on v2 counts what is swapped out', () => {
  const { read } = having({ 'memory.current': '3000', 'memory.swap.current': '2000' });
  const plan = (swap: number) =>
    memoryLimitsV2({ limit: 4000, swap, checkBeforeUpdate: true }, read);
  assert.match(
    refused(() => plan(4999)),
    /^EBUSY: .*4999 bytes are less than the 5000 of memory and swap/,
  );
  assert.is(plan(5000)[1]?.value, '1000');
});

test.run();
