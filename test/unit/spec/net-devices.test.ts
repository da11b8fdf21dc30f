import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultSpec } from '../../../ts/spec/default.js';
import { validateSpec } from '../../../ts/spec/parse.js';
import type { Broken } from './broken.js';

/** config-linux.md, "Network Devices": what is wrong, and the one path that must be named. */
const cases: readonly (readonly [path: string, spoil: (spec: Broken) => void])[] = [
  ['linux.netDevices["a/b"]', (spec) => (spec.linux.netDevices = { 'a/b': {} })],
  [
    'linux.netDevices["eth0"].name',
    (spec) => (spec.linux.netDevices = { eth0: { name: 'longer-than-15-c' } }),
  ],
  ['linux.netDevices["eth0"]', (spec) => (spec.linux.netDevices = { eth0: 7 })],
  // Bytes count, and of those the kernel takes 0xa0, the second of à, for a space.
  ['linux.netDevices["éééééééé"]', (spec) => (spec.linux.netDevices = { éééééééé: {} })],
  ['linux.netDevices["eth0"].name', (spec) => (spec.linux.netDevices = { eth0: { name: 'à' } })],
  ['linux.netDevices["eth0"].name', (spec) => (spec.linux.netDevices = { eth0: { name: '..' } })],
  ['linux.netDevices["eth0"].name', (spec) => (spec.linux.netDevices = { eth0: { name: 'a%s' } })],
  ['linux.netDevices["eth0"].name', (spec) => (spec.linux.netDevices = { eth0: { name: '%d%d' } })],
  [
    'linux.netDevices["eth1"].name',
    (spec) => (spec.linux.netDevices = { eth0: { name: 'x' }, eth1: { name: 'x' } }),
  ],
  [
    'linux.netDevices["eth1"].name',
    (spec) => (spec.linux.netDevices = { eth0: {}, eth1: { name: 'eth0' } }),
  ],
  ['linux.netDevices["lo"]', (spec) => (spec.linux.netDevices = { lo: {} })],
  [
    'linux.netDevices',
    (spec) => {
      spec.linux.netDevices = { eth0: {} };
      spec.linux.namespaces = spec.linux.namespaces.filter(
        ({ type }: { type: string }) => type !== 'network',
      );
    },
  ],
];

const test = suite('network devices that are refused');

for (const [index, [path, spoil]] of cases.entries()) {
  test(`${index}: ${path}`, () => {
    const spec = structuredClone(defaultSpec()) as Broken;
    spoil(spec);
    assert.equal(
      validateSpec(spec).map((violation) => violation.path),
      [path],
    );
  });
}

test.run();
