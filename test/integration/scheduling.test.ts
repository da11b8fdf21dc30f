import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LinuxMemoryPolicy, Scheduler } from '../../ts/spec/types.js';
import { kernelIs } from '../support/kernel.js';
import { Lab, type Mutate } from '../support/lab.js';
import { slowness } from '../support/patience.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = skipUnless(process.geteuid?.() === 0, 'root');
/** In a cgroup of its own a real-time process would need a share of the v1 controller's time. */
const cgroupless = ['--cgroup-manager', 'disabled'];
const fields = (stat: string) => stat.replace(/^.*\) /s, '').split(' ');

/** What a script prints in a container that stays in the caller's cgroup. */
function inside(script: string, mutate: Mutate): string {
  const bundle = lab.bundle((spec, folder) => {
    delete spec.linux.cgroupsPath;
    delete spec.linux.resources;
    spec.process.args = ['sh', '-c', script];
    mutate(spec, folder);
  });
  return lab.ok([...cgroupless, 'run', '--bundle', bundle, lab.name()]).trimEnd();
}

/** Of proc_pid_stat(5): nice, real-time priority and policy of the container's process and of a child. */
function scheduled(scheduler: Scheduler, mutate: Mutate = () => {}) {
  const out = inside('cat /proc/1/stat; cat /proc/self/stat; :', (spec, bundle) => {
    spec.process.scheduler = scheduler;
    mutate(spec, bundle);
  });
  const [own, child] = out.split('\n').map((line) => {
    const field = fields(line);
    return { nice: Number(field[16]), priority: Number(field[37]), policy: Number(field[38]) };
  });
  return { own, child };
}

const userNamespace: Mutate = (spec) => {
  spec.linux.namespaces.push({ type: 'user' });
  spec.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
  spec.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
};

root(test)('each policy is that of the process and of its children', () => {
  for (const [scheduler, expected] of [
    [
      { policy: 'SCHED_OTHER', nice: -7 },
      { nice: -7, priority: 0, policy: 0 },
    ],
    [
      { policy: 'SCHED_OTHER', nice: 19 },
      { nice: 19, priority: 0, policy: 0 },
    ],
    [
      { policy: 'SCHED_BATCH', nice: 3 },
      { nice: 3, priority: 0, policy: 3 },
    ],
    [
      { policy: 'SCHED_IDLE', nice: 4 },
      { nice: 4, priority: 0, policy: 5 },
    ],
    [
      { policy: 'SCHED_FIFO', priority: 12 },
      { nice: 0, priority: 12, policy: 1 },
    ],
    [
      { policy: 'SCHED_RR', priority: 99, nice: 2 },
      { nice: 2, priority: 99, policy: 2 },
    ],
  ] as const) {
    const { own, child } = scheduled(scheduler);
    assert.equal(own, expected, JSON.stringify(scheduler));
    assert.equal(child, expected, JSON.stringify(scheduler));
  }
});

root(test)('SCHED_FLAG_RESET_ON_FORK leaves the children out', () => {
  const flags = ['SCHED_FLAG_RESET_ON_FORK'];
  const { own, child } = scheduled({ policy: 'SCHED_FIFO', priority: 5, flags });
  assert.is(own?.policy, 1);
  assert.is(child?.policy, 0);
});

root(test)('SCHED_DEADLINE has its times', () => {
  const policy = 'SCHED_DEADLINE';
  const flags = ['SCHED_FLAG_RESET_ON_FORK', 'SCHED_FLAG_RECLAIM'];
  // By a signal, which ends the program where a machine is too slow for its times.
  if (slowness === 1) flags.push('SCHED_FLAG_DL_OVERRUN');
  const times = { runtime: 1_000_000, deadline: 20_000_000, period: 30_000_000 };
  assert.is(scheduled({ policy, flags, ...times }).own?.policy, 6);
});

root(test)(
  "scheduling is still the container's after it has become another user without privileges",
  () => {
    const { own } = scheduled({ policy: 'SCHED_RR', priority: 3 }, (spec) => {
      spec.process.user = { uid: 1000, gid: 1000 };
      spec.process.capabilities = {};
    });
    assert.is(own?.policy, 2);
  },
);

root(test)('a user namespace is no obstacle to what its maker may do', () => {
  const fifo = scheduled({ policy: 'SCHED_FIFO', priority: 4 }, userNamespace);
  assert.equal(fifo.own, { nice: 0, priority: 4, policy: 1 });
  const nice = scheduled({ policy: 'SCHED_OTHER', nice: -3 }, userNamespace);
  assert.is(nice.own?.nice, -3);
  const io = inside('ionice -p 1', (spec, bundle) => {
    userNamespace(spec, bundle);
    spec.process.ioPriority = { class: 'IOPRIO_CLASS_RT', priority: 1 };
  });
  assert.match(io, /^realtime: prio 1/);
});

root(test)('it waits for start', () => {
  const bundle = lab.bundle((spec) => {
    delete spec.linux.cgroupsPath;
    delete spec.linux.resources;
    spec.process.args = ['sleep', '100'];
    spec.process.scheduler = { policy: 'SCHED_BATCH', nice: 9 };
  });
  const id = lab.name();
  lab.ok([...cgroupless, 'create', '--bundle', bundle, id]);
  const { pid } = lab.state(id);
  const policy = () => fields(readFileSync(`/proc/${pid}/stat`, 'utf8'))[38];
  assert.is(policy(), '0');
  lab.ok(['start', id]);
  assert.is(policy(), '3');
  lab.ok(['delete', '--force', id]);
});

root(test)('what the kernel refuses is said', () => {
  const refused = (scheduler: Scheduler) => {
    const refusal = lab.refuses((spec) => (spec.process.scheduler = scheduler));
    return refusal;
  };
  assert.match(refused({ policy: 'SCHED_ISO' }), 'no Linux kernel implements SCHED_ISO');
  const clamp = refused({ policy: 'SCHED_OTHER', flags: ['SCHED_FLAG_UTIL_CLAMP_MAX'] });
  if (!readFileSync('/proc/self/sched', 'utf8').includes('uclamp'))
    assert.match(clamp, /set process\.scheduler: .*built without utilization clamping/);
  const deadline = lab.refuses((spec, bundle) => {
    userNamespace(spec, bundle);
    spec.process.scheduler = { policy: 'SCHED_DEADLINE', runtime: 1e6, deadline: 1e7 };
  });
  assert.match(deadline, /set process\.scheduler: operation not permitted.*CAP_SYS_NICE/);
});

root(test)('the I/O priority', () => {
  for (const [name, priority, expected] of [
    ['IOPRIO_CLASS_RT', 0, 'realtime: prio 0'],
    ['IOPRIO_CLASS_BE', 7, 'best-effort: prio 7'],
    ['IOPRIO_CLASS_IDLE', 0, 'idle'],
  ] as const) {
    const out = lab.inside('ionice -p 1', (spec) => {
      spec.process.ioPriority = { class: name, priority };
    });
    assert.is(out, expected);
  }
});

root(test)(
  'the cgroup decides where the container runs, not what its caller was confined to',
  () => {
    const script = 'grep ^Cpus_allowed_list: /proc/self/status';
    const all = /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    const list = (mutate: Mutate, ...options: string[]) => {
      const bundle = lab.bundle((spec, folder) => {
        spec.process.args = ['sh', '-c', script];
        mutate(spec, folder);
      });
      const command = [...options, 'run', '--bundle', bundle, lab.name()];
      return lab
        .withMounts('taskset -pc 0 $$ > /dev/null', command)
        .trim()
        .replace(/^.*:\s*/s, '');
    };
    assert.is(
      list(() => {}),
      all,
    );
    // It is for the processes of `exec`.
    assert.is(
      list((spec) => (spec.process.execCPUAffinity = { initial: '0', final: '0' })),
      all,
    );
    assert.is(
      list((spec) => (spec.linux.resources = { cpu: { cpus: '0' } })),
      '0',
    );
    const stays: Mutate = (spec) => {
      delete spec.linux.cgroupsPath;
      delete spec.linux.resources;
    };
    assert.is(list(stays, ...cgroupless), '0');
  },
);

/** What the kernel says of a mapping that the process has no policy of its own for. */
function policyInside(memoryPolicy: LinuxMemoryPolicy): string {
  const out = lab.inside('cat /proc/self/numa_maps', (spec) => {
    spec.linux.memoryPolicy = memoryPolicy;
  });
  return /^\S+ (\S+)/.exec(out)?.[1] ?? '';
}

const numa = skipUnless(
  process.geteuid?.() === 0 && /\S/.test(readFileSync('/proc/self/numa_maps', 'utf8')),
  'root and a kernel with CONFIG_NUMA',
);

numa(test)('the memory policy, with all modes and flags', () => {
  const nodes = '0';
  for (const [policy, expected] of [
    [{ mode: 'MPOL_DEFAULT' }, 'default'],
    [{ mode: 'MPOL_LOCAL' }, 'local'],
    [{ mode: 'MPOL_BIND', nodes }, 'bind:0'],
    [{ mode: 'MPOL_INTERLEAVE', nodes }, 'interleave:0'],
    ...(kernelIs(6, 9)
      ? [[{ mode: 'MPOL_WEIGHTED_INTERLEAVE', nodes }, 'weighted interleave:0'] as const]
      : []),
    [{ mode: 'MPOL_PREFERRED', nodes }, 'prefer:0'],
    [{ mode: 'MPOL_PREFERRED' }, 'local'],
    [{ mode: 'MPOL_PREFERRED_MANY', nodes }, 'prefer (many):0'],
    [{ mode: 'MPOL_BIND', nodes, flags: ['MPOL_F_STATIC_NODES'] }, 'bind=static:0'],
    [{ mode: 'MPOL_BIND', nodes, flags: ['MPOL_F_RELATIVE_NODES'] }, 'bind=relative:0'],
  ] as const) {
    assert.is(policyInside(policy as LinuxMemoryPolicy), expected.split(' ')[0], policy.mode);
  }
  // The kernel doesn't show this flag, but it takes it with these modes alone.
  policyInside({ mode: 'MPOL_BIND', nodes, flags: ['MPOL_F_NUMA_BALANCING'] });
});

numa(test)('memory nodes that the kernel does not have are said', () => {
  const refused = lab.refuses((spec) => {
    spec.linux.memoryPolicy = { mode: 'MPOL_BIND', nodes: '60' };
  });
  assert.match(refused, /set linux\.memoryPolicy: invalid argument.*are the nodes there/);
});

const x64 = skipUnless(process.geteuid?.() === 0 && process.arch === 'x64', 'root and x86_64');

x64(test)('the personality, whatever the caller has', () => {
  const machine = (domain: string | undefined, setarch: string) => {
    const bundle = lab.bundle((spec) => {
      spec.process.args = ['uname', '-m'];
      if (domain !== undefined) spec.linux.personality = { domain };
    });
    const run = ['run', '--bundle', bundle, lab.name()];
    return lab.withMounts(`set -- setarch ${setarch} "$@"`, run).trim();
  };
  assert.is(machine('LINUX32', 'x86_64'), 'i686');
  assert.is(machine('LINUX', 'i686'), 'x86_64');
  assert.is(machine('LINUX32', 'i686'), 'i686');
  assert.is(machine(undefined, 'i686'), 'i686');
});

lab.finish(test);
