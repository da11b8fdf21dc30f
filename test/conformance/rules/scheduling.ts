import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { kernelIs } from '../../support/kernel.js';
import type { Config } from '../config.js';
import type { Context } from '../context.js';
import { cgroupFolder } from '../host.js';
import { section } from '../rule.js';

const scheduler = section('config.md#configLinuxProcess', 'Scheduler');

/** A v1 cgroup has no time for real-time processes unless it is given some of its parent's: here the root's. */
function allowRealtime(t: Context, config: Config): void {
  if (!existsSync(cgroupFolder('cpu', '/cpu.rt_runtime_us'))) return;
  config.linux.cgroupsPath = `/${t.id()}`;
  config.linux.resources.cpu = { realtimePeriod: 1_000_000, realtimeRuntime: 10_000 };
}

/** policy, flags, nice, priority, runtime, deadline, period of the program, sched_getattr(2). */
async function attributes(t: Context, wanted: object): Promise<number[]> {
  t.probe();
  const said = await t.inside('', (config) => {
    config.process.scheduler = wanted;
    if (/FIFO|RR/.test(JSON.stringify(wanted))) allowRealtime(t, config);
    config.process.args = ['probe', 'sched'];
  });
  return said.split(' ').map(Number);
}

for (const [policy, number, more] of [
  ['SCHED_OTHER', 0, {}],
  ['SCHED_FIFO', 1, { priority: 10 }],
  ['SCHED_RR', 2, { priority: 10 }],
  ['SCHED_BATCH', 3, {}],
  ['SCHED_IDLE', 5, {}],
] as const) {
  scheduler.property(`scheduler.policy/${policy}`, `the policy is ${policy}`, async (t) => {
    assert.equal((await attributes(t, { policy, ...more }))[0], number);
  });
}

scheduler.property(
  'scheduler.policy/SCHED_DEADLINE',
  'runtime, deadline and period are set',
  async (t) => {
    const times = { runtime: 10_000_000, deadline: 20_000_000, period: 30_000_000 };
    const found = await attributes(t, { policy: 'SCHED_DEADLINE', ...times });
    assert.deepEqual([found[0], ...found.slice(4)], [6, ...Object.values(times)]);
  },
);

scheduler.property('scheduler.nice', 'nice is set', async (t) => {
  assert.deepEqual(
    (await attributes(t, { policy: 'SCHED_OTHER', nice: 5 })).slice(0, 3),
    [0, 0, 5],
  );
});

scheduler.property('scheduler.priority', 'priority is set', async (t) => {
  assert.equal((await attributes(t, { policy: 'SCHED_RR', priority: 17 }))[3], 17);
});

scheduler.property('scheduler.flags/SCHED_FLAG_RESET_ON_FORK', 'the flag is set', async (t) => {
  const flags = ['SCHED_FLAG_RESET_ON_FORK'];
  const found = await attributes(t, { policy: 'SCHED_RR', priority: 1, flags });
  assert.deepEqual(found.slice(0, 2), [2, 1]);
});

for (const flag of ['SCHED_FLAG_RECLAIM', 'SCHED_FLAG_DL_OVERRUN']) {
  scheduler.property(`scheduler.flags/${flag}`, 'the flag is set', async (t) => {
    const times = { runtime: 10_000_000, deadline: 20_000_000, period: 20_000_000 };
    const found = await attributes(t, { policy: 'SCHED_DEADLINE', ...times, flags: [flag] });
    assert.equal(found[1], flag === 'SCHED_FLAG_RECLAIM' ? 2 : 4);
  });
}

for (const flag of ['SCHED_FLAG_KEEP_POLICY', 'SCHED_FLAG_KEEP_PARAMS']) {
  scheduler.property(`scheduler.flags/${flag}`, 'the flag is known', async (t) => {
    await attributes(t, { policy: 'SCHED_OTHER', flags: [flag] });
  });
}

for (const [name, wanted] of [
  ['policy', { policy: 'SCHED_IMAGINARY' }],
  ['policy-missing', { nice: 1 }],
  ['flags', { policy: 'SCHED_OTHER', flags: ['SCHED_FLAG_IMAGINARY'] }],
  ['priority', { policy: 'SCHED_FIFO', priority: 1000 }],
] as const) {
  scheduler.must(`scheduler.${name}/invalid`, `an invalid ${name} is an error`, async (t) => {
    await t.refuses(
      (config) => {
        config.process.scheduler = wanted;
      },
      (config) => {
        config.process.scheduler = { policy: 'SCHED_BATCH' };
      },
    );
  });
}

const io = section('config.md#configLinuxProcess', 'I/O priority');

for (const [name, number] of [
  ['IOPRIO_CLASS_RT', 1],
  ['IOPRIO_CLASS_BE', 2],
  ['IOPRIO_CLASS_IDLE', 3],
] as const) {
  io.property(`ioPriority.class/${name}`, `the class is ${name}`, async (t) => {
    t.probe();
    const said = await t.inside('probe ioprio', (config) => {
      config.process.ioPriority = { class: name, priority: 3 };
    });
    assert.match(said, new RegExp(`^${number} `));
  });
}

io.property('ioPriority.priority', 'the priority is set', async (t) => {
  t.probe();
  const said = await t.inside('probe ioprio', (config) => {
    config.process.ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 6 };
  });
  assert.equal(said, '2 6');
});

for (const [name, wanted] of [
  ['class', { class: 'IOPRIO_CLASS_IMAGINARY', priority: 1 }],
  ['priority', { class: 'IOPRIO_CLASS_BE', priority: 8 }],
] as const) {
  io.must(`ioPriority.${name}/invalid`, `an invalid ${name} is an error`, async (t) => {
    await t.refuses(
      (config) => {
        config.process.ioPriority = wanted;
      },
      (config) => {
        config.process.ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 7 };
      },
    );
  });
}

const affinity = section('config.md#configLinuxProcess', 'CPU affinity of exec');

const allowed = 'grep Cpus_allowed_list /proc/self/status | cut -f2';

affinity.property(
  'execCPUAffinity.init',
  'the container’s first process keeps its CPUs',
  async (t) => {
    const plain = await t.inside(allowed);
    const said = await t.inside(allowed, (config) => {
      config.process.execCPUAffinity = { initial: '0', final: '0' };
    });
    assert.equal(said, plain);
  },
);

affinity.property('execCPUAffinity.final', 'final is where exec’s process runs', async (t) => {
  t.needs(availableParallelism() > 1, 'two CPUs');
  const container = await t.start('echo up; exec sleep 1000', (config) => {
    config.process.execCPUAffinity = { initial: '0', final: '1' };
  });
  assert.equal(await container.exec(allowed), '1');
});

affinity.shouldNot(
  'execCPUAffinity.final-omitted',
  'without final the CPUs are the cgroup’s affair',
  async (t) => {
    const container = await t.start(`${allowed}; exec sleep 1000`, (config) => {
      config.process.execCPUAffinity = { initial: '0' };
    });
    assert.match(await container.exec(allowed), /^\d/);
  },
);

affinity.must('execCPUAffinity/invalid', 'a list that is none is an error', async (t) => {
  const outcome = await t.run('true', (config) => {
    config.process.execCPUAffinity = { initial: 'some' };
  });
  assert.ok(outcome.code !== 0 && outcome.signal === null);
});

const policy = section('config-linux.md#configLinuxMemoryPolicy', 'Memory policy');

const numa = (() => {
  try {
    return readFileSync('/proc/self/numa_maps', 'utf8') !== '';
  } catch {
    return false;
  }
})();

/** The mode's number with its flags, and the nodes' mask. */
async function memoryPolicy(t: Context, wanted: object): Promise<string> {
  t.needs(numa, 'a kernel with NUMA');
  t.probe();
  return t.inside('probe mempolicy', (config) => {
    config.linux.memoryPolicy = wanted;
  });
}

for (const [mode, number, nodes] of [
  ['MPOL_DEFAULT', 0, undefined],
  ['MPOL_PREFERRED', 1, '0'],
  ['MPOL_BIND', 2, '0'],
  ['MPOL_INTERLEAVE', 3, '0'],
  ['MPOL_LOCAL', 4, undefined],
  ['MPOL_PREFERRED_MANY', 5, '0'],
  ['MPOL_WEIGHTED_INTERLEAVE', 6, '0'],
] as const) {
  policy.property(`mode/${mode}`, `the mode is ${mode}`, async (t) => {
    if (mode === 'MPOL_WEIGHTED_INTERLEAVE') t.needs(kernelIs(6, 9), 'Linux 6.9');
    const said = await memoryPolicy(t, nodes === undefined ? { mode } : { mode, nodes });
    assert.equal(said, `${number} ${nodes === undefined ? 0 : 1}`);
  });
}

for (const [flag, bit] of [
  ['MPOL_F_STATIC_NODES', 1 << 15],
  ['MPOL_F_RELATIVE_NODES', 1 << 14],
  ['MPOL_F_NUMA_BALANCING', 1 << 13],
] as const) {
  policy.property(`flags/${flag}`, `${flag} is set`, async (t) => {
    const said = await memoryPolicy(t, { mode: 'MPOL_BIND', nodes: '0', flags: [flag] });
    assert.equal(said, `${2 | bit} 1`);
  });
}

for (const [name, wanted] of [
  ['mode', { mode: 'MPOL_IMAGINARY' }],
  ['mode-missing', { nodes: '0' }],
  ['nodes', { mode: 'MPOL_BIND', nodes: 'some' }],
  ['nodes-needed', { mode: 'MPOL_BIND' }],
  ['nodes-forbidden', { mode: 'MPOL_LOCAL', nodes: '0' }],
  ['flags', { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_IMAGINARY'] }],
] as const) {
  policy.must(`${name}/invalid`, `an invalid ${name} is an error`, async (t) => {
    await t.refuses(
      (config) => {
        config.linux.memoryPolicy = wanted;
      },
      numa
        ? (config) => {
            config.linux.memoryPolicy = { mode: 'MPOL_BIND', nodes: '0' };
          }
        : undefined,
    );
  });
}

export const sections = [scheduler, io, affinity, policy];
