import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultSpec } from '../../../ts/spec/default.js';
import { validateSpec } from '../../../ts/spec/parse.js';
import { findUnsupported } from '../../../ts/spec/unsupported.js';
import { type Broken, mapping, withTime } from './broken.js';

const notify = { names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' };

/** What is asked of the default configuration, and the one path that must be named. */
const asked: readonly (readonly [path: string, ask: (spec: Broken) => void])[] = [
  ['mounts[7].uidMappings', (spec) => mount(spec, { uidMappings: [mapping], gidMappings: [] })],
  ['mounts[7].gidMappings', (spec) => mount(spec, { uidMappings: [], gidMappings: [mapping] })],
  ['mounts[7].options: "idmap"', (spec) => mount(spec, { options: ['idmap'] })],
  ['mounts[7].options: "ridmap"', (spec) => mount(spec, { options: ['ro', 'ridmap'] })],
  ['mounts[7].options: "tmpcopyup"', (spec) => mount(spec, { options: ['tmpcopyup'] })],
  ['linux.mountLabel', (spec) => (spec.linux.mountLabel = 'x')],
  ['linux.timeOffsets', (spec) => withTime(spec, { boottime: { secs: 1 } })],
  [
    'linux.seccomp.listenerPath',
    (spec) => (spec.linux.seccomp = { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/run/x' }),
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

function mount(spec: Broken, properties: object): void {
  spec.mounts.push({ destination: '/x', type: 'tmpfs', ...properties });
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

test('all is named at once, each rule of seccomp too', () => {
  const spec = structuredClone(defaultSpec()) as Broken;
  spec.linux.mountLabel = 'x';
  spec.linux.seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    listenerPath: '/run/x',
    syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_LOG' }, notify],
  };
  assert.equal(
    findUnsupported(spec).map(({ path }) => path),
    ['linux.mountLabel', 'linux.seccomp.listenerPath', 'linux.seccomp.syscalls[1].action'],
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
