import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Operation } from '../../../ts/plan/operations.js';
import { plan } from '../../../ts/plan/plan.js';
import type { Linux, Mount } from '../../../ts/spec/types.js';
import { ordinaryUser, requestFor, type Surroundings, smallSpec } from './fixture.js';

const mapping = { containerID: 0, hostID: 1000, size: 10 };
const other = { containerID: 5, hostID: 7, size: 1 };
const bind: Mount = { destination: '/x', source: '/y', options: ['rbind', 'ridmap'] };
const own: Mount = { ...bind, uidMappings: [mapping, other], gidMappings: [mapping] };
const mount = { type: 'mount' };
const users: Linux = {
  namespaces: [mount, { type: 'user' }],
  uidMappings: [mapping],
  gidMappings: [other],
};

function planned(mounts: Mount[], linux: Linux = {}, surroundings: Surroundings = {}) {
  const spec = smallSpec({ mounts, linux: { namespaces: [mount], ...linux } });
  const { stage, create } = plan(requestFor(spec, surroundings));
  const of = <Name extends Operation['op']>(name: Name) =>
    [...stage, ...create].filter(
      (operation): operation is Extract<Operation, { op: Name }> => operation.op === name,
    );
  return { stage, of };
}

const maps = { uidMap: '0 1000 10\n5 7 1\n', gidMap: '0 1000 10\n' };

test('a namespace with the maps of the mount is made before its source is opened', () => {
  const { stage, of } = planned([own]);
  const [made] = of('makeUserNamespace');
  const [opened] = of('openSource');
  const [bound] = of('bindMount');
  assert.equal(made, { op: 'makeUserNamespace', slot: 1, ...maps });
  assert.equal(opened, {
    op: 'openSource',
    slot: 2,
    source: '/y',
    recursive: true,
    userNamespace: 1,
    mapAll: true,
  });
  assert.is(bound?.slot, 2);
  const names = stage.map(({ op }) => op);
  assert.ok(names.indexOf('makeUserNamespace') < names.indexOf('openSource'));
});

test('idmap is of one mount, as are mappings without a word', () => {
  for (const options of [['rbind', 'idmap'], ['rbind']])
    assert.is(planned([{ ...own, options }]).of('openSource')[0]?.mapAll, false);
});

test('the same maps share a namespace', () => {
  const { of } = planned([own, own, { ...own, gidMappings: [other] }]);
  assert.is(of('makeUserNamespace').length, 2);
  assert.equal(
    of('openSource').map(({ slot, userNamespace }) => [slot, userNamespace]),
    [
      [2, 1],
      [3, 1],
      [5, 4],
    ],
  );
});

test("without mappings the container's are taken, of a joined user namespace itself", () => {
  const made = planned([bind], users).of('makeUserNamespace');
  assert.equal(made, [
    { op: 'makeUserNamespace', slot: 1, uidMap: '0 1000 10\n', gidMap: '5 7 1\n' },
  ]);
  const joined = planned([bind], { namespaces: [mount, { type: 'user', path: '/ns/user' }] });
  assert.equal(joined.of('openNamespace'), [{ op: 'openNamespace', slot: 1, file: '/ns/user' }]);
  assert.equal(joined.of('makeUserNamespace'), []);
});

test('everything that is mapped is opened before any namespace is entered', () => {
  const { stage } = planned([own, { ...own, type: 'tmpfs', options: ['idmap'] }], users);
  const names = stage.map(({ op }) => op);
  const entered = names.indexOf('createUserNamespace');
  for (const name of ['makeUserNamespace', 'openSource', 'openFileSystem'] as const)
    assert.ok(names.lastIndexOf(name) < entered && names.includes(name), name);
});

test('a new file system has its options where it is made', () => {
  const options = ['idmap', 'size=1m', 'nosuid'];
  const { of } = planned([{ ...own, type: 'tmpfs', source: 'x', options }]);
  assert.equal(of('openFileSystem')[0]?.options, ['size=1m']);
  const [mounted] = of('mount');
  assert.equal([mounted?.slot, mounted?.options, mounted?.set], [2, [], 2n]);
});

test('what has no ids to map, or nobody to map them, is refused', () => {
  const refuses = (mount: Mount, message: RegExp, surroundings?: Surroundings): void => {
    assert.throws(() => planned([mount], {}, surroundings), message);
  };
  refuses({ ...own, options: ['remount', 'idmap'] }, /not by a remount/);
  const cgroup = { ...own, destination: '/sys/fs/cgroup', type: 'cgroup', options: [] };
  refuses(cgroup, /their ids can't be mapped/);
  refuses({ ...own, type: 'tmpfs', options: ['iversion', 'idmap'] }, /"iversion" can't be had/);
  refuses(own, /only for root of the host/, { host: ordinaryUser });
});

test('a map of a page is refused, its length said', () => {
  const many = Array.from({ length: 340 }, (_, index) => ({
    containerID: index,
    hostID: 100_000 + 2 * index,
    size: 1,
  }));
  const message = /mounts\[0\]\.gidMappings: its 340 lines have 4\d\d\d bytes/;
  assert.throws(() => planned([{ ...own, gidMappings: many }]), message);
  // What larger pages take, their kernel says.
  planned([{ ...own, gidMappings: many }], {}, { host: { arch: 'arm64' } });
  const linux = { ...users, uidMappings: many };
  assert.throws(() => planned([], linux), /linux\.uidMappings: its 340 lines/);
});

test('there are no more slots than init has', () => {
  const mounts = Array.from({ length: 1023 }, () => own);
  assert.throws(() => planned(mounts), /more than 1023 of them/);
  planned(mounts.slice(1));
});

test.run();
