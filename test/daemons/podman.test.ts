import * as assert from 'uvu/assert';
import { Bed, executable } from './bed.js';
import { cgroupsOf, isFrozen, limitOf } from './cgroups.js';
import { Podman, podmanPrograms } from './podman.js';

const bed = new Bed(podmanPrograms);
const podman = new Podman(bed);
bed.before(() => {
  bed.addUser();
  podman.start();
});

const map = (text: string): string[] => text.trim().split(/\s+/);

bed.check('run: output, input, exit status, exit codes 125 to 127', () => {
  const { code, stdout, stderr } = podman.podman(
    [
      'run',
      '--rm',
      '--interactive',
      '--network',
      'none',
      'bb',
      'sh',
      '-c',
      'cat; echo err >&2; exit 7',
    ],
    { input: 'fed\n' },
  );
  assert.equal([code, stdout, stderr], [7, 'fed\n', 'err\n']);
  assert.is(podman.run([], 'nix').code, 127);
  assert.is(podman.run([], '/nix').code, 127);
  assert.is(podman.run([], '/etc').code, 126);
  assert.is(podman.run([], '/etc/passwd').code, 126);
  assert.is(podman.run(['--no-such-flag'], 'true').code, 125);
  assert.is(podman.ok('ps', '--all', '--quiet'), '');
});

bed.check('run: a terminal', () => {
  const { code, stdout, stderr } = podman.onTerminal(
    'run',
    '--rm',
    '-it',
    '--network',
    'none',
    'bb',
    'sh',
    '-c',
    'tty; exit 3',
  );
  assert.is(code, 3, stdout + stderr);
  assert.match(stdout, /\/dev\/pts\/0/);
});

bed.check('run: a root file system that is no image', () => {
  const { code, stdout, stderr } = podman.podman([
    'run',
    '--rm',
    '--network',
    'none',
    '--rootfs',
    `${bed.rootfs}:O`,
    'echo',
    'hello',
  ]);
  assert.equal([code, stdout], [0, 'hello\n'], stderr);
});

bed.check('run: the flags reach the process', () => {
  const flags = [
    '--user',
    '1000:1000',
    '--workdir',
    '/home',
    '--env',
    'A=b',
    '--hostname',
    'named',
    '--security-opt',
    'no-new-privileges',
  ];
  const script =
    "id -u; pwd; echo $A; hostname; awk '/NoNewPrivs|Seccomp:/ {print $2}' /proc/self/status";
  assert.equal(podman.sh(script, ...flags).split('\n'), ['1000', '/home', 'b', 'named', '1', '2']);
  // Podman raises the limit of processes to its own unless told otherwise, which needs a privilege.
  const limits = ['--ulimit', 'nofile=100:200', '--ulimit', 'nproc=1024:1024'];
  const more = [
    '--sysctl',
    'kernel.msgmax=4096',
    '--oom-score-adj',
    '500',
    '--pid',
    'host',
    '--device',
    '/dev/null:/dev/other',
  ];
  const shown = podman.sh(
    'ulimit -Sn; ulimit -Hn; cat /proc/sys/kernel/msgmax /proc/self/oom_score_adj /proc/1/comm; ls -l /dev/other',
    ...limits,
    ...more,
  );
  assert.match(
    shown,
    new RegExp(`^100\n200\n4096\n500\n${bed.call('cat', ['/proc/1/comm']).stdout}crw.* 1, +3 `),
  );
});

bed.check(
  'run: --read-only, --tmpfs',
  () => {
    assert.is(
      podman.sh('touch /f 2>/dev/null || echo ro; touch /tmp/x && echo tmp', '--read-only'),
      'ro\ntmp',
    );
    assert.match(
      podman.sh('grep " /etc " /proc/mounts; cat /etc/hosts', '--tmpfs', '/etc:size=64k'),
      /^tmpfs \/etc .*size=64k.*\n.*localhost/,
    );
  },
  bed.mountOption('tmpcopyup'),
);

bed.check('run: limits', async () => {
  await podman.with('limited', ['--memory', '64m', '--pids-limit', '50', '--cpus', '0.5'], () => {
    const id = podman.inspect('limited', '.Id');
    const pids = limitOf(id, 'pids.max');
    if (pids !== undefined) assert.is(pids, '50');
    const memory = limitOf(id, 'memory.limit_in_bytes', 'memory.max');
    if (memory !== undefined) assert.is(memory, '67108864');
  });
});

bed.check('exec, top, stats, logs, stop', async () => {
  await podman.with('box', [], () => {
    const exec = (flags: readonly string[], ...command: string[]) =>
      podman.podman(['exec', ...flags, 'box', ...command], { input: 'fed' });
    const plain = exec(['--interactive'], 'sh', '-c', 'cat; echo err >&2; exit 5');
    assert.equal([plain.code, plain.stdout, plain.stderr], [5, 'fed', 'err\n']);
    assert.is(
      exec(
        ['--user', '1000:1000', '--workdir', '/home', '--env', 'A=b'],
        'sh',
        '-c',
        'id -u; pwd; echo $A',
      ).stdout,
      '1000\n/home\nb\n',
    );
    assert.is(exec([], 'nix').code, 127);
    assert.is(exec([], '/nix').code, 127);
    assert.is(exec([], '/etc').code, 126);
    const tty = podman.onTerminal('exec', '-it', 'box', 'sh', '-c', 'tty; exit 6');
    assert.is(tty.code, 6, tty.stdout);
    assert.match(tty.stdout, /\/dev\/pts\/\d/);
    podman.ok('exec', '--detach', 'box', 'touch', '/tmp/detached');
    assert.match(podman.ok('top', 'box'), /sh -c trap/);
    assert.match(podman.ok('stats', '--no-stream', '--format', '{{.PIDs}}', 'box'), /^[1-9]/);
    podman.ok('stop', '--time', '120', 'box');
    assert.is(podman.inspect('box', '.State.ExitCode'), '9');
    assert.is(podman.ok('logs', 'box'), 'ready');
    assert.is(exec([], 'true').code, 255, 'it runs no longer');
  });
});

bed.check('kill, wait, restart', async () => {
  await podman.with('killed', [], () => {
    podman.ok('kill', '--signal', 'TERM', 'killed');
    assert.is(podman.ok('wait', 'killed'), '9');
    podman.ok('start', 'killed');
    podman.ok('restart', '--time', '1', 'killed');
    podman.ok('kill', 'killed');
    assert.is(podman.ok('wait', 'killed'), '137');
  });
});

bed.checkWith('pause', 'pause, unpause', async () => {
  await podman.with('paused', [], () => {
    const id = podman.inspect('paused', '.Id');
    podman.ok('pause', 'paused');
    assert.is(podman.inspect('paused', '.State.Status'), 'paused');
    assert.ok(isFrozen(id));
    podman.ok('unpause', 'paused');
    assert.not.ok(isFrozen(id));
    assert.is(podman.podman(['exec', 'paused', 'true']).code, 0);
  });
});

bed.checkWith('update', 'update', async () => {
  await podman.with('updated', ['--memory', '64m'], () => {
    podman.ok('update', '--memory', '128m', 'updated');
    const memory = limitOf(podman.inspect('updated', '.Id'), 'memory.limit_in_bytes', 'memory.max');
    if (memory !== undefined) assert.is(memory, '134217728');
  });
});

bed.check(
  "checkpoint: Podman says that the runtime can't, and the container goes on",
  async () => {
    await podman.with('kept', [], () => {
      const { code, stderr } = podman.podman(['container', 'checkpoint', 'kept']);
      assert.is(code, 125);
      assert.match(stderr, /runtime does not support checkpoint/);
      assert.is(podman.podman(['exec', 'kept', 'true']).code, 0);
    });
  },
  withoutCheckpoints(),
);

/** What Podman asks the runtime is asked only where CRIU is. */
function withoutCheckpoints(): string | undefined {
  if (bed.has('checkpoint')) return 'a runtime without checkpoints';
  return executable('criu') === undefined ? 'criu' : undefined;
}

bed.check('a pod: its containers share namespaces', () => {
  podman.ok('pod', 'create', '--infra=false', '--name', 'pod');
  try {
    assert.is(podman.sh('echo in', '--pod', 'pod'), 'in');
    podman.ok(
      'run',
      '--detach',
      '--pod',
      'pod',
      '--name',
      'first',
      '--network',
      'none',
      'bb',
      'sleep',
      '1000',
    );
    const of = (kind: string): string =>
      podman.ok('exec', 'first', 'readlink', `/proc/1/ns/${kind}`);
    const joined = [
      '--ipc',
      'container:first',
      '--uts',
      'container:first',
      '--pid',
      'container:first',
    ];
    assert.equal(
      podman
        .sh('for n in ipc uts pid; do readlink /proc/self/ns/$n; done', '--pod', 'pod', ...joined)
        .split('\n'),
      ['ipc', 'uts', 'pid'].map(of),
    );
    assert.match(podman.ok('pod', 'ps'), /Running/);
  } finally {
    podman.ok('pod', 'rm', '--force', '--time', '0', 'pod');
  }
});

bed.check('--uidmap, --userns=auto', async () => {
  const flags = ['--uidmap', '0:600000:1000', '--gidmap', '0:600000:1000'];
  assert.equal(map(podman.sh('cat /proc/self/uid_map', ...flags)), ['0', '600000', '1000']);
  assert.is(
    podman
      .sh('touch /x; stat -c %u /x; id -u 2>&1', ...flags, '--user', '5', '--tmpfs', '/t')
      .split('\n')
      .at(-1),
    '5',
  );
  const [inside, outside] = map(podman.sh('cat /proc/self/uid_map', '--userns=auto'));
  assert.is(inside, '0');
  assert.ok(Number(outside) >= 600_000);
  await podman.with('mapped', flags, () => {
    assert.is(podman.ok('exec', 'mapped', 'id', '-u'), '0');
    assert.equal(map(podman.ok('exec', 'mapped', 'cat', '/proc/self/uid_map')), [
      '0',
      '600000',
      '1000',
    ]);
  });
});

bed.check('nothing of the containers is left', () => {
  assert.is(podman.ok('ps', '--all', '--quiet'), '');
  assert.equal(cgroupsOf('libpod-'), []);
});

bed.finish();
