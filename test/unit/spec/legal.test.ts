import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultSpec } from '../../../ts/spec/default.js';
import { validateSpec } from '../../../ts/spec/parse.js';
import { type Broken, range, withUser } from './broken.js';

/** What looks odd and is legal: the specification has it, or the field writes it. */
const legal: readonly (readonly [what: string, make: (spec: Broken) => void])[] = [
  ['a pre-release version', (spec) => (spec.ociVersion = '1.0.2-dev+x.1')],
  ['a later minor version', (spec) => (spec.ociVersion = '1.99.0')],
  ['a relative destination', (spec) => (spec.mounts = [{ destination: 'proc', type: 'proc' }])],
  [
    'a bind mount without a type',
    (spec) => (spec.mounts = [{ destination: '/x', source: 'data', options: ['bind'] }]),
  ],
  ['an unknown capability', (spec) => (spec.process.capabilities.bounding = ['CAP_FUTURE'])],
  ['a reservation above the limit', (spec) => memory(spec, { limit: 100000, reservation: 200000 })],
  ['no limit by -1', (spec) => memory(spec, { limit: 10, swap: -1, reservation: -1 })],
  ['no pids limit', (spec) => (spec.linux.resources.pids = {})],
  ['a burst without a quota', (spec) => (spec.linux.resources.cpu = { quota: -1, burst: 5 })],
  [
    'lists with spaces, or empty',
    (spec) => (spec.linux.resources.cpu = { cpus: ' 0-1, 3\n', mems: '' }),
  ],
  [
    'the largest numbers',
    (spec) =>
      (spec.process.rlimits = [{ type: 'RLIMIT_CPU', soft: 2n ** 64n - 1n, hard: 2n ** 64n - 1n }]),
  ],
  [
    'a joined uts namespace with a hostname',
    (spec) => (spec.linux.namespaces[3].path = '/run/uts'),
  ],
  [
    'a joined user namespace without mappings',
    (spec) => spec.linux.namespaces.push({ type: 'user', path: '/run/user' }),
  ],
  [
    'mappings that touch and reach the last id',
    (spec) =>
      withUser(spec, {
        uidMappings: [
          { containerID: 10, hostID: 2 ** 32 - 11, size: 10 },
          { containerID: 0, hostID: 2 ** 32 - 21, size: 10 },
        ],
      }),
  ],
  ['340 mappings', (spec) => withUser(spec, { uidMappings: range(340) })],
  ['a pipe without numbers', (spec) => (spec.linux.devices = [{ type: 'p', path: '/dev/fifo' }])],
  ['an empty propagation', (spec) => (spec.linux.rootfsPropagation = '')],
  ['a relative cgroup path with dots', (spec) => (spec.linux.cgroupsPath = 'a..b/...')],
  [
    'sysctls of its own namespaces, by dots and slashes',
    (spec) =>
      (spec.linux.sysctl = {
        'net/ipv4/conf/eth0.1/forwarding': '1',
        'net.ipv4.ip_forward': '1',
        'kernel.sem': '1 2 3 4',
        'kernel.domainname': 'x',
      }),
  ],
  ['the default class of RDT', (spec) => (spec.linux.intelRdt = { closID: '/', memBwSchema: '' })],
  [
    'network devices that keep their name or get a number',
    (spec) => (spec.linux.netDevices = { eth0: {}, eth1: { name: '' }, eth2: { name: 'net%d' } }),
  ],
  [
    'network devices that change names, and names that the kernel takes',
    (spec) =>
      (spec.linux.netDevices = {
        eth0: { name: 'eth1' },
        eth1: { name: 'eth0' },
        a: { name: 'net%d' },
        b: { name: 'net%d' },
        'wän.7@x': { name: 'ééééééé' },
      }),
  ],
];

function memory(spec: Broken, limits: object): void {
  spec.linux.resources.memory = limits;
}

const test = suite('legal configurations');

for (const [what, make] of legal) {
  test(what, () => {
    const spec = structuredClone(defaultSpec()) as Broken;
    make(spec);
    assert.equal(validateSpec(spec), []);
  });
}

test.run();
