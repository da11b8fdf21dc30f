import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultSpec } from '../../../ts/spec/default.js';
import { validateSpec } from '../../../ts/spec/parse.js';
import { type Broken, mapping, withoutNamespace } from './broken.js';

const batch = { policy: 'SCHED_BATCH' };
const device = { type: 'c', path: '/dev/fuse', major: 10, minor: 229 };
const throttled = { major: 8, minor: 0 };
const filter = { defaultAction: 'SCMP_ACT_ALLOW' };
const rule = { names: ['chmod'], action: 'SCMP_ACT_ERRNO' };

/** What is done to the default configuration, and the one path that must be complained of. */
const cases: readonly (readonly [path: string, spoil: (spec: Broken) => void])[] = [
  // config.md, "Specification version"
  ['ociVersion', (spec) => delete spec.ociVersion],
  ['ociVersion', (spec) => (spec.ociVersion = 1)],
  ['ociVersion', (spec) => (spec.ociVersion = '1.0')],
  ['ociVersion', (spec) => (spec.ociVersion = '01.0.0')],
  ['ociVersion', (spec) => (spec.ociVersion = '2.0.0')],
  // "Root"
  ['root', (spec) => delete spec.root],
  ['root', (spec) => (spec.root = 'rootfs')],
  ['root.path', (spec) => delete spec.root.path],
  ['root.path', (spec) => (spec.root.path = '')],
  ['root.path', (spec) => (spec.root.path = 'a\0b')],
  ['root.readonly', (spec) => (spec.root.readonly = 'yes')],
  // "Mounts"
  ['mounts', (spec) => (spec.mounts = {})],
  ['mounts[0]', (spec) => (spec.mounts = ['/proc'])],
  ['mounts[0].destination', (spec) => (spec.mounts = [{ type: 'tmpfs' }])],
  ['mounts[0].type', (spec) => (spec.mounts = [{ destination: '/x' }])],
  ['mounts[0].source', (spec) => (spec.mounts = [{ destination: '/x', options: ['rbind'] }])],
  [
    'mounts[0].options[1]',
    (spec) => (spec.mounts = [{ destination: '/x', type: 'tmpfs', options: ['ro', 1] }]),
  ],
  [
    'mounts[0]',
    (spec) => (spec.mounts = [{ destination: '/x', type: 'tmpfs', uidMappings: [mapping] }]),
  ],
  // "Process"
  ['process.cwd', (spec) => delete spec.process.cwd],
  ['process.cwd', (spec) => (spec.process.cwd = 'tmp')],
  ['process.cwd', (spec) => (spec.process.cwd = '')],
  ['process.args', (spec) => delete spec.process.args],
  ['process.args', (spec) => (spec.process.args = [])],
  ['process.args[0]', (spec) => (spec.process.args = [''])],
  ['process.args[1]', (spec) => (spec.process.args = ['sh', 5])],
  ['process.args[1]', (spec) => (spec.process.args = ['sh', 'a\0b'])],
  ['process.env[0]', (spec) => (spec.process.env = ['PATH'])],
  ['process.env[0]', (spec) => (spec.process.env = ['=x'])],
  ['process.env[0]', (spec) => (spec.process.env = [null])],
  ['process.terminal', (spec) => (spec.process.terminal = 1)],
  ['process.consoleSize.width', (spec) => (spec.process.consoleSize = { height: 25 })],
  [
    'process.consoleSize.height',
    (spec) => (spec.process.consoleSize = { height: 70000, width: 80 }),
  ],
  ['process.user', (spec) => delete spec.process.user],
  ['process.user.uid', (spec) => (spec.process.user.uid = -1)],
  ['process.user.uid', (spec) => (spec.process.user.uid = 4294967295)],
  ['process.user.gid', (spec) => (spec.process.user.gid = 1.5)],
  ['process.user.uid', (spec) => (spec.process.user.uid = '0')],
  ['process.user.umask', (spec) => (spec.process.user.umask = 0o1000)],
  ['process.user.additionalGids[0]', (spec) => (spec.process.user.additionalGids = [2 ** 32])],
  ['process.capabilities.ambient[0]', (spec) => (spec.process.capabilities.ambient = [5])],
  ['process.capabilities.effective', (spec) => (spec.process.capabilities.effective = 'CAP_KILL')],
  [
    'process.rlimits[0].type',
    (spec) => (spec.process.rlimits = [{ type: 'RLIMIT_X', soft: 1, hard: 1 }]),
  ],
  [
    'process.rlimits[0].soft',
    (spec) => (spec.process.rlimits = [{ type: 'RLIMIT_CPU', soft: 2, hard: 1 }]),
  ],
  ['process.rlimits[0].hard', (spec) => (spec.process.rlimits = [{ type: 'RLIMIT_CPU', soft: 2 }])],
  [
    'process.rlimits[0].soft',
    (spec) => (spec.process.rlimits = [{ type: 'RLIMIT_CPU', soft: -1, hard: 1 }]),
  ],
  ['process.rlimits[1].type', (spec) => spec.process.rlimits.push(spec.process.rlimits[0])],
  ['process.noNewPrivileges', (spec) => (spec.process.noNewPrivileges = 'true')],
  [
    'linux.resources.memory.swappiness',
    (spec) => (spec.linux.resources.memory = { swappiness: 101 }),
  ],
  ['process.oomScoreAdj', (spec) => (spec.process.oomScoreAdj = 1001)],
  ['process.oomScoreAdj', (spec) => (spec.process.oomScoreAdj = -1001)],
  ['process.scheduler.policy', (spec) => (spec.process.scheduler = { policy: 'SCHED_FAIR' })],
  [
    'process.scheduler.nice',
    (spec) => (spec.process.scheduler = { policy: 'SCHED_OTHER', nice: 20 }),
  ],
  [
    'process.scheduler.runtime',
    (spec) => (spec.process.scheduler = { policy: 'SCHED_RR', priority: 1, runtime: 5 }),
  ],
  [
    'process.ioPriority.priority',
    (spec) => (spec.process.ioPriority = { class: 'IOPRIO_CLASS_BE', priority: 8 }),
  ],
  ['process.ioPriority.class', (spec) => (spec.process.ioPriority = { class: 'BE', priority: 1 })],
  ['process.scheduler.flags[0]', (spec) => (spec.process.scheduler = { ...batch, flags: ['X'] })],
  ['process.execCPUAffinity.initial', (spec) => (spec.process.execCPUAffinity = { initial: '-1' })],
  ['process.execCPUAffinity.final', (spec) => (spec.process.execCPUAffinity = { final: 'all' })],
  // "Hostname", "Domainname"
  ['hostname', (spec) => (spec.linux.namespaces = [{ type: 'mount' }])],
  ['hostname', (spec) => (spec.hostname = {})],
  ['domainname', (spec) => (spec.domainname = 'a\0')],
  // "POSIX-platform Hooks"
  ['hooks.prestart[0].path', (spec) => (spec.hooks = { prestart: [{ path: 'hook' }] })],
  ['hooks.poststop[0].path', (spec) => (spec.hooks = { poststop: [{}] })],
  [
    'hooks.poststart[0].timeout',
    (spec) => (spec.hooks = { poststart: [{ path: '/h', timeout: 0 }] }),
  ],
  [
    'hooks.createRuntime[0].timeout',
    (spec) => (spec.hooks = { createRuntime: [{ path: '/h', timeout: -1 }] }),
  ],
  [
    'hooks.createContainer[0].env[0]',
    (spec) => (spec.hooks = { createContainer: [{ path: '/h', env: ['x'] }] }),
  ],
  ['hooks.startContainer', (spec) => (spec.hooks = { startContainer: {} })],
  // "Annotations"
  ['annotations["a"]', (spec) => (spec.annotations = { a: 1 })],
  ['annotations[""]', (spec) => (spec.annotations = { '': 'x' })],
  ['annotations["a\\u0000"]', (spec) => (spec.annotations = { 'a\0': 'x' })],
  // config-linux.md, "Namespaces"
  ['linux.namespaces[0].type', (spec) => (spec.linux.namespaces[0].type = 'net')],
  ['linux.namespaces[0].path', (spec) => (spec.linux.namespaces[0].path = 'ns/pid')],
  ['linux.namespaces[6].type', (spec) => spec.linux.namespaces.push({ type: 'pid' })],
  // "Devices"
  ['linux.devices[0].path', (spec) => (spec.linux.devices = [{ ...device, path: 'fuse' }])],
  ['linux.devices[0].type', (spec) => (spec.linux.devices = [{ ...device, type: 'x' }])],
  [
    'linux.devices[0].major',
    (spec) => (spec.linux.devices = [{ type: 'b', path: '/dev/x', minor: 1 }]),
  ],
  ['linux.devices[0].minor', (spec) => (spec.linux.devices = [{ ...device, minor: 2 ** 20 }])],
  [
    'linux.devices[0].fileMode',
    (spec) => (spec.linux.devices = [{ ...device, fileMode: 0o200000 }]),
  ],
  ['linux.devices[1].path', (spec) => (spec.linux.devices = [device, { ...device, minor: 1 }])],
  // "Control groups"
  ['linux.cgroupsPath', (spec) => (spec.linux.cgroupsPath = '/a/../../b')],
  [
    'linux.resources.devices[0].access',
    (spec) => (spec.linux.resources.devices = [{ allow: true, access: 'rx' }]),
  ],
  [
    'linux.resources.devices[0].allow',
    (spec) => (spec.linux.resources.devices = [{ access: 'r' }]),
  ],
  [
    'linux.resources.devices[0].type',
    (spec) => (spec.linux.resources.devices = [{ allow: true, type: 'p' }]),
  ],
  ['linux.resources.memory.limit', (spec) => (spec.linux.resources.memory = { limit: '5m' })],
  ['linux.resources.memory.swap', (spec) => (spec.linux.resources.memory = { limit: 10, swap: 5 })],
  ['linux.resources.cpu.shares', (spec) => (spec.linux.resources.cpu = { shares: -1 })],
  ['linux.resources.cpu.cpus', (spec) => (spec.linux.resources.cpu = { cpus: '0-' })],
  ['linux.resources.cpu.mems', (spec) => (spec.linux.resources.cpu = { mems: '0;1' })],
  ['linux.resources.cpu.burst', (spec) => (spec.linux.resources.cpu = { quota: 10, burst: 11 })],
  ['linux.resources.cpu.quota', (spec) => (spec.linux.resources.cpu = { quota: 2n ** 63n })],
  ['linux.resources.cpu.period', (spec) => (spec.linux.resources.cpu = { period: 1e17 })],
  [
    'linux.resources.blockIO.weightDevice[0]',
    (spec) => (spec.linux.resources.blockIO = { weightDevice: [throttled] }),
  ],
  [
    'linux.resources.blockIO.throttleReadBpsDevice[0].rate',
    (spec) => (spec.linux.resources.blockIO = { throttleReadBpsDevice: [throttled] }),
  ],
  ['linux.resources.blockIO.weight', (spec) => (spec.linux.resources.blockIO = { weight: 65536 })],
  [
    'linux.resources.hugepageLimits[0].pageSize',
    (spec) => (spec.linux.resources.hugepageLimits = [{ pageSize: '2M', limit: 1 }]),
  ],
  [
    'linux.resources.network.priorities[0].name',
    (spec) => (spec.linux.resources.network = { priorities: [{ name: 'a/b', priority: 1 }] }),
  ],
  ['linux.resources.rdma["mlx5_1"]', (spec) => (spec.linux.resources.rdma = { mlx5_1: {} })],
  [
    'linux.resources.rdma["mlx5_1"].hcaHandles',
    (spec) => (spec.linux.resources.rdma = { mlx5_1: { hcaHandles: -1 } }),
  ],
  ['linux.resources.pids.limit', (spec) => (spec.linux.resources.pids = { limit: 1.5 })],
  ['linux.resources.unified["../x"]', (spec) => (spec.linux.resources.unified = { '../x': '1' })],
  // "Sysctl"
  ['linux.sysctl["kernel.panic"]', (spec) => (spec.linux.sysctl = { 'kernel.panic': '1' })],
  ['linux.sysctl["net..x"]', (spec) => (spec.linux.sysctl = { 'net..x': '1' })],
  [
    'linux.sysctl["net.ipv4.ip_forward"]',
    (spec) => (spec.linux.sysctl = { 'net.ipv4.ip_forward': 1 }),
  ],
  [
    'linux.sysctl["net.ipv4.ip_forward"]',
    (spec) => {
      spec.linux.sysctl = { 'net.ipv4.ip_forward': '1' };
      withoutNamespace(spec, 'network');
    },
  ],
  [
    'linux.sysctl["fs.mqueue.msg_max"]',
    (spec) => {
      spec.linux.sysctl = { 'fs.mqueue.msg_max': '5' };
      withoutNamespace(spec, 'ipc');
    },
  ],
  [
    'linux.sysctl["kernel.shmmax"]',
    (spec) => {
      spec.linux.sysctl = { 'kernel.shmmax': '5' };
      withoutNamespace(spec, 'ipc');
    },
  ],
  [
    'linux.sysctl["kernel.domainname"]',
    (spec) => {
      spec.linux.sysctl = { 'kernel.domainname': 'x' };
      delete spec.hostname;
      withoutNamespace(spec, 'uts');
    },
  ],
  // Both mean /proc/sys/net/../kernel/panic (sysctl(8): the first separator decides).
  [
    'linux.sysctl["net.//.kernel.panic"]',
    (spec) => (spec.linux.sysctl = { 'net.//.kernel.panic': '1' }),
  ],
  [
    'linux.sysctl["net/../kernel/panic"]',
    (spec) => (spec.linux.sysctl = { 'net/../kernel/panic': '1' }),
  ],
  // "Seccomp"
  ['linux.seccomp.defaultAction', (spec) => (spec.linux.seccomp = {})],
  [
    'linux.seccomp.listenerPath',
    (spec) => (spec.linux.seccomp = { defaultAction: 'SCMP_ACT_NOTIFY' }),
  ],
  [
    'linux.seccomp.defaultErrnoRet',
    (spec) => (spec.linux.seccomp = { ...filter, defaultErrnoRet: 1 }),
  ],
  [
    'linux.seccomp.architectures[0]',
    (spec) => (spec.linux.seccomp = { ...filter, architectures: ['x86'] }),
  ],
  ['linux.seccomp.flags[0]', (spec) => (spec.linux.seccomp = { ...filter, flags: ['LOG'] })],
  [
    'linux.seccomp.syscalls[0].names',
    (spec) => (spec.linux.seccomp = { ...filter, syscalls: [{ ...rule, names: [] }] }),
  ],
  [
    'linux.seccomp.syscalls[0].action',
    (spec) => (spec.linux.seccomp = { ...filter, syscalls: [{ names: ['x'] }] }),
  ],
  [
    'linux.seccomp.syscalls[0].args[0].index',
    (spec) =>
      (spec.linux.seccomp = {
        ...filter,
        syscalls: [{ ...rule, args: [{ index: 6, value: 1, op: 'SCMP_CMP_EQ' }] }],
      }),
  ],
  [
    'linux.seccomp.syscalls[0].args[0].op',
    (spec) =>
      (spec.linux.seccomp = {
        ...filter,
        syscalls: [{ ...rule, args: [{ index: 0, value: 1, op: 'EQ' }] }],
      }),
  ],
  [
    'linux.seccomp.listenerPath',
    (spec) =>
      (spec.linux.seccomp = {
        ...filter,
        syscalls: [{ names: ['open'], action: 'SCMP_ACT_NOTIFY' }],
      }),
  ],
  [
    'linux.seccomp.syscalls[0].errnoRet',
    (spec) =>
      (spec.linux.seccomp = {
        ...filter,
        syscalls: [{ names: ['x'], action: 'SCMP_ACT_ALLOW', errnoRet: 1 }],
      }),
  ],
  [
    'linux.seccomp.syscalls[0].errnoRet',
    (spec) => (spec.linux.seccomp = { ...filter, syscalls: [{ ...rule, errnoRet: 65536 }] }),
  ],
  [
    'linux.seccomp.syscalls[0].args[0].value',
    (spec) =>
      (spec.linux.seccomp = {
        ...filter,
        syscalls: [{ ...rule, args: [{ index: 0, value: 2n ** 64n, op: 'SCMP_CMP_EQ' }] }],
      }),
  ],
  [
    'linux.seccomp.listenerMetadata',
    (spec) => (spec.linux.seccomp = { ...filter, listenerMetadata: 'x' }),
  ],
  // "IntelRdt", "Memory policy"
  ['linux.intelRdt.closID', (spec) => (spec.linux.intelRdt = { closID: '../x' })],
  ['linux.intelRdt.memBwSchema', (spec) => (spec.linux.intelRdt = { memBwSchema: 'L3:0=f' })],
  [
    'linux.intelRdt.schemata[0]',
    (spec) => (spec.linux.intelRdt = { schemata: ['MB:0=1\nL3:0=f'] }),
  ],
  ['linux.memoryPolicy.mode', (spec) => (spec.linux.memoryPolicy = { nodes: '0' })],
  ['linux.memoryPolicy.mode', (spec) => (spec.linux.memoryPolicy = { mode: 'MPOL_MAX' })],
  [
    'linux.memoryPolicy.nodes',
    (spec) => (spec.linux.memoryPolicy = { mode: 'MPOL_BIND', nodes: 'all' }),
  ],
  [
    'linux.memoryPolicy.flags[0]',
    (spec) => (spec.linux.memoryPolicy = { mode: 'MPOL_BIND', nodes: '0', flags: ['X'] }),
  ],
  // "Rootfs Mount Propagation", "Masked Paths", "Readonly Paths", "Personality"
  ['linux.rootfsPropagation', (spec) => (spec.linux.rootfsPropagation = 'public')],
  ['linux.maskedPaths[0]', (spec) => (spec.linux.maskedPaths = ['proc/kcore'])],
  ['linux.readonlyPaths[0]', (spec) => (spec.linux.readonlyPaths = [7])],
  ['linux.personality.domain', (spec) => (spec.linux.personality = { domain: 'BSD' })],
];

const test = suite('violations of the specification');

for (const [index, [path, spoil]] of cases.entries()) {
  test(`${index}: ${path}`, () => {
    const spec = structuredClone(defaultSpec()) as Broken;
    spoil(spec);
    const found = validateSpec(spec);
    assert.equal(
      found.map((violation) => violation.path),
      [path],
      JSON.stringify(found),
    );
    assert.match(found[0]?.message ?? '', /^[^\n]{10,600}$/);
  });
}

test.run();
