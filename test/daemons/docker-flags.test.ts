/** The flags of `docker run`, each seen from inside the container or in its cgroup. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed } from './bed.js';
import { limitOf } from './cgroups.js';
import { Docker, dockerPrograms } from './docker.js';

const bed = new Bed(dockerPrograms);
const docker = new Docker(bed);
bed.before(() => docker.start());

const inStatus = (field: string): string => `awk '/^${field}/ {print $2}' /proc/self/status`;
const capability = (mask: string, bit: bigint): boolean =>
  (BigInt(`0x${mask}`) & (1n << bit)) !== 0n;

bed.check('--init reaps, --read-only, --tmpfs, --volume', () => {
  // PID 1 is Docker's, and what is orphaned is gone at once.
  assert.match(docker.sh('cat /proc/1/comm', '--init'), /docker-init/);
  const { code, stderr } = docker.run(
    ['--read-only', '--tmpfs', '/tmp'],
    'sh',
    '-c',
    'touch /tmp/x && touch /x',
  );
  assert.is(code, 1);
  assert.match(stderr, /\/x: Read-only file system/);
  assert.match(
    docker.sh('grep " /t " /proc/mounts', '--tmpfs', '/t:size=64k,noexec'),
    /^tmpfs \/t tmpfs .*noexec.*size=64k/,
  );
  assert.is(
    docker.sh('ls -ld /tmp | cut -c1-10', '--tmpfs', '/tmp'),
    'drwxrwxrwt',
    'the mode of the folder below',
  );
  assert.match(
    docker.sh('ls /v; touch /v/x 2>&1 || true', '--volume', `${bed.bin}:/v:ro`),
    /runc\n.*Read-only/,
  );
  assert.is(docker.sh('touch /named/x; ls /named', '--volume', 'named:/named'), 'x');
});

bed.check('--cap-add, --cap-drop', () => {
  const [netAdmin, chown] = [12n, 0n];
  const plain = docker.sh(inStatus('CapEff'));
  assert.equal([capability(plain, netAdmin), capability(plain, chown)], [false, true]);
  const changed = docker.sh(inStatus('CapEff'), '--cap-add', 'NET_ADMIN', '--cap-drop', 'CHOWN');
  assert.equal([capability(changed, netAdmin), capability(changed, chown)], [true, false]);
  assert.is(docker.sh(inStatus('CapBnd'), '--cap-drop', 'ALL'), '0000000000000000');
});

bed.check('--security-opt no-new-privileges', () => {
  assert.is(docker.sh(inStatus('NoNewPrivs')), '0');
  assert.is(docker.sh(inStatus('NoNewPrivs'), '--security-opt', 'no-new-privileges'), '1');
});

bed.check("--security-opt seccomp: Docker's default, none, and a profile of one's own", () => {
  assert.is(docker.sh(inStatus('Seccomp:')), '2');
  assert.is(docker.sh(inStatus('Seccomp:'), '--security-opt', 'seccomp=unconfined'), '0');
  const profile = join(bed.folder, 'profile.json');
  const denied = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 };
  writeFileSync(
    profile,
    JSON.stringify({
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'],
      syscalls: [denied],
    }),
  );
  assert.match(
    docker.sh('mkdir /d 2>&1 || true', '--security-opt', `seccomp=${profile}`),
    /No space left on device/,
  );
  assert.match(docker.sh('unshare -U true 2>&1 || true'), /Operation not permitted/);
});

bed.check('--device, and the devices that are not allowed', () => {
  assert.match(docker.sh('ls -l /dev/other', '--device', '/dev/null:/dev/other'), /^crw.* 1, +3 /);
  assert.is(
    docker.sh('echo x > /dev/other && echo written', '--device', '/dev/null:/dev/other:rw'),
    'written',
  );
  const denied = docker.sh(
    'mknod /fuse c 10 229 && (: < /fuse) 2>&1 || true',
    '--cap-add',
    'MKNOD',
  );
  assert.match(denied, /Operation not permitted/);
  assert.is(
    docker.sh('test -c /dev/fuse && (: < /dev/fuse) && echo open', '--device', '/dev/fuse'),
    'open',
  );
});

bed.check(
  '--ulimit, --sysctl, --user, --group-add, --workdir, --env, --hostname, --entrypoint',
  () => {
    assert.is(docker.sh('ulimit -Sn; ulimit -Hn', '--ulimit', 'nofile=100:200'), '100\n200');
    assert.is(docker.sh('cat /proc/sys/kernel/msgmax', '--sysctl', 'kernel.msgmax=4096'), '4096');
    assert.is(
      docker.sh('id -u; id -g; id -G', '--user', '1000:1000', '--group-add', '20'),
      '1000\n1000\n1000 20',
    );
    assert.is(docker.sh('pwd', '--workdir', '/made/for/it'), '/made/for/it');
    assert.is(docker.sh('echo $A; hostname', '--env', 'A=b', '--hostname', 'named'), 'b\nnamed');
    assert.is(docker.run(['--entrypoint', 'echo'], 'hello').stdout, 'hello\n');
  },
);

bed.check('--pid, --ipc, --uts, --network of the host and of another container', async () => {
  const namespace = (kind: string, ...flags: string[]): string =>
    docker.sh(`readlink /proc/self/ns/${kind}`, ...flags);
  for (const kind of ['pid', 'uts', 'ipc']) {
    const own = bed.call('readlink', [`/proc/self/ns/${kind}`]).stdout.trim();
    assert.is(namespace(kind, `--${kind}`, 'host'), own);
    assert.is.not(namespace(kind), own);
  }
  await docker.with('shared', ['--ipc', 'shareable'], () => {
    const of = (kind: string): string =>
      docker.ok('exec', 'shared', 'readlink', `/proc/1/ns/${kind}`);
    assert.is(namespace('ipc', '--ipc', 'container:shared'), of('ipc'));
    assert.is(namespace('pid', '--pid', 'container:shared'), of('pid'));
  });
});

bed.check('--memory, --cpus, --pids-limit: in the cgroup, and what they do', async () => {
  const flags = ['--memory', '64m', '--cpus', '0.5', '--pids-limit', '20', '--cpu-shares', '512'];
  await docker.with('limited', flags, () => {
    const id = docker.inspect('limited', '.Id');
    // undefined: this machine has no such controller.
    const is = (value: string | undefined, ...allowed: string[]): void => {
      if (value !== undefined) assert.ok(allowed.includes(value), value);
    };
    is(limitOf(id, 'memory.limit_in_bytes', 'memory.max'), '67108864');
    is(limitOf(id, 'cpu.cfs_quota_us', 'cpu.max'), '50000', '50000 100000');
    is(limitOf(id, 'pids.max'), '20');
    is(limitOf(id, 'cpu.shares', 'cpu.weight'), '512', '20');
    const { stderr } = docker.docker([
      'exec',
      'limited',
      'sh',
      '-c',
      'for i in $(seq 40); do sleep 1000 > /dev/null 2>&1 & done',
    ]);
    if (limitOf(id, 'pids.max') !== undefined) assert.match(stderr, /can't fork/);
  });
});

bed.check('--memory: what takes more is killed, and Docker is told', async () => {
  // The hog comes by exec, so that the container lives before and after: containerd's shim listens for such a notice
  // only once the container was started, and loses one whose cgroup is gone before it looks.
  const flags = ['--memory', '16m', '--memory-swap', '16m'];
  await docker.with('oom', flags, async () => {
    const id = docker.inspect('oom', '.Id');
    if (limitOf(id, 'memory.limit_in_bytes', 'memory.max') === undefined) return;
    const hog = ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M', 'count=1'];
    assert.is(docker.docker(['exec', 'oom', ...hog]).code, 137);
    const events = ['events', '--since', '1h', '--filter', 'event=oom', '--filter'];
    await docker.event('container=oom', / oom /, 1, ...events);
    docker.ok('stop', '--time', '120', 'oom');
    assert.is(docker.inspect('oom', '.State.ExitCode'), '9');
    assert.is(docker.inspect('oom', '.State.OOMKilled'), 'true');
  });
});

bed.checkWith('update', 'update', async () => {
  await docker.with('updated', ['--memory', '64m', '--memory-swap', '64m'], () => {
    const id = docker.inspect('updated', '.Id');
    docker.ok(
      'update',
      '--memory',
      '128m',
      '--memory-swap',
      '256m',
      '--pids-limit',
      '30',
      '--cpus',
      '0.25',
      'updated',
    );
    const pids = limitOf(id, 'pids.max');
    if (pids !== undefined) assert.is(pids, '30');
    const memory = limitOf(id, 'memory.limit_in_bytes', 'memory.max');
    if (memory !== undefined) assert.is(memory, '134217728');
  });
});

bed.check(
  '--privileged',
  () => {
    // runc asks for capabilities that a caller without CAP_SYS_RESOURCE can't give, and fails there.
    assert.is(
      docker.sh('ls /dev/fuse; grep -c "^proc /proc/sys" /proc/mounts || true', '--privileged'),
      '/dev/fuse\n0',
    );
  },
  bed.runtimeName === 'tsrunc' || fullyCapable() ? undefined : 'every capability',
);

function fullyCapable(): boolean {
  const bounding = bed.call('awk', ['/CapBnd/ {print $2}', '/proc/self/status']).stdout.trim();
  return capability(bounding, 24n);
}

bed.finish();
