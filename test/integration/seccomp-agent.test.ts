import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { LinuxSeccomp } from '../../ts/spec/types.js';
import { Lab, type Mutate } from '../support/lab.js';
import { SeccompAgent } from '../support/seccomp-agent.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const python = skipUnless(
  process.geteuid?.() === 0 && spawnSync('python3', ['-V']).status === 0,
  'root and python3',
);

const ENOSPC = 28;
const MKDIR = ['mkdir', 'mkdirat'];

const notifying =
  (
    path: string,
    names: readonly string[],
    mutate: Mutate = () => {},
    more: Partial<LinuxSeccomp> = {},
  ): Mutate =>
  (spec, bundle) => {
    spec.linux.seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      listenerPath: path,
      syscalls: [{ names: [...names], action: 'SCMP_ACT_NOTIFY' }],
      ...more,
    };
    mutate(spec, bundle);
  };

const socketPath = (): string => join(lab.folder, `${lab.name()}.sock`);

/** What a script prints in a container that is watched, and what the agent heard. */
async function watched(
  script: string,
  policy: string,
  names: readonly string[],
  mutate?: Mutate,
  more?: Partial<LinuxSeccomp>,
) {
  const path = socketPath();
  const agent = await SeccompAgent.start(path, policy);
  try {
    const out = lab.inside(script, notifying(path, names, mutate, more));
    return { out, reports: agent.reports };
  } finally {
    await agent.stop();
  }
}

const users: readonly (readonly [string, Mutate])[] = [
  ['root with no_new_privs', () => {}],
  ['root without', (spec) => void (spec.process.noNewPrivileges = false)],
  ['a user with no_new_privs', (spec) => void (spec.process.user = { uid: 1000, gid: 1000 })],
  [
    'a user without',
    (spec) => {
      spec.process.noNewPrivileges = false;
      spec.process.user = { uid: 1000, gid: 1000 };
    },
  ],
  [
    'root of a user namespace without',
    (spec) => {
      spec.process.noNewPrivileges = false;
      spec.linux.namespaces.push({ type: 'user' });
      spec.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
      spec.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65536 }];
    },
  ],
];

for (const [who, mutate] of users) {
  python(test)(`the agent decides about system calls, for ${who}`, async () => {
    const { out, reports } = await watched(
      'mkdir /dev/shm/x 2>&1; true',
      `errno:${ENOSPC}`,
      MKDIR,
      mutate,
    );
    assert.match(out, 'No space left on device');
    assert.ok(reports.some(({ syscall }) => syscall !== undefined));
  });

  python(test)(
    `init passes through an agent that is asked about everything, for ${who}`,
    async () => {
      const { out, reports } = await watched('echo fine', 'continue', ['getuid'], mutate, {
        defaultAction: 'SCMP_ACT_NOTIFY',
        syscalls: [],
      });
      assert.is(out, 'fine');
      assert.ok(reports.length > 20);
    },
  );
}

python(test)(
  'the agent gets one container process state with one descriptor, and the end',
  async () => {
    const path = socketPath();
    const agent = await SeccompAgent.start(path, 'continue');
    const bundle = lab.bundle(
      notifying(
        path,
        MKDIR,
        (spec) => {
          spec.process.args = ['sh', '-c', 'mkdir /dev/shm/x; echo made; exec sleep 1000'];
          spec.annotations = { 'org.example': 'ü' };
        },
        { listenerMetadata: 'MKDIR=all' },
      ),
    );
    const container = lab.start(bundle);
    const report = await agent.next();
    const { state } = report?.state ?? {};
    assert.is(report?.fds, 1);
    assert.equal(report?.state?.fds, ['seccompFd']);
    assert.is(report?.state?.pid, container.pid);
    assert.is(report?.state?.metadata, 'MKDIR=all');
    assert.is(report?.state?.ociVersion, '1.3.0');
    assert.is(state?.['id'], container.id);
    assert.is(state?.['pid'], container.pid);
    assert.is(state?.['status'], 'created');
    assert.is(state?.['bundle'], bundle);
    assert.equal(state?.['annotations'], { 'org.example': 'ü' });
    lab.ok(['delete', '--force', container.id]);
    const reports = await agent.stop();
    assert.is(reports.filter((one) => one.state !== undefined).length, 1);
  },
);

python(test)('create alone asks nobody', () => {
  // Nobody listens there: whoever connected would fail.
  const container = lab.create(lab.bundle(notifying(socketPath(), MKDIR)));
  lab.ok(['delete', '--force', container.id]);
});

python(test)('neither descriptor nor process of the hand-over stays in the container', async () => {
  const script = `
    ls -l /proc/self/fd | grep -c anon
    for process in /proc/[0-9]*; do [ $process = /proc/1 ] || cat $process/comm; done
    grep SigIgn: /proc/1/status`;
  const SIGCHLD = 1n << 16n;
  const { out } = await watched(script, 'continue', MKDIR);
  const [descriptors, ignored, ...processes] = out.split('\n');
  assert.is(descriptors, '0');
  assert.equal(processes, []);
  assert.is(BigInt(`0x${ignored?.split('\t')[1]}`) & SIGCHLD, 0n);
});

python(test)('WAIT_KILLABLE_RECV, LOG and TSYNC go with a listener', async () => {
  const flags = ['WAIT_KILLABLE_RECV', 'LOG', 'TSYNC', 'SPEC_ALLOW'];
  const { out } = await watched('mkdir /dev/shm/x && echo fine', 'continue', MKDIR, undefined, {
    flags: flags.map((name) => `SECCOMP_FILTER_FLAG_${name}`),
  });
  assert.is(out, 'fine');
});

python(test)('an agent that dies leaves nobody waiting: its calls are not there', async () => {
  const { out } = await watched('mkdir /dev/shm/x 2>&1; true', 'die', MKDIR);
  assert.match(out, 'Function not implemented');
});

python(test)('init too goes on when the agent died, and says what failed', async () => {
  const path = socketPath();
  const agent = await SeccompAgent.start(path, 'die');
  const message = lab.refuses(notifying(path, ['execve', 'execveat']));
  assert.match(message, /exec.*function not implemented/i);
  await agent.stop();
});

python(test)('run fails and leaves nothing when nobody listens', () => {
  const path = socketPath();
  assert.match(
    lab.refuses(notifying(path, MKDIR)),
    `the socket ${path} of linux.seccomp.listenerPath can't be used: there is no such file`,
  );
});

python(test)('start fails and the container is stopped when nobody listens', () => {
  const path = socketPath();
  const { id } = lab.create(lab.bundle(notifying(path, MKDIR)));
  assert.match(lab.fails(['start', id]), `the socket ${path} of linux.seccomp.listenerPath`);
  assert.is(lab.state(id).status, 'stopped');
  lab.ok(['delete', id]);
});

python(test)('a listenerPath without notifications is ignored', () => {
  assert.is(
    lab.inside('echo fine', notifying('/nowhere', [], undefined, { syscalls: [] })),
    'fine',
  );
});

python(test)('a container whose agent never answers can be killed', async () => {
  const path = socketPath();
  const agent = await SeccompAgent.start(path, 'keep');
  const id = lab.name();
  const bundle = lab.bundle(
    notifying(path, ['capset'], (spec) => void (spec.process.noNewPrivileges = false)),
  );
  const run = lab.spawn(['run', '--bundle', bundle, id]);
  const ended = once(run, 'exit');
  const said = text(run.stderr as NonNullable<typeof run.stderr>);
  try {
    const report = await agent.next();
    process.kill(report?.state?.pid ?? 0, 'SIGKILL');
    assert.match(await said, 'was ended by signal 9');
    assert.equal(await ended, [1, null]);
  } finally {
    await agent.stop();
  }
});

lab.finish(test);
