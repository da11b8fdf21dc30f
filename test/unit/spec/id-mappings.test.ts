import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultSpec } from '../../../ts/spec/default.js';
import { validateSpec } from '../../../ts/spec/parse.js';
import { type Broken, mapping, range, withTime, withUser } from './broken.js';

const bind = { destination: '/x', source: '/y', options: ['bind'] };
const idMapped = {
  ...bind,
  options: ['bind', 'idmap'],
  uidMappings: [mapping],
  gidMappings: [mapping],
};

/** What is done to the default configuration, and the one path that must be complained of. */
const cases: readonly (readonly [path: string, spoil: (spec: Broken) => void])[] = [
  // config.md, "Mounts"
  [
    'mounts[0]',
    (spec) => (spec.mounts = [{ ...idMapped, uidMappings: [], gidMappings: [mapping] }]),
  ],
  ['mounts[0].options', (spec) => (spec.mounts = [{ ...bind, options: ['bind', 'idmap'] }])],
  ['mounts[0].options', (spec) => (spec.mounts = [{ ...bind, options: ['rbind', 'ridmap'] }])],
  ['mounts[0].gidMappings', (spec) => (spec.mounts = [{ ...idMapped, gidMappings: range(341) }])],
  [
    'mounts[0].uidMappings[1].hostID',
    (spec) =>
      (spec.mounts = [{ ...idMapped, uidMappings: [mapping, { ...mapping, containerID: 50 }] }]),
  ],
  [
    'mounts[0].uidMappings[0].size',
    (spec) => (spec.mounts = [{ ...idMapped, uidMappings: [{ ...mapping, size: 0 }] }]),
  ],
  // "User namespace mappings"
  ['linux.uidMappings', (spec) => (spec.linux.uidMappings = [mapping])],
  ['linux.gidMappings', (spec) => withUser(spec, { gidMappings: [] })],
  [
    'linux.uidMappings[0].size',
    (spec) => withUser(spec, { uidMappings: [{ ...mapping, size: 0 }] }),
  ],
  [
    'linux.uidMappings[1].containerID',
    (spec) => withUser(spec, { uidMappings: [mapping, { ...mapping, hostID: 5000 }] }),
  ],
  [
    'linux.uidMappings[1].hostID',
    (spec) => withUser(spec, { uidMappings: [mapping, { ...mapping, containerID: 50 }] }),
  ],
  ['linux.uidMappings', (spec) => withUser(spec, { uidMappings: range(341) })],
  [
    'linux.gidMappings[0].size',
    (spec) => withUser(spec, { gidMappings: [{ ...mapping, hostID: 2 ** 32 - 2 }] }),
  ],
  [
    'linux.gidMappings[0].hostID',
    (spec) => withUser(spec, { gidMappings: [{ containerID: 0, size: 1 }] }),
  ],
  ['process.user.uid', (spec) => withUser(spec, (spec.process.user.uid = 10) && {})],
  ['process.user.gid', (spec) => withUser(spec, (spec.process.user.gid = 10) && {})],
  [
    'process.user.additionalGids[1]',
    (spec) => withUser(spec, (spec.process.user.additionalGids = [3, 99]) && {}),
  ],
  // "Offset for time namespace"
  ['linux.timeOffsets', (spec) => (spec.linux.timeOffsets = { monotonic: { secs: 1 } })],
  ['linux.timeOffsets["realtime"]', (spec) => withTime(spec, { realtime: { secs: 1 } })],
  ['linux.timeOffsets["boottime"].secs', (spec) => withTime(spec, { boottime: { secs: 0.5 } })],
  [
    'linux.timeOffsets["boottime"].nanosecs',
    (spec) => withTime(spec, { boottime: { nanosecs: 1e9 } }),
  ],
  [
    'linux.timeOffsets["monotonic"].secs',
    (spec) => withTime(spec, { monotonic: { secs: 4_611_686_019 } }),
  ],
  [
    'linux.timeOffsets',
    (spec) => {
      spec.linux.namespaces.push({ type: 'time', path: '/proc/1/ns/time' });
      spec.linux.timeOffsets = { boottime: { secs: 1 } };
    },
  ],
];

const test = suite('mappings of ids and offsets of clocks');

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
  });
}

test('what is legal', () => {
  const legal = (change: (spec: Broken) => void): void => {
    const spec = structuredClone(defaultSpec()) as Broken;
    change(spec);
    assert.equal(validateSpec(spec), []);
  };
  const gaps = [mapping, { containerID: 100, hostID: 50, size: 1 }];
  legal((spec) => (spec.mounts = [{ ...idMapped, uidMappings: gaps }]));
  legal((spec) => (spec.mounts = [{ ...bind, uidMappings: gaps, gidMappings: gaps }]));
  legal((spec) => (spec.mounts = [{ ...bind, uidMappings: [], gidMappings: [] }]));
  legal((spec) => withUser(spec, { mounts: [{ ...bind, options: ['bind', 'ridmap'] }] }));
  legal((spec) => withUser(spec, { uidMappings: range(340) }));
  legal((spec) => withTime(spec, { monotonic: { secs: -5, nanosecs: 999_999_999 }, boottime: {} }));
});

test.run();
