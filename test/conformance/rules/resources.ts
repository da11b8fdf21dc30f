import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkEffect } from '../effects.js';
import { cgroupFolder, cgroupVersion, hasController } from '../host.js';
import { type Section, section } from '../rule.js';

/** name, what is asked for, the effect in v1 and in v2: controller/file=value. */
type Row = readonly [name: string, resources: Record<string, unknown>, v1: string, v2?: string];

function addRows(target: Section, rows: readonly Row[]): void {
  for (const [name, resources, v1, v2] of rows) {
    target.property(name, `${name} is set`, async (t) => {
      const text = cgroupVersion === 1 ? v1 : v2;
      if (text === undefined) return t.skip('cgroup v2 has nothing like it');
      const [, controller = '', file = '', value = ''] = /^(\w+)\/([^=]*)=(.*)$/.exec(text) ?? [];
      await checkEffect(t, resources, { controller, file, value });
    });
  }
}

const MiB = 1 << 20;

const memory = section('config-linux.md#configLinuxMemory', 'Memory');
addRows(memory, [
  [
    'limit',
    { memory: { limit: 64 * MiB } },
    `memory/memory.limit_in_bytes=${64 * MiB}`,
    `memory/memory.max=${64 * MiB}`,
  ],
  [
    'limit-unlimited',
    { memory: { limit: -1 } },
    'memory/memory.limit_in_bytes=9223372036854771712',
    'memory/memory.max=max',
  ],
  [
    'reservation',
    { memory: { reservation: 32 * MiB } },
    `memory/memory.soft_limit_in_bytes=${32 * MiB}`,
    `memory/memory.low=${32 * MiB}`,
  ],
  [
    'swap',
    { memory: { limit: 64 * MiB, swap: 96 * MiB } },
    `memory/memory.memsw.limit_in_bytes=${96 * MiB}`,
    `memory/memory.swap.max=${32 * MiB}`,
  ],
  [
    'kernelTCP',
    { memory: { kernelTCP: 16 * MiB } },
    `memory/memory.kmem.tcp.limit_in_bytes=${16 * MiB}`,
  ],
  ['swappiness', { memory: { swappiness: 33 } }, 'memory/memory.swappiness=33'],
  [
    'disableOOMKiller',
    { memory: { disableOOMKiller: true } },
    'memory/memory.oom_control=oom_kill_disable 1',
  ],
  [
    'disableOOMKiller-false',
    { memory: { disableOOMKiller: false } },
    'memory/memory.oom_control=oom_kill_disable 0',
  ],
  ['useHierarchy', { memory: { useHierarchy: true } }, 'memory/memory.use_hierarchy=1'],
]);

memory.property('kernel', 'kernel is accepted: newer kernels have no such limit', async (t) => {
  t.needs(cgroupVersion === 1, 'cgroup v1');
  await t.inside('true', (config) => {
    config.linux.resources.memory = { kernel: -1 };
  });
});

memory.property('limit-enforced', 'who takes more than limit is killed', async (t) => {
  t.needs(hasController('memory'), 'the memory controller');
  t.probe();
  const outcome = await t.run('probe alloc 20 && probe alloc 200', (config) => {
    config.linux.resources.memory = { limit: 64 * MiB, swap: 64 * MiB };
  });
  assert.equal(outcome.stdout, 'allocated\n');
  assert.equal(outcome.code, 137);
});

memory.property('swappiness-range', 'a swappiness above 100 is an error', async (t) => {
  t.needs(cgroupVersion === 1, 'cgroup v1');
  await t.refuses(
    (config) => {
      config.linux.resources.memory = { swappiness: 101 };
    },
    (config) => {
      config.linux.resources.memory = { swappiness: 100 };
    },
  );
});

for (const check of [true, false]) {
  memory.must(
    `checkBeforeUpdate-${check}`,
    `an update below the usage, checkBeforeUpdate ${check}, ${check ? 'is refused' : 'is the kernel’s affair'}`,
    async (t) => {
      t.needs(hasController('memory'), 'the memory controller');
      const container = await t.start(
        'dd if=/dev/zero of=/dev/shm/x bs=1M count=40 2>/dev/null; echo up; exec sleep 1000',
        (config) => {
          config.linux.resources.memory = { limit: 128 * MiB, swap: 128 * MiB };
        },
      );
      const input = JSON.stringify({
        memory: { limit: 8 * MiB, swap: 8 * MiB, checkBeforeUpdate: check },
      });
      const { code, timedOut } = await t.call(['update', '--resources', '-', container.id], {
        input,
      });
      assert.ok(!timedOut);
      if (!check && cgroupVersion === 2) return;
      assert.notEqual(code, 0);
      assert.equal((await container.state()).status, 'running');
    },
  );
}

const cpu = section('config-linux.md#configLinuxCPU', 'CPU');
addRows(cpu, [
  // By the formula of runc 1.4 and crun 1.23, and by the linear one of older runtimes.
  ['shares', { cpu: { shares: 512 } }, 'cpu/cpu.shares=512', 'cpu/cpu.weight=59|20'],
  ['quota', { cpu: { quota: 50_000 } }, 'cpu/cpu.cfs_quota_us=50000', 'cpu/cpu.max=50000 100000'],
  [
    'period',
    { cpu: { quota: 50_000, period: 200_000 } },
    'cpu/cpu.cfs_period_us=200000',
    'cpu/cpu.max=50000 200000',
  ],
  [
    'burst',
    { cpu: { quota: 50_000, burst: 10_000 } },
    'cpu/cpu.cfs_burst_us=10000',
    'cpu/cpu.max.burst=10000',
  ],
  [
    'realtimeRuntime',
    { cpu: { realtimeRuntime: 0, realtimePeriod: 500_000 } },
    'cpu/cpu.rt_runtime_us=0',
  ],
  ['realtimePeriod', { cpu: { realtimePeriod: 500_000 } }, 'cpu/cpu.rt_period_us=500000'],
  ['cpus', { cpu: { cpus: '0' } }, 'cpuset/cpuset.cpus=0', 'cpuset/cpuset.cpus=0'],
  ['mems', { cpu: { mems: '0' } }, 'cpuset/cpuset.mems=0', 'cpuset/cpuset.mems=0'],
  ['idle', { cpu: { idle: 1 } }, 'cpu/cpu.idle=1', 'cpu/cpu.idle=1'],
]);

cpu.property('cpus-seen', 'the container runs on these CPUs only', async (t) => {
  t.needs(hasController('cpuset'), 'the cpuset controller');
  const said = await t.inside('grep Cpus_allowed_list /proc/self/status', (config) => {
    config.linux.resources.cpu = { cpus: '0' };
  });
  assert.match(said, /\t0$/);
});

cpu.must('burst-above-quota', 'a burst above the quota is an error, or the kernel’s', async (t) => {
  t.needs(hasController('cpu'), 'the cpu controller');
  await t.refuses((config) => {
    config.linux.resources.cpu = { quota: 50_000, burst: 60_000 };
  });
});

cpu.must('cpus-unknown', 'CPUs that the machine lacks are an error', async (t) => {
  t.needs(hasController('cpuset'), 'the cpuset controller');
  await t.refuses((config) => {
    config.linux.resources.cpu = { cpus: '4095' };
  });
});

const network = section('config-linux.md#configLinuxNetwork', 'Network');
addRows(network, [
  ['classID', { network: { classID: 1_048_577 } }, 'net_cls/net_cls.classid=1048577'],
  [
    'priorities',
    { network: { priorities: [{ name: 'lo', priority: 5 }] } },
    'net_prio/net_prio.ifpriomap=lo 5',
  ],
]);

const pids = section('config-linux.md#configLinuxPIDS', 'PIDs');
addRows(pids, [
  ['limit', { pids: { limit: 33 } }, 'pids/pids.max=33', 'pids/pids.max=33'],
  ['unlimited', { pids: { limit: -1 } }, 'pids/pids.max=max', 'pids/pids.max=max'],
]);

pids.should('zero', 'a limit of 0 is one, and no other than 0', async (t) => {
  t.needs(hasController('pids'), 'the pids controller');
  const bundle = t.bundle((config) => {
    config.linux.resources.pids = { limit: 0 };
  });
  const id = t.id();
  // Nobody can be made in such a cgroup: whether the runtime joins before or after is its own affair.
  const { code } = await t.call(['create', '--bundle', bundle, id]);
  if (code !== 0) return;
  const { cgroupsPath } = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')).linux;
  assert.equal(
    readFileSync(join(cgroupFolder('pids', cgroupsPath), 'pids.max'), 'utf8').trim(),
    '0',
  );
});

pids.property('enforced', 'more processes than limit cannot be made', async (t) => {
  t.needs(hasController('pids'), 'the pids controller');
  const { stderr, code } = await t.run(
    'for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; echo all',
    (config) => {
      config.linux.resources.pids = { limit: 6 };
    },
  );
  assert.ok(code !== 0 && /fork/.test(stderr), stderr);
});

const rdma = section('config-linux.md#configLinuxRDMA', 'RDMA');

rdma.property('limits', 'hcaHandles and hcaObjects are set', async (t) => {
  t.needs(hasController('rdma'), 'the rdma controller');
  const devices = existsSync('/sys/class/infiniband') ? readdirSync('/sys/class/infiniband') : [];
  t.needs(devices.length > 0, 'an RDMA device');
  const container = await t.create((config) => {
    config.linux.resources.rdma = { [devices[0] ?? '']: { hcaHandles: 3, hcaObjects: 100 } };
  });
  const text = readFileSync(join(cgroupFolder('rdma', container.cgroup), 'rdma.max'), 'utf8');
  assert.match(text, /hca_handle=3 hca_object=100/);
});

rdma.must('empty', 'an entry with neither is an error', async (t) => {
  await t.refuses((config) => {
    config.linux.resources.rdma = { mlx5_1: {} };
  });
});

const unified = section('config-linux.md#configLinuxUnified', 'Unified');

unified.must('written', 'each key is a file that is written, known or not', async (t) => {
  t.needs(cgroupVersion === 2, 'cgroup v2');
  const container = await t.create((config) => {
    config.linux.resources.unified = { 'cgroup.max.depth': '7', 'cgroup.max.descendants': '9' };
  });
  const folder = cgroupFolder('unified', container.cgroup);
  assert.equal(readFileSync(join(folder, 'cgroup.max.depth'), 'utf8').trim(), '7');
  assert.equal(readFileSync(join(folder, 'cgroup.max.descendants'), 'utf8').trim(), '9');
});

unified.must('enabled', 'the controllers that are needed are enabled', async (t) => {
  t.needs(cgroupVersion === 2, 'cgroup v2');
  const controllers = readFileSync(
    join(cgroupFolder('unified', '/'), 'cgroup.controllers'),
    'utf8',
  );
  t.needs(/\bhugetlb\b/.test(controllers), 'the hugetlb controller');
  const container = await t.create((config) => {
    config.linux.resources.unified = { 'hugetlb.2MB.max': String(4 * MiB) };
  });
  const file = join(cgroupFolder('unified', container.cgroup), 'hugetlb.2MB.max');
  assert.equal(readFileSync(file, 'utf8').trim(), String(4 * MiB));
});

unified.must('absent-controller', 'a controller that is not there is an error', async (t) => {
  await t.refuses((config) => {
    config.linux.resources.unified = { 'imaginary.max': '1' };
  });
});

const absent = section('runtime.md#runtimeCreate', 'Create: what this host can’t do is an error');

for (const [controller, resources] of Object.entries({
  hugetlb: { hugepageLimits: [{ pageSize: '2MB', limit: 4 * MiB }] },
  net_cls: { network: { classID: 1_048_577 } },
  net_prio: { network: { priorities: [{ name: 'lo', priority: 5 }] } },
  rdma: { rdma: { mlx5_1: { hcaHandles: 3 } } },
})) {
  absent.must(
    `cannot-apply-${controller}`,
    `a limit of ${controller} where that is missing is an error`,
    async (t) => {
      t.needs(!hasController(controller), `a host without ${controller}`);
      await t.refuses((config) => {
        config.linux.resources = resources;
      });
    },
  );
}

export const sections = [memory, cpu, network, pids, rdma, unified, absent];
