import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { features } from '../../../ts/lifecycle/features.js';
import { defaultSpec } from '../../../ts/spec/default.js';
import { parseSpec } from '../../../ts/spec/parse.js';
import type { Linux, Spec } from '../../../ts/spec/types.js';
import { findUnsupported } from '../../../ts/spec/unsupported.js';
import { tsrunc } from './command.js';

/** What is wrong with a config.json: nothing, if it says what `features` promises. */
const refusals = (change: (spec: Spec & { linux: Linux }) => void): string[] => {
  const spec = defaultSpec() as Spec & { linux: Linux };
  change(spec);
  return findUnsupported(parseSpec(JSON.stringify(spec))).map(({ path }) => path);
};

test('the command prints them as JSON', () => {
  const { status, stdout, stderr } = tsrunc(['features']);
  assert.is(status, 0);
  assert.is(stderr, '');
  assert.equal(JSON.parse(stdout), features());
});

test('both versions may be asked for', () => {
  for (const ociVersion of [features().ociVersionMin, features().ociVersionMax]) {
    assert.equal(
      refusals((spec) => Object.assign(spec, { ociVersion })),
      [],
    );
  }
});

test('every hook, mount option, namespace and capability may be asked for', () => {
  const { hooks, mountOptions, linux } = features();
  assert.ok(mountOptions.includes('rbind') && mountOptions.includes('rro'));
  const refused = refusals((spec) => {
    spec.hooks = Object.fromEntries(hooks.map((kind) => [kind, [{ path: '/bin/true' }]]));
    spec.mounts = mountOptions.map((option) => ({
      destination: '/mnt',
      source: '/tmp',
      type: 'none',
      options: [option],
    }));
    spec.linux.namespaces = linux.namespaces.map((type) => ({ type })) as never;
    spec.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
    spec.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 1 }];
    Object.assign(spec.process ?? {}, { capabilities: { bounding: linux.capabilities } });
  });
  assert.equal(refused, []);
});

test('the mount options are those of the specification', () => {
  const { mountOptions, linux } = features();
  const plain = 'ro rw suid nosuid dev nodev exec noexec atime noatime relatime norelatime';
  const more = 'strictatime nostrictatime diratime nodiratime symfollow nosymfollow';
  const attributes = `${plain} ${more}`.split(' ');
  const propagations = ['shared', 'slave', 'private', 'unbindable', 'bind'];
  const twice = [...attributes, ...propagations].flatMap((name) => [name, `r${name}`]);
  const superblock = 'sync async dirsync iversion noiversion lazytime nolazytime mand nomand';
  const others = `${superblock} defaults silent loud remount tmpcopyup idmap ridmap`.split(' ');
  assert.equal(mountOptions, [...twice, ...others].sort());
  assert.is(linux.mountExtensions.idmap.enabled, true);
});

test('every name of seccomp may be asked for', () => {
  const { actions, operators, archs, supportedFlags } = features().linux.seccomp;
  assert.ok(actions.includes('SCMP_ACT_ERRNO') && actions.includes('SCMP_ACT_NOTIFY'));
  const refused = refusals((spec) => {
    spec.linux.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: archs,
      flags: supportedFlags,
      listenerPath: '/run/agent',
      syscalls: [
        ...actions.map((action) => ({ names: ['mkdir'], action })),
        ...operators.map((op) => ({
          names: ['mkdir'],
          action: 'SCMP_ACT_LOG',
          args: [{ index: 0, value: 1, op }],
        })),
      ],
    } as never;
  });
  assert.equal(refused, []);
});

test('every memory policy, profile and label may be asked for', () => {
  const { memoryPolicy, apparmor, selinux } = features().linux;
  assert.ok(memoryPolicy.modes.includes('MPOL_WEIGHTED_INTERLEAVE') && apparmor.enabled);
  const nodeless = ['MPOL_DEFAULT', 'MPOL_LOCAL'];
  for (const mode of memoryPolicy.modes) {
    const nodes = nodeless.includes(mode) ? '' : '0';
    assert.equal(
      refusals((spec) => (spec.linux.memoryPolicy = { mode, nodes })),
      [],
      mode,
    );
  }
  for (const flag of memoryPolicy.flags) {
    const memoryPolicy = { mode: 'MPOL_BIND', nodes: '0', flags: [flag] };
    assert.equal(
      refusals((spec) => Object.assign(spec.linux, { memoryPolicy })),
      [],
      flag,
    );
  }
  const labels = { apparmorProfile: 'a', selinuxLabel: selinux.enabled ? 's' : '' };
  assert.equal(
    refusals((spec) => Object.assign(spec.process ?? {}, labels)),
    [],
  );
});

test('network devices and classes of service may be asked for', () => {
  const { netDevices, intelRdt } = features().linux;
  assert.equal(netDevices, { enabled: true });
  assert.equal(intelRdt, { enabled: true, schemata: true, monitoring: true });
  const refused = refusals((spec) => {
    spec.linux.netDevices = { eth0: { name: 'eth1' } };
    spec.linux.intelRdt = { closID: 'x', schemata: ['MB:0=20'], enableMonitoring: true };
  });
  assert.equal(refused, []);
});

test('what is refused is not promised', () => {
  assert.not.ok(features().linux.seccomp.archs.includes('SCMP_ARCH_S390X'));
});

test.run();
