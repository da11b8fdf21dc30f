import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TsruncError } from '../../../ts/errors.js';
import { MOUNT_ATTR } from '../../../ts/plan/kernel.js';
import type { Operation } from '../../../ts/plan/operations.js';
import { plan } from '../../../ts/plan/plan.js';
import type { Mount } from '../../../ts/spec/types.js';
import { namesOf, requestFor, type Surroundings, smallSpec } from './fixture.js';

const MS_SLAVE_REC = 0x84000;

function planMount(mount: Mount, surroundings: Surroundings = {}) {
  return plan(requestFor(smallSpec({ mounts: [mount] }), surroundings));
}

/** The operations of one kind that a mount becomes. */
function operationsOf<Name extends Operation['op']>(name: Name, mount: Mount) {
  return planMount(mount).create.filter(
    (operation): operation is Extract<Operation, { op: Name }> => operation.op === name,
  );
}

function refuses(mount: Mount, message: RegExp, surroundings: Surroundings = {}): void {
  assert.throws(
    () => planMount(mount, surroundings),
    (error: unknown) => {
      assert.instance(error, TsruncError);
      assert.match((error as TsruncError).message, message);
      assert.match((error as TsruncError).code, /^(INVALID_CONFIG|UNSUPPORTED)$/);
      return true;
    },
  );
}

test('a destination is normal and absolute', () => {
  for (const [destination, target] of [
    ['/data', '/data'],
    ['data', '/data'],
    ['/data/', '/data'],
    ['//a/./b//c/../d', '/a/b/d'],
    ['/../../etc', '/etc'],
    ['/', '/'],
  ] as const) {
    const [mount] = operationsOf('mount', { destination, type: 'tmpfs' });
    assert.is(mount?.target, target);
  }
});

test('a relative source lies in the bundle', () => {
  const sourceOf = (source: string) =>
    operationsOf('bindMount', { destination: '/x', source, options: ['bind'] })[0]?.source;
  assert.is(sourceOf('data'), '/bundle/data');
  assert.is(sourceOf('../data'), '/data');
  assert.is(sourceOf('/srv/data'), '/srv/data');
});

test('a bind mount is one mount, rbind its whole tree', () => {
  const recursive = (mount: Partial<Mount>) =>
    operationsOf('bindMount', { destination: '/x', source: '/y', ...mount })[0]?.recursive;
  assert.is(recursive({ options: ['bind'] }), false);
  assert.is(recursive({ type: 'bind' }), false);
  assert.is(recursive({ type: 'bind', options: ['rbind'] }), true);
  assert.is(recursive({ type: 'none', options: ['rbind'] }), true);
});

test('nothing goes out of a bind mount, unless that is asked for', () => {
  const propagation = (...options: string[]) =>
    operationsOf('bindMount', { destination: '/x', source: '/y', options: ['bind', ...options] })[0]
      ?.propagation;
  assert.equal(propagation(), [MS_SLAVE_REC]);
  assert.equal(propagation('rshared'), [0x104000]);
  assert.equal(propagation('private'), [0x40000]);
});

test('a read-only tmpfs becomes read-only when everything is in it', () => {
  const { create } = planMount({ destination: '/dev', type: 'tmpfs', options: ['ro', 'nosuid'] });
  const [mounted, remounted] = create.filter(({ op }) => op === 'mount' || op === 'remount');
  assert.ok(mounted?.op === 'mount' && mounted.set === 0x2n);
  assert.ok(remounted?.op === 'remount' && remounted.target === '/dev' && remounted.set === 1n);
  const order = namesOf({ stage: [], create, start: [] });
  assert.ok(order.indexOf('remount') > order.lastIndexOf('makeNode'));
  assert.ok(order.indexOf('remount') > order.indexOf('changeRoot'));
});

test('a read-only file system of another kind is so at once', () => {
  const { create } = planMount({ destination: '/sys', type: 'sysfs', options: ['ro'] });
  assert.ok(create.some((operation) => operation.op === 'mount' && operation.set === 1n));
  assert.not(create.some(({ op }) => op === 'remount'));
});

test('nothing is made in a /dev that is bound', () => {
  const { create } = planMount({ destination: '/dev/', source: '/dev', options: ['rbind'] });
  assert.equal(
    create.filter(({ op }) => ['makeNode', 'bindNode', 'symlink'].includes(op)),
    [],
  );
});

test('on /proc there is a procfs or nothing', () => {
  const message = /mounts\[0\]\.destination: only a proc file system may be mounted on \/proc/;
  for (const destination of ['/proc', 'proc', '/proc/', '//proc', '/x/../proc']) {
    refuses({ destination, type: 'tmpfs' }, message);
    refuses({ destination, source: '/elsewhere', options: ['bind'] }, message);
  }
  planMount({ destination: '/proc', type: 'proc' });
  planMount({ destination: '/proc', source: '/proc', options: ['rbind'] });
});

test('in /proc only files of the same meaning may be replaced', () => {
  for (const path of ['sys', 'self', '1/attr', 'self/attr/exec', 'meminfo/x', 'bus/../sys']) {
    const destination = `/proc/${path}`;
    refuses({ destination, type: 'tmpfs' }, /lies in \/proc/);
    refuses({ destination, source: '/x', options: ['bind'] }, /lies in \/proc/);
  }
  for (const path of ['cpuinfo', 'meminfo', 'loadavg', 'net/dev', 'sys/kernel/ns_last_pid']) {
    planMount({ destination: `/proc/${path}`, source: '/x', options: ['bind'] });
  }
  planMount({ destination: '/processes', type: 'tmpfs' });
});

test('procfs and sysfs are not mounted through symlinks', () => {
  for (const type of ['proc', 'sysfs']) {
    const [mount] = operationsOf('mount', { destination: `/${type}`, type });
    assert.is(mount?.noSymlinks, true);
  }
});

test('a mount without what it needs is refused with its number', () => {
  refuses({ destination: '/x' }, /^config\.json: mounts\[0\]\.type: is needed/);
  refuses({ destination: '/x', type: 'bind' }, /mounts\[0\]\.source: is needed/);
});

test("a file system's options are refused where there is none to take them", () => {
  refuses(
    { destination: '/x', source: '/y', options: ['bind', 'size=1k', 'sync', 'async'] },
    /"sync,size=1k" belongs to a file system and means nothing to a bind mount/,
  );
  refuses(
    { destination: '/x', options: ['remount', 'bind', 'mode=1', 'iversion'] },
    /"iversion,mode=1" belongs to a file system and means nothing to a remount of a bind mount/,
  );
  refuses(
    { destination: '/sys/fs/cgroup', type: 'cgroup', options: ['nsdelegate'] },
    /means nothing to a cgroup mount/,
  );
});

test('a remount without bind changes the file system too', () => {
  const [remount] = operationsOf('remount', {
    destination: '/x',
    options: ['remount', 'ro', 'size=1m', 'sync'],
  });
  assert.equal(remount?.options, ['sync', 'size=1m']);
  refuses({ destination: '/x', options: ['remount', 'iversion'] }, /"iversion" is given to new/);
});

test('a tmpfs takes its mode from the directory below unless it has one, its owner with tmpcopyup', () => {
  const keeps = (...options: string[]) => {
    const [mount] = operationsOf('mount', { destination: '/x', type: 'tmpfs', options });
    return [mount?.keepMode, mount?.keepOwner, mount?.copyUp];
  };
  assert.equal(keeps(), [true, false, false]);
  assert.equal(keeps('mode=755'), [false, false, false]);
  assert.equal(keeps('tmpcopyup'), [true, true, true]);
  assert.equal(keeps('tmpcopyup', 'mode=755', 'uid=5'), [false, false, true]);
  const [other] = operationsOf('mount', { destination: '/x', type: 'ramfs' });
  assert.is(other?.keepMode, false);
});

test('tmpcopyup is refused for anything but a new tmpfs', () => {
  for (const mount of [
    { type: 'ramfs', options: ['tmpcopyup'] },
    { type: 'tmpfs', source: '/y', options: ['bind', 'tmpcopyup'] },
    { type: 'tmpfs', options: ['remount', 'tmpcopyup'] },
  ]) {
    refuses({ destination: '/x', ...mount }, /"tmpcopyup" is for a new tmpfs only/);
  }
});

test('a mount label becomes the context of what takes one, and an error without SELinux', () => {
  const mountLabel = 'system_u:object_r:container_file_t:s0:c1,c2';
  const contexts = (selinux: boolean, ...mounts: Mount[]) => {
    const linux = { namespaces: [{ type: 'mount' }], mountLabel };
    const request = requestFor(smallSpec({ mounts, linux }), { host: { selinux } });
    return plan(request).create.flatMap((operation) =>
      operation.op === 'mount' ? [operation.options] : [],
    );
  };
  const context = `context=${mountLabel}`;
  const types = ['tmpfs', 'devpts', 'proc', 'sysfs', 'mqueue'];
  const mounts = types.map((type) => ({ destination: `/${type}`, type }));
  assert.equal(contexts(true, ...mounts.slice(0, 2)), [[context], [context]]);
  mounts.splice(0, 2);
  assert.equal(contexts(true, { destination: '/x', type: 'tmpfs', options: ['rootcontext=a'] }), [
    ['rootcontext=a'],
  ]);
  assert.throws(() => contexts(false), /linux\.mountLabel: SELinux is not enabled on this host/);
});

test('a cgroup mount needs cgroups, and one of its own', () => {
  const mount = { destination: '/sys/fs/cgroup', type: 'cgroup' };
  refuses(mount, /this host has no cgroups/, { layout: 'none' });
  const { cgroup: _, ...without } = requestFor(smallSpec({ mounts: [mount] }));
  assert.throws(() => plan(without), /needs a cgroup of the container or a cgroup namespace/);
});

test("an ordinary user's container without a cgroup of its own sees its caller's, read-only", () => {
  const mount = { destination: '/sys/fs/cgroup', type: 'cgroup' };
  for (const layout of ['v1', 'v2'] as const) {
    const { cgroup: _, ...request } = requestFor(smallSpec({ mounts: [mount] }), { layout });
    const host = { ...request.host, privileged: false };
    const binds = plan({ ...request, host }).create.filter(({ op }) => op === 'bindMount');
    const sources = binds.map((bind) => 'source' in bind && bind.source);
    const expected = {
      v1: ['/sys/fs/cgroup/cpu,cpuacct/', '/sys/fs/cgroup/memory/', '/sys/fs/cgroup/systemd/'],
      v2: ['/sys/fs/cgroup/user.slice'],
    };
    assert.equal(sources, expected[layout]);
    assert.ok(binds.every((bind) => 'set' in bind && bind.set & MOUNT_ATTR.rdonly));
  }
});

test('without a mount namespace, what would change the host is refused', () => {
  const namespaces = [{ type: 'pid' }];
  const message = /need a mount namespace/;
  for (const parts of [
    { mounts: [{ destination: '/x', type: 'tmpfs' }], linux: { namespaces } },
    { linux: { namespaces, maskedPaths: ['/x'] } },
    { linux: { namespaces, readonlyPaths: ['/x'] } },
    { linux: { namespaces }, root: { path: 'rootfs', readonly: true } },
    { linux: { namespaces }, process: { terminal: true } },
  ]) {
    assert.throws(() => plan(requestFor(smallSpec(parts))), message);
  }
});

test.run();
