import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultSpec } from '../../../ts/spec/default.js';
import { parseNumberList } from '../../../ts/spec/number-list.js';
import { validateSpec } from '../../../ts/spec/parse.js';
import type { LinuxMemoryPolicy, Scheduler } from '../../../ts/spec/types.js';
import type { Broken } from './broken.js';

/** The paths that are complained of, without what they have in common. */
function complaints(make: (spec: Broken) => void): string[] {
  const spec = structuredClone(defaultSpec()) as Broken;
  make(spec);
  return validateSpec(spec).map(({ path }) => path.replace(/^(process|linux)\./, ''));
}

const scheduler = (value: Scheduler) =>
  complaints((spec) => (spec.process.scheduler = value)).map((path) => path.split('.')[1]);
const memoryPolicy = (value: LinuxMemoryPolicy) =>
  complaints((spec) => (spec.linux.memoryPolicy = value)).map((path) => path.split('.')[1]);
const sysctl = (value: Record<string, string>, more: object = {}) =>
  complaints((spec) => {
    spec.linux.sysctl = value;
    Object.assign(spec, more);
  });

const test = suite('rules of scheduling, memory policy and sysctls');

test('a priority is for the real-time policies, which need one', () => {
  for (const policy of ['SCHED_FIFO', 'SCHED_RR']) {
    assert.equal(scheduler({ policy }), ['priority']);
    assert.equal(scheduler({ policy, priority: 100 }), ['priority']);
    assert.equal(scheduler({ policy, priority: -1 }), ['priority']);
    assert.equal(scheduler({ policy, priority: 1 }), []);
    assert.equal(scheduler({ policy, priority: 99 }), []);
  }
  for (const policy of ['SCHED_OTHER', 'SCHED_BATCH', 'SCHED_IDLE']) {
    assert.equal(scheduler({ policy, priority: 1 }), ['priority']);
    assert.equal(scheduler({ policy, priority: 0, nice: -20 }), []);
  }
});

test('the times of SCHED_DEADLINE must fit into each other', () => {
  const policy = 'SCHED_DEADLINE';
  assert.equal(scheduler({ policy }), ['runtime', 'deadline']);
  assert.equal(scheduler({ policy, runtime: 1023, deadline: 5000 }), ['runtime']);
  assert.equal(scheduler({ policy, runtime: 2000, deadline: 1999 }), ['deadline']);
  assert.equal(scheduler({ policy, runtime: 2000, deadline: 3000, period: 2999 }), ['period']);
  assert.equal(scheduler({ policy, runtime: 2000, deadline: 3000, period: 3000 }), []);
  assert.equal(scheduler({ policy, runtime: 2000, deadline: 2n ** 62n, period: 0 }), []);
  assert.equal(scheduler({ policy: 'SCHED_OTHER', period: 5 }), ['period']);
});

test('nodes go with the modes that are about nodes', () => {
  for (const mode of ['MPOL_DEFAULT', 'MPOL_LOCAL']) {
    assert.equal(memoryPolicy({ mode, nodes: '0' }), ['nodes']);
    assert.equal(memoryPolicy({ mode, nodes: ' ' }), []);
  }
  for (const mode of ['MPOL_BIND', 'MPOL_INTERLEAVE', 'MPOL_WEIGHTED_INTERLEAVE']) {
    assert.equal(memoryPolicy({ mode }), ['nodes']);
    assert.equal(memoryPolicy({ mode, nodes: '0-3' }), []);
  }
  assert.equal(memoryPolicy({ mode: 'MPOL_PREFERRED_MANY', nodes: '' }), ['nodes']);
  assert.equal(memoryPolicy({ mode: 'MPOL_PREFERRED' }), []);
});

test('flags of a memory policy that exclude each other or the mode', () => {
  const fixed = 'MPOL_F_STATIC_NODES';
  const relative = 'MPOL_F_RELATIVE_NODES';
  const balancing = 'MPOL_F_NUMA_BALANCING';
  const bind = { mode: 'MPOL_BIND', nodes: '0' };
  assert.equal(memoryPolicy({ ...bind, flags: [fixed, balancing] }), []);
  assert.equal(memoryPolicy({ ...bind, flags: [fixed, relative] }), ['flags']);
  assert.equal(memoryPolicy({ ...bind, mode: 'MPOL_INTERLEAVE', flags: [balancing] }), ['flags']);
  assert.equal(memoryPolicy({ mode: 'MPOL_PREFERRED', flags: [relative] }), ['flags']);
});

test('a personality has no flags yet', () => {
  const personality = (flags: string[]) =>
    complaints((spec) => (spec.linux.personality = { domain: 'LINUX32', flags }));
  assert.equal(personality([]), []);
  assert.equal(personality(['ADDR_NO_RANDOMIZE']), ['personality.flags']);
});

test('lists of CPUs and nodes are read strictly', () => {
  assert.equal(parseNumberList(' 7, 0-2 ,2-3\n', 8), [0, 1, 2, 3, 7]);
  assert.equal(parseNumberList('', 8), []);
  for (const wrong of ['8', '0-8', '3-1', '1-', '-1', '1,,2', '0x1', '1 2', '1-2-3', '0-10:2/4']) {
    assert.is(parseNumberList(wrong, 8), undefined, wrong);
  }
  for (const list of ['8192', '5-2', '0;1']) {
    assert.equal(
      complaints((spec) => (spec.process.execCPUAffinity = { initial: list, final: list })),
      ['execCPUAffinity.initial', 'execCPUAffinity.final'],
    );
  }
  assert.equal(
    complaints((spec) => (spec.linux.resources.cpu = { cpus: '1-0', mems: '1024' })),
    ['resources.cpu.cpus', 'resources.cpu.mems'],
  );
});

test('the kernel takes 65536 further groups', () => {
  const groups = (count: number) =>
    complaints((spec) => (spec.process.user.additionalGids = Array(count).fill(1)));
  assert.equal(groups(65536), []);
  assert.equal(groups(65537), ['user.additionalGids']);
});

test('a sysctl by two names, or beside its own property, must say the same', () => {
  const both = (value: string) => ({ 'net.ipv4.ip_forward': '1', 'net/ipv4/ip_forward': value });
  assert.equal(sysctl(both('1')), []);
  assert.equal(sysctl(both('0')), ['sysctl["net/ipv4/ip_forward"]']);
  assert.equal(sysctl({ 'kernel.hostname': 'a' }, { hostname: 'a' }), []);
  assert.equal(sysctl({ 'kernel/hostname': 'a' }, { hostname: 'b' }), ['hostname']);
  assert.equal(sysctl({ 'kernel.domainname': 'a' }, { domainname: 'b' }), ['domainname']);
});

test("a sysctl must not be the host's, however it is written", () => {
  const hosts = ['kernel.panic', 'kernel/core_pattern', 'vm.overcommit_memory', 'fs.file-max'];
  const disguised = ['fs.mqueue/x', 'kernel.shmmax.x', 'net', 'kernel/shm/max', 'Kernel.shmmax'];
  const paths = ['net//x', '/net/x', 'net/./x', 'net/../kernel/panic', 'net.//.kernel.panic', '.'];
  for (const name of [...hosts, ...disguised, ...paths])
    assert.equal(sysctl({ [name]: '1' }), [`sysctl[${JSON.stringify(name)}]`], name);
});

test.run();
