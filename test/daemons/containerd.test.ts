import { readFileSync, readlinkSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { Bed, image, notInPath } from './bed.js';
import { cgroupsOf, isFrozen, limitOf } from './cgroups.js';
import { Containerd, containerdPrograms } from './containerd.js';

const bed = new Bed(containerdPrograms);
const containerd = new Containerd(bed);
bed.before(() => containerd.start());

/** Says that it is there, and ends with 9 when told to. */
const waiter = 'trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done';

for (const snapshotter of ['overlayfs', 'native']) {
  bed.check(`run: output, input and exit status (${snapshotter})`, () => {
    const { code, stdout, stderr } = containerd.ctr(
      [
        'run',
        '--rm',
        '--snapshotter',
        snapshotter,
        image,
        `run-${snapshotter}`,
        'sh',
        '-c',
        'read line; echo $line; echo err >&2; exit 7',
      ],
      { input: 'from outside\n' },
    );
    assert.is(code, 7);
    assert.is(stdout, 'from outside\n');
    assert.match(stderr, /err/);
  });
}

bed.check('run: the flags reach the process', () => {
  const script =
    'pwd; echo $A; ls /x; touch /f 2>/dev/null || echo readonly; awk "/Seccomp:|NoNewPrivs/ {print \\$2}" /proc/self/status; ls -l /dev/fuse | cut -c1';
  const pidFile = `${bed.folder}/flags.pid`;
  const { stdout, stderr } = containerd.sh(
    'flags',
    script,
    ...[
      '--cwd',
      '/home',
      '--env',
      'A=b',
      '--read-only',
      '--seccomp',
      '--device',
      '/dev/fuse',
      '--pid-file',
      pidFile,
    ],
    ...['--mount', `type=bind,src=${bed.bin},dst=/x,options=rbind:ro`],
  );
  assert.equal(
    stdout.trim().split('\n'),
    ['/home', 'b', 'runc', 'readonly', '1', '2', 'c'],
    stderr,
  );
  assert.match(readFileSync(pidFile, 'utf8'), /^\d+$/);
});

bed.check('run: namespaces of another container', async () => {
  const { ended } = await containerd.attached('owner', waiter);
  const pid = containerd.pid('owner');
  const { stdout, stderr } = containerd.sh(
    'guest',
    'readlink /proc/self/ns/net',
    '--with-ns',
    `network:/proc/${pid}/ns/net`,
  );
  assert.is(stdout.trim(), readlinkSync(`/proc/${pid}/ns/net`), stderr);
  containerd.ok('task', 'kill', 'owner');
  await ended;
  containerd.ok('container', 'rm', 'owner');
});

bed.check('run: capabilities', () => {
  const effective = (...flags: string[]): bigint =>
    BigInt(
      `0x${containerd.sh('caps', "awk '/CapEff/ {print $2}' /proc/self/status", ...flags).stdout.trim()}`,
    );
  const netAdmin = 1n << 12n;
  const chown = 1n << 0n;
  assert.is(effective() & netAdmin, 0n);
  assert.ok(effective('--cap-add', 'CAP_NET_ADMIN') & netAdmin);
  assert.is(effective('--cap-drop', 'CAP_CHOWN') & chown, 0n);
});

bed.check('run: a terminal', () => {
  const { code, stdout } = bed.onTerminal(
    containerd.command('run', '--rm', '--tty', image, 'tty', 'sh', '-c', 'tty; exit 3'),
  );
  assert.is(code, 3);
  assert.match(stdout, /\/dev\/pts\/0/);
});

bed.check('run: limits', async () => {
  const { child, ended } = await containerd.attached(
    'limits',
    waiter,
    '--memory-limit',
    '67108864',
    '--cpus',
    '0.5',
  );
  assert.is(limitOf('limits', 'memory.limit_in_bytes', 'memory.max') ?? '67108864', '67108864');
  containerd.ok('task', 'kill', 'limits');
  assert.is(await ended, 9, `${child.pid}`);
  containerd.ok('container', 'rm', 'limits');
});

bed.check('run: a user namespace', () => {
  const { stdout, stderr } = containerd.sh(
    'userns',
    'cat /proc/self/uid_map; id -u',
    '--uidmap',
    '0:100000:65536',
    '--gidmap',
    '0:100000:65536',
  );
  assert.equal(stdout.trim().split(/\s+/), ['0', '100000', '65536', '0'], stderr);
});

bed.check('a command that is not there: the sentence, and nothing is left', () => {
  for (const [command, sentence] of [
    ['/nix', /no such file or directory/i],
    ['nix', notInPath],
    ['/etc', /permission denied/i],
  ] as const) {
    const { code, stderr } = containerd.ctr(['run', '--rm', image, 'missing', command]);
    assert.is(code, 1);
    assert.match(stderr, /OCI runtime create failed/);
    assert.match(stderr, sentence);
    // The same name is free again.
    assert.is(containerd.sh('missing', 'exit 4').code, 4);
  }
  assert.equal(cgroupsOf('missing'), []);
});

bed.check('run --detach, task ls, the pid, kill, delete', async () => {
  containerd.ok('run', '--detach', image, 'detached', 'sh', '-c', waiter);
  assert.is(containerd.status('detached'), 'RUNNING');
  const pid = containerd.pid('detached');
  assert.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /^sh\0-c\0trap/);
  const running = containerd.ctr(['task', 'delete', 'detached']);
  assert.is(running.code, 1, 'a running task is not deleted');
  const deleted = containerd.ctr(['task', 'rm', '--force', 'detached']);
  assert.is(deleted.code, 0, deleted.stderr);
  assert.is(containerd.status('detached'), undefined);
  assert.equal(cgroupsOf('detached'), []);
  containerd.ok('container', 'rm', 'detached');
});

bed.check('kill: the signal arrives, and the status is the one of the process', async () => {
  for (const [signal, status] of [
    ['SIGTERM', 9],
    ['SIGKILL', 137],
    ['15', 9],
  ] as const) {
    const { first, ended } = await containerd.attached('killed', waiter);
    assert.is(first, 'ready');
    containerd.ok('task', 'kill', '--signal', signal, 'killed');
    assert.is(await ended, status, signal);
    assert.is(containerd.ctr(['task', 'kill', 'killed']).code, 1, 'there is no such task any more');
    containerd.ok('container', 'rm', 'killed');
  }
});

bed.check('kill --all: the other processes too', async () => {
  // As PID 1 of a namespace would: without one, the others must be killed one by one.
  const script = 'sh -c "while :; do sleep 1; done" & echo ready; wait; while :; do sleep 1; done';
  const { ended } = await containerd.attached('all', script);
  containerd.ok('task', 'kill', '--all', '--signal', 'SIGKILL', 'all');
  assert.is(await ended, 137);
  assert.equal(
    cgroupsOf('all').filter((path) => path.endsWith('/all')),
    [],
  );
  containerd.ok('container', 'rm', 'all');
});

bed.check('task exec: status, user, folder, terminal, a missing command', async () => {
  const { ended } = await containerd.attached('execs', waiter);
  const exec = (name: string, flags: readonly string[], ...command: string[]) =>
    containerd.ctr(['task', 'exec', '--exec-id', name, ...flags, 'execs', ...command], {
      input: 'fed',
    });
  const plain = exec('plain', [], 'sh', '-c', 'read line; echo $line; echo bad >&2; exit 5');
  assert.equal([plain.code, plain.stdout], [5, 'fed\n']);
  assert.match(plain.stderr, /bad/);
  assert.is(exec('user', ['--user', '1000'], 'id', '-u').stdout, '1000\n');
  assert.is(exec('folder', ['--cwd', '/home'], 'pwd').stdout, '/home\n');
  const missing = exec('missing', [], 'nix');
  assert.is(missing.code, 1);
  assert.match(missing.stderr, notInPath);
  const tty = bed.onTerminal(
    containerd.command(
      'task',
      'exec',
      '--exec-id',
      'tty',
      '--tty',
      'execs',
      'sh',
      '-c',
      'tty; exit 6',
    ),
  );
  assert.is(tty.code, 6);
  assert.match(tty.stdout, /\/dev\/pts\/\d/);
  containerd.ok('task', 'kill', 'execs');
  assert.is(await ended, 9);
  assert.is(exec('late', [], 'true').code, 1, 'nothing runs in what has stopped');
  containerd.ok('container', 'rm', 'execs');
});

bed.check('task metrics', async () => {
  const { ended } = await containerd.attached('metrics', waiter);
  const metrics = containerd.ok('task', 'metrics', 'metrics');
  assert.match(metrics, /pids\.current +[1-9]/);
  containerd.ok('task', 'kill', 'metrics');
  await ended;
  containerd.ok('container', 'rm', 'metrics');
});

bed.checkWith('ps', 'task ps: the processes of the cgroup', async () => {
  const { ended } = await containerd.attached('ps', waiter);
  const pid = containerd.pid('ps');
  const listed = containerd
    .ok('task', 'ps', 'ps')
    .split('\n')
    .slice(1)
    .map((line) => Number.parseInt(line, 10));
  assert.ok(listed.includes(pid), `${listed} has ${pid}`);
  containerd.ok('task', 'kill', 'ps');
  await ended;
  containerd.ok('container', 'rm', 'ps');
});

bed.checkWith('pause', 'task pause, resume', async () => {
  const { ended } = await containerd.attached('paused', waiter);
  containerd.ok('task', 'pause', 'paused');
  assert.is(containerd.status('paused'), 'PAUSED');
  assert.ok(isFrozen('paused'));
  assert.is(containerd.ctr(['task', 'exec', '--exec-id', 'x', 'paused', 'true']).code, 1);
  containerd.ok('task', 'resume', 'paused');
  assert.is(containerd.status('paused'), 'RUNNING');
  assert.not.ok(isFrozen('paused'));
  containerd.ok('task', 'kill', 'paused');
  assert.is(await ended, 9);
  containerd.ok('container', 'rm', 'paused');
});

bed.check(
  "task checkpoint: the runtime's sentence, and the container goes on",
  async () => {
    const { ended } = await containerd.attached('kept', waiter);
    const { code, stderr } = containerd.ctr(['task', 'checkpoint', 'kept']);
    assert.is(code, 1);
    assert.match(stderr, /checkpoint is not supported: tsrunc makes no checkpoints/);
    assert.is(containerd.status('kept'), 'RUNNING');
    containerd.ok('task', 'kill', 'kept');
    assert.is(await ended, 9);
    containerd.ok('container', 'rm', 'kept');
  },
  bed.runtimeName === 'tsrunc' ? undefined : 'tsrunc',
);

bed.check('with an end of the containers, nothing is left of them', () => {
  assert.is(containerd.ok('task', 'ls').trim().split('\n').length, 1);
  assert.is(containerd.ok('container', 'ls', '--quiet').trim(), '');
});

bed.finish();
