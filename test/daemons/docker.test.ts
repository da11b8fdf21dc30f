import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed } from './bed.js';
import { cgroupsOf, isFrozen } from './cgroups.js';
import { Docker, dockerPrograms } from './docker.js';

const bed = new Bed(dockerPrograms);
const docker = new Docker(bed);
bed.before(() => docker.start());

bed.check('run: output, input, exit status', () => {
  const { code, stdout, stderr } = docker.docker(
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
    { input: 'from outside\n' },
  );
  assert.equal([code, stdout, stderr], [7, 'from outside\n', 'err\n']);
});

bed.check('run: a terminal', () => {
  const { code, stdout } = bed.onTerminal(
    docker.command('run', '--rm', '-it', '--network', 'none', 'bb', 'sh', '-c', 'tty; exit 3'),
  );
  assert.is(code, 3);
  assert.match(stdout, /\/dev\/pts\/0/);
});

bed.check('run: exit codes 125, 126 and 127 tell what went wrong', () => {
  for (const [code, ...command] of [
    [127, 'nix'],
    [127, '/nix'],
    [126, '/etc'],
    [126, '/etc/passwd'],
  ] as const) {
    assert.is(docker.run([], ...command).code, code, command.join(' '));
  }
  assert.is(docker.run(['--no-such-flag'], 'true').code, 125);
  assert.is(
    docker.run(['--sysctl', 'kernel.msgmax=x'], 'true').code,
    125,
    'a sysctl that the kernel refuses',
  );
  assert.equal(docker.ok('ps', '--all', '--quiet'), '');
});

bed.check('exec: output, exit codes, user, environment, folder', async () => {
  await docker.with('execs', [], () => {
    const exec = (flags: readonly string[], ...command: string[]) =>
      docker.docker(['exec', ...flags, 'execs', ...command], { input: 'fed' });
    const plain = exec(['--interactive'], 'sh', '-c', 'cat; echo err >&2; exit 5');
    assert.equal([plain.code, plain.stdout, plain.stderr], [5, 'fed', 'err\n']);
    const flags = ['--user', '1000:1000', '--env', 'A=b', '--workdir', '/home'];
    assert.is(
      exec(flags, 'sh', '-c', 'id -u; id -g; echo $A; pwd').stdout,
      '1000\n1000\nb\n/home\n',
    );
    // Docker 20.10 says 126 for what is missing too; 23 tells them apart.
    for (const missing of ['nix', '/nix']) {
      const { code, stdout, stderr } = exec([], missing);
      assert.ok(code === 126 || code === 127, `${code}`);
      assert.match(stdout + stderr, /executable file not found|no such file or directory/);
    }
    assert.is(exec([], '/etc').code, 126);
    const tty = bed.onTerminal(docker.command('exec', '-it', 'execs', 'sh', '-c', 'tty; exit 6'));
    assert.is(tty.code, 6);
    assert.match(tty.stdout, /\/dev\/pts\/\d/);
  });
});

bed.check('stop: SIGTERM, then SIGKILL', async () => {
  await docker.with('stopped', [], () => {
    docker.ok('stop', '--time', '120', 'stopped');
    assert.is(docker.inspect('stopped', '.State.ExitCode'), '9');
    assert.is(docker.inspect('stopped', '.State.Status'), 'exited');
  });
  docker.ok(
    'run',
    '--detach',
    '--network',
    'none',
    '--name',
    'deaf',
    'bb',
    'sh',
    '-c',
    'trap "" TERM; while :; do sleep 1; done',
  );
  docker.ok('stop', '--time', '1', 'deaf');
  assert.is(docker.inspect('deaf', '.State.ExitCode'), '137');
  docker.ok('rm', 'deaf');
});

bed.check('kill, wait, logs, restart', async () => {
  await docker.with('killed', [], () => {
    docker.ok('kill', '--signal', 'TERM', 'killed');
    assert.is(docker.ok('wait', 'killed'), '9');
    assert.is(docker.ok('logs', 'killed'), 'ready');
    docker.ok('start', 'killed');
    docker.ok('restart', 'killed');
    assert.is(docker.inspect('killed', '.State.Running'), 'true');
    docker.ok('kill', 'killed');
    assert.is(docker.ok('wait', 'killed'), '137');
    assert.is(docker.docker(['kill', 'killed']).code, 1, 'it runs no longer');
  });
});

bed.check('--restart: a container that fails is started again', async () => {
  const script = 'echo again >> /keep/count; exit 3';
  const keep = join(bed.folder, 'keep');
  mkdirSync(keep);
  docker.ok(
    'run',
    '--detach',
    '--network',
    'none',
    '--name',
    'again',
    '--restart',
    'on-failure:2',
    '--volume',
    `${keep}:/keep`,
    'bb',
    'sh',
    '-c',
    script,
  );
  try {
    const filters = ['--filter', 'event=die', '--filter'];
    await docker.event('container=again', /die/, 3, 'events', '--since', '1h', ...filters);
    assert.is(docker.inspect('again', '.RestartCount'), '2');
    assert.is(docker.inspect('again', '.State.ExitCode'), '3');
    assert.is(readFileSync(join(keep, 'count'), 'utf8'), 'again\n'.repeat(3));
  } finally {
    docker.ok('rm', '--force', 'again');
  }
});

bed.check('stats', async () => {
  // Docker's client gives a single look two seconds, and shows dashes then; a stream goes on until there is something.
  await docker.with('stats', [], () =>
    docker.event('stats', /[1-9]\d* processes/, 1, 'stats', '--format', '{{.PIDs}} processes'),
  );
});

bed.checkWith('ps', 'top', async () => {
  await docker.with('top', [], () => {
    assert.match(docker.ok('top', 'top'), /sh -c trap/);
    assert.match(docker.ok('top', 'top', '-o', 'pid,comm'), /\d+ +sh/);
  });
});

bed.checkWith('pause', 'pause, unpause', async () => {
  await docker.with('paused', [], () => {
    const id = docker.inspect('paused', '.Id');
    docker.ok('pause', 'paused');
    assert.is(docker.inspect('paused', '.State.Status'), 'paused');
    assert.ok(isFrozen(id));
    assert.is(docker.docker(['exec', 'paused', 'true']).code, 1);
    docker.ok('unpause', 'paused');
    assert.not.ok(isFrozen(id));
    assert.is(docker.docker(['exec', 'paused', 'true']).code, 0);
    docker.ok('pause', 'paused');
    // A paused container is stopped too.
    docker.ok('kill', 'paused');
    assert.is(docker.ok('wait', 'paused'), '137');
  });
});

bed.check('a health check', async () => {
  const flags = [
    '--health-cmd',
    'test -e /tmp/well',
    '--health-interval',
    '100ms',
    '--health-retries',
    '1',
  ];
  await docker.with('health', flags, async () => {
    await docker.event(
      'container=health',
      /health_status: unhealthy/,
      1,
      'events',
      '--since',
      '1h',
      '--filter',
    );
    docker.ok('exec', 'health', 'touch', '/tmp/well');
    await docker.event(
      'container=health',
      /health_status: healthy/,
      1,
      'events',
      '--since',
      '1h',
      '--filter',
    );
  });
});

bed.check('build, with the runtime under test for its steps', () => {
  const context = join(bed.folder, 'context');
  mkdirSync(context);
  const lines = [
    'FROM bb',
    'RUN echo built > /made && id -u > /who',
    'USER guest',
    'RUN id -u > /tmp/who',
    'CMD cat /made /who /tmp/who',
  ];
  writeFileSync(join(context, 'Dockerfile'), `${lines.join('\n')}\n`);
  for (const buildkit of ['0', '1']) {
    const tag = `built${buildkit}`;
    const { code, stdout, stderr } = docker.docker(
      ['build', '--network', 'none', '--tag', tag, context],
      { env: { DOCKER_BUILDKIT: buildkit } },
    );
    assert.is(code, 0, `${stdout}${stderr}`);
    const built = docker.docker(['run', '--rm', '--network', 'none', tag]);
    assert.is(built.stdout, 'built\n0\n1000\n', built.stderr);
    writeFileSync(join(context, 'Failing'), 'FROM bb\nRUN exit 42\n');
    const failed = docker.docker(
      ['build', '--force-rm', '--network', 'none', '--file', join(context, 'Failing'), context],
      { env: { DOCKER_BUILDKIT: buildkit } },
    );
    assert.match(failed.stdout + failed.stderr, /(returned a non-zero|exit) code: 42/);
  }
});

bed.check('nothing of the containers is left', () => {
  assert.equal(docker.ok('ps', '--all', '--quiet'), '');
  assert.equal(
    cgroupsOf('').filter((path) => /[0-9a-f]{64}/.test(path)),
    [],
  );
});

bed.finish();
