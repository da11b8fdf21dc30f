import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultSpec } from '../../../ts/spec/default.js';
import { validateSpec } from '../../../ts/spec/parse.js';
import { findUnsupported } from '../../../ts/spec/unsupported.js';
import type { Broken } from './broken.js';

/** What is asked of the default configuration, and the one path that must be named. */
const asked: readonly (readonly [path: string, ask: (spec: Broken) => void])[] = [
  ['linux.resources.blockIO', (spec) => limit(spec, { blockIO: { weight: 10 } })],
  [
    'linux.resources.hugepageLimits',
    (spec) => limit(spec, { hugepageLimits: [{ pageSize: '2MB', limit: 0 }] }),
  ],
  ['linux.resources.network', (spec) => limit(spec, { network: { classID: 1 } })],
  ['linux.resources.rdma', (spec) => limit(spec, { rdma: { mlx5_1: { hcaObjects: 1 } } })],
  ['linux.resources.unified', (spec) => limit(spec, { unified: { 'memory.high': '5' } })],
  ['linux.resources.memory.kernel', (spec) => limit(spec, { memory: { kernel: 1 } })],
  ['linux.resources.memory.kernelTCP', (spec) => limit(spec, { memory: { kernelTCP: 1 } })],
  ['linux.resources.memory.swappiness', (spec) => limit(spec, { memory: { swappiness: 0 } })],
  [
    'linux.resources.memory.disableOOMKiller',
    (spec) => limit(spec, { memory: { disableOOMKiller: true } }),
  ],
  [
    'vm',
    (spec) => {
      delete spec.linux;
      delete spec.hostname;
      spec.vm = {};
    },
  ],
];

function limit(spec: Broken, resources: object): void {
  Object.assign(spec.linux.resources, resources);
}

const test = suite('what is not supported');

for (const [index, [path, ask]] of asked.entries()) {
  test(`${index}: ${path}`, () => {
    const spec = structuredClone(defaultSpec()) as Broken;
    ask(spec);
    assert.equal(validateSpec(spec), []);
    const found = findUnsupported(spec);
    assert.equal(
      found.map((violation) => violation.path),
      [path],
    );
    assert.match(found[0]?.message ?? '', 'not supported');
  });
}

test('all is named at once', () => {
  const spec = structuredClone(defaultSpec()) as Broken;
  Object.assign(spec.linux.resources ?? {}, {
    blockIO: { weight: 10 },
    rdma: { a: { hcaHandles: 1 } },
  });
  assert.equal(
    findUnsupported(spec).map(({ path }) => path),
    ['linux.resources.blockIO', 'linux.resources.rdma'],
  );
});

test('values that ask for nothing are no reason to refuse', () => {
  const spec = defaultSpec();
  Object.assign(spec.linux ?? {}, { mountLabel: '', timeOffsets: {}, netDevices: {} });
  Object.assign(spec.linux?.resources ?? {}, {
    blockIO: { weight: 0 },
    cpu: { shares: 0 },
    memory: { kernel: -1, kernelTCP: 0, disableOOMKiller: false, checkBeforeUpdate: true },
    hugepageLimits: [],
  });
  assert.equal(findUnsupported(spec), []);
});

test('a part for another platform is ignored next to the one for Linux', () => {
  assert.equal(
    findUnsupported({ ...defaultSpec(), windows: {}, vm: { kernel: {} } } as Broken),
    [],
  );
});

test.run();
