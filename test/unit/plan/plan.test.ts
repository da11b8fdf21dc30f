import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { planExec } from '../../../ts/plan/exec.js';
import { formatProgram } from '../../../ts/plan/format.js';
import { plan } from '../../../ts/plan/plan.js';
import type { PlanRequest } from '../../../ts/plan/request.js';
import { defaultSpec, rootlessSpec } from '../../../ts/spec/default.js';
import { parseSpec } from '../../../ts/spec/parse.js';
import type { Spec } from '../../../ts/spec/types.js';
import { ordinaryUser, requestFor, type Surroundings, smallSpec } from './fixture.js';
import { matchSnapshot, unusedSnapshots } from './snapshot.js';

/** What `create` would do, as `tsrunc plan` prints it. Update with UPDATE_SNAPSHOTS=1. */
function snapshot(name: string, spec: Spec, surroundings: Surroundings = {}): void {
  test(name, () => {
    matchSnapshot(
      name.replaceAll(/\W+/g, '-'),
      formatProgram(plan(requestFor(spec, surroundings))),
    );
  });
}

/** The lines that a subject is about, of several plans. */
function excerpts(name: string, lines: RegExp, plans: Readonly<Record<string, PlanRequest>>): void {
  test(name, () => {
    const text = Object.entries(plans).map(([title, request]) => {
      const program = formatProgram(plan(request)).split('\n');
      return `${title}\n${program.filter((line) => lines.test(line)).join('\n')}\n`;
    });
    matchSnapshot(name.replaceAll(/\W+/g, '-'), text.join('\n'));
  });
}

for (const layout of ['v1', 'v2', 'hybrid'] as const) {
  snapshot(`the default configuration on ${layout}`, defaultSpec(), { layout });
}

const docker = new URL('../../../bundle-fixtures/docker/config.json', import.meta.url);
snapshot('what Docker asks for', parseSpec(readFileSync(docker, 'utf8')), { layout: 'hybrid' });

test('another process in the container of the default configuration', () => {
  const request = { ...requestFor(defaultSpec(), { layout: 'hybrid' }), pid: 4242 };
  matchSnapshot('exec', formatProgram(planExec(request)));
});

test('another process waits to be put into the cgroup before anything else of the container is near', () => {
  const request = { ...requestFor(defaultSpec(), { layout: 'v2' }), pid: 4242 };
  const stage = planExec({ ...request, awaitCgroup: 'systemd' }).stage.map(({ op }) => op);
  assert.equal(stage.slice(0, 2), ['openProc', 'awaitCgroup']);
  assert.not(planExec(request).stage.some(({ op }) => op === 'awaitCgroup'));
});

snapshot('the rootless configuration', rootlessSpec(1000, 1000), {
  layout: 'none',
  host: ordinaryUser,
});

const mapped = [{ containerID: 0, hostID: 100000, size: 65536 }];

snapshot(
  'a user namespace made by root',
  smallSpec({
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/data', type: 'bind', source: 'data', options: ['rbind'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', options: ['ro'] },
    ],
    process: { rlimits: [{ type: 'RLIMIT_NOFILE', soft: 64, hard: 1048576 }] },
    linux: {
      namespaces: [{ type: 'mount' }, { type: 'user' }],
      uidMappings: mapped,
      gidMappings: mapped,
      devices: [{ type: 'c', path: '/dev/fuse', major: 10, minor: 229 }],
    },
  }),
);

snapshot(
  'joined namespaces',
  smallSpec({
    linux: {
      namespaces: [
        { type: 'user', path: '/proc/7/ns/user' },
        { type: 'mount', path: '/proc/7/ns/mnt' },
        { type: 'network', path: '/run/netns/blue' },
        { type: 'pid' },
      ],
    },
  }),
);

snapshot(
  'no mount namespace at all',
  smallSpec({ linux: { namespaces: [{ type: 'uts' }] }, hostname: 'here' }),
);

const cgroupMount = [
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'ro'] },
];
const owners = {
  'a cgroup namespace': [{ type: 'mount' }, { type: 'cgroup' }],
  'no cgroup namespace': [{ type: 'mount' }],
};
excerpts(
  'a cgroup mount',
  /cgroup/,
  Object.fromEntries(
    (['v1', 'v2', 'hybrid'] as const).flatMap((layout) =>
      Object.entries(owners).map(([title, namespaces]) => [
        `${layout}, ${title}`,
        requestFor(smallSpec({ mounts: cgroupMount, linux: { namespaces } }), { layout }),
      ]),
    ),
  ),
);

snapshot(
  'devices',
  smallSpec({
    linux: {
      namespaces: [{ type: 'mount' }],
      devices: [
        { type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 0o660, uid: 1, gid: 2 },
        { type: 'u', path: '/dev/raw', major: 1, minor: 2 },
        { type: 'b', path: '/dev/sda', major: 8, minor: 0 },
        { type: 'p', path: '/run/pipe' },
        { type: 'c', path: '/dev//null', major: 1, minor: 3, fileMode: 0o600 },
      ],
    },
  }),
);

const hook = (name: string) => ({ path: `/hooks/${name}`, args: [name, 'now'], env: ['A=1'] });
snapshot(
  'hooks',
  smallSpec({
    hooks: {
      prestart: [hook('prestart')],
      createRuntime: [hook('createRuntime')],
      createContainer: [{ ...hook('createContainer'), timeout: 3 }, { path: '/hooks/bare' }],
      startContainer: [hook('startContainer')],
      poststart: [hook('poststart')],
      poststop: [hook('poststop')],
    },
  }),
);

const seccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  flags: ['SECCOMP_FILTER_FLAG_LOG'],
  syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }],
};
for (const noNewPrivileges of [true, false]) {
  snapshot(
    `seccomp ${noNewPrivileges ? 'with' : 'without'} noNewPrivileges`,
    smallSpec({
      process: { noNewPrivileges },
      linux: { namespaces: [{ type: 'mount' }], seccomp },
    }),
  );
}

snapshot(
  'a terminal',
  smallSpec({
    process: {
      terminal: true,
      consoleSize: { width: 80, height: 24 },
      user: { uid: 1000, gid: 1000 },
    },
  }),
);

snapshot('the root moved instead of pivoted', smallSpec(), { noPivot: true });

const propagations = ['shared', 'slave', 'private', 'unbindable'];
excerpts(
  'rootfsPropagation',
  /ropagation|openRoot|changeRoot/,
  Object.fromEntries(
    ['', ...propagations, ...propagations.map((name) => `r${name}`)].map((rootfsPropagation) => [
      rootfsPropagation || 'not given',
      requestFor(smallSpec({ linux: { namespaces: [{ type: 'mount' }], rootfsPropagation } })),
    ]),
  ),
);

snapshot(
  'what there is of a process',
  smallSpec({
    root: { path: 'rootfs', readonly: true },
    hostname: 'name',
    domainname: 'domain',
    process: {
      cwd: '/work',
      args: ['./run', 'a b', ''],
      env: ['PATH=/a:/b', 'X=ü'],
      user: { uid: 1000, gid: 100, umask: 0o077, additionalGids: [5, 6] },
      oomScoreAdj: -100,
      rlimits: [{ type: 'RLIMIT_CORE', soft: 0, hard: 18446744073709551615n }],
      capabilities: {
        bounding: ['CAP_KILL', 'CAP_CHOWN'],
        permitted: ['CAP_KILL'],
        effective: ['CAP_KILL', 'CAP_CHOWN'],
        inheritable: ['CAP_CHOWN'],
        ambient: ['CAP_KILL'],
      },
    },
    linux: {
      namespaces: ['mount', 'network', 'time', 'ipc'].map((type) => ({ type })),
      sysctl: { 'net.ipv4.ip_forward': '1', 'kernel/shmmax': '2' },
      maskedPaths: ['/proc/keys'],
      readonlyPaths: ['/proc/sys'],
    },
  }),
  { preserveFds: 3, listenFds: 2, awaitStart: false, noNewKeyring: true },
);

test('each snapshot belongs to a test', () => {
  assert.equal(unusedSnapshots(), []);
});

test.run();
