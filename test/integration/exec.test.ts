/** Another process in a container: what it sees, what it is given, and what its caller gets. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Runtime } from '../../ts/index.js';
import { loadNative } from '../../ts/native/addon.js';
import { cgroupFolder, handOn, hierarchyOf, unifiedHas } from '../support/container-cgroup.js';
import { type Container, Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const test = suite('exec');
const root = skipUnless(process.geteuid?.() === 0, 'root');
const lab = new Lab();
const native = loadNative();

/** A container that says a word and then sleeps. */
function sleeper(mutate: Mutate = () => {}): Container {
  return lab.start(
    lab.bundle((spec, folder) => {
      spec.process.args = ['sh', '-c', 'echo up; exec sleep 1000'];
      mutate(spec, folder);
    }),
  );
}

/** Runs `body` with such a container, which is deleted at the end. */
async function withSleeper(
  body: (container: Container) => void | Promise<void>,
  mutate?: Mutate,
): Promise<void> {
  const container = sleeper(mutate);
  try {
    await body(container);
  } finally {
    lab.ok(['delete', '--force', container.id]);
  }
}

const sh = (id: string, script: string, ...flags: string[]): string =>
  lab.ok(['exec', ...flags, id, 'sh', '-c', script]).trimEnd();

/** A process for --process, in a file. */
function processFile(process: object): string {
  const file = join(lab.folder, lab.name());
  writeFileSync(file, JSON.stringify({ cwd: '/', user: { uid: 0, gid: 0 }, ...process }));
  return file;
}

/** Starts a process that sleeps and gives its pid to `body`. Ours by adoption, it is ours to reap. */
async function withDetached(
  id: string,
  flags: readonly string[],
  body: (pid: number) => void,
): Promise<void> {
  const pidFile = join(lab.folder, lab.name());
  lab.ok(['exec', '--detach', '--pid-file', pidFile, ...flags, id, 'sleep', '1000']);
  const pid = Number(readFileSync(pidFile, 'utf8'));
  try {
    body(pid);
  } finally {
    const pidfd = native.openPidfd(pid);
    native.signal(pidfd, 9);
    await native.waitExit(pidfd);
    native.close(pidfd);
  }
}

const namespaceNames = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'uts'];
const namespacesOf = (pid: number | 'self'): string[] =>
  namespaceNames.map((name) => readlinkSync(`/proc/${pid}/ns/${name}`));

root(test)('it lives in all namespaces and cgroups of the container, in its root', () =>
  withSleeper(async ({ id, pid }) => {
    const seen = sh(id, namespaceNames.map((name) => `readlink /proc/self/ns/${name}`).join(';'));
    assert.equal(seen.split('\n'), namespacesOf(pid));
    assert.is(sh(id, 'cat /proc/1/cmdline | tr "\\0" " "').trim(), 'sleep 1000');
    await withDetached(id, [], (other) => {
      const cgroups = (of: number): string => readFileSync(`/proc/${of}/cgroup`, 'utf8');
      assert.is(cgroups(other), cgroups(pid));
      assert.is(readlinkSync(`/proc/${other}/root`), readlinkSync(`/proc/${pid}/root`));
    });
  }),
);

root(test)("it gets the container's own process settings, and what flags change", () =>
  withSleeper(
    ({ id }) => {
      assert.is(sh(id, 'id -u; id -g; umask; pwd; echo $A').replace(/\n/g, ' '), '5 6 0027 /tmp 1');
      const changed = sh(
        id,
        'id -u; id -g; id -G; pwd; echo $A$B',
        '--user',
        '7:8',
        '--additional-gids',
        '9',
        '--cwd',
        '/etc',
        '--env',
        'B=2',
      );
      assert.is(changed.replace(/\n/g, ' '), '7 8 8 9 /etc 12');
      assert.match(sh(id, 'grep NoNewPrivs /proc/self/status'), /1$/);
      assert.is(sh(id, 'ulimit -n'), '77');
    },
    (spec) => {
      spec.process.user = { uid: 5, gid: 6, umask: 0o027 };
      spec.process.cwd = '/tmp';
      spec.process.env.push('A=1');
      spec.process.noNewPrivileges = true;
      spec.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 77, hard: 88 }];
    },
  ),
);

root(test)("capabilities are the container's, more only on demand, none inheritable", () =>
  withSleeper(
    ({ id }) => {
      const sets = (...flags: string[]): string[] =>
        sh(id, 'grep ^Cap /proc/self/status | cut -f2', ...flags).split('\n');
      assert.equal(
        sets(),
        ['0', '20', '20', '20', '0'].map((set) => set.padStart(16, '0')),
      );
      const more = ['0', '2020', '2020', '2020', '0'].map((set) => set.padStart(16, '0'));
      assert.equal(sets('--cap', 'CAP_NET_RAW'), more);
    },
    (spec) => {
      const kill = ['CAP_KILL'];
      spec.process.capabilities = { bounding: kill, effective: kill, permitted: kill };
    },
  ),
);

root(test)('a process from a file is taken as it is', () =>
  withSleeper(({ id }) => {
    const file = processFile({
      args: ['sh', '-c', 'id -u; pwd; echo $X $HOME; grep CapEff /proc/self/status'],
      cwd: '/tmp',
      env: ['X=1'],
      user: { uid: 3, gid: 4 },
    });
    assert.equal(lab.ok(['exec', '--process', file, id]).trim().split('\n'), [
      '3',
      '/tmp',
      '1 /',
      'CapEff:\t0000000000000000',
    ]);
  }),
);

root(test)("its exit status, or 128 + its signal, is the caller's", () =>
  withSleeper(({ id }) => {
    assert.is(lab.tsrunc(['exec', id, 'sh', '-c', 'exit 7']).code, 7);
    assert.is(lab.tsrunc(['exec', id, 'sh', '-c', 'kill -9 $$']).code, 137);
    assert.is(lab.tsrunc(['exec', id, 'true']).code, 0);
  }),
);

root(test)("what follows the ID is the command's, flags and all", () =>
  withSleeper(({ id }) => {
    assert.is(lab.ok(['exec', id, 'echo', '--tty', '-x']), '--tty -x\n');
  }),
);

root(test)("stdin, stdout and stderr are the caller's", () =>
  withSleeper(({ id }) => {
    const { stdout, stderr } = lab.tsrunc(['exec', id, 'sh', '-c', 'cat; echo err >&2'], {
      input: 'in',
    });
    assert.equal([stdout, stderr], ['in', 'err\n']);
  }),
);

root(test)('it has no descriptors but those that were preserved', () =>
  withSleeper(({ id }) => {
    const file = openSync('/etc/hostname', 'r');
    try {
      const list = ['exec', id, 'sh', '-c', 'ls /proc/self/fd | wc -l'];
      // 0 to 2, and ls's own.
      assert.is(lab.ok(list, { fds: [file] }).trim(), '4');
      const kept = ['exec', '--preserve-fds', '1', id, 'readlink', '/proc/self/fd/3'];
      assert.is(lab.ok(kept, { fds: [file] }).trim(), '/etc/hostname');
    } finally {
      closeSync(file);
    }
  }),
);

root(test)('the seccomp filter of the container holds', () =>
  withSleeper(
    ({ id }) => {
      assert.match(
        lab.tsrunc(['exec', id, 'mkdir', '/tmp/x']).stderr,
        /Permission denied|File exists|not permitted/i,
      );
      assert.match(sh(id, 'grep ^Seccomp: /proc/self/status'), /2$/);
    },
    (spec) => {
      spec.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }],
      };
    },
  ),
);

root(test)('a container with user namespace is joined as its root', () =>
  withSleeper(
    async ({ id, pid }) => {
      assert.is(sh(id, 'id -u; cat /proc/self/uid_map').replace(/\s+/g, ' '), '0 0 100000 1000');
      await withDetached(id, ['--user', '10:20'], (other) => {
        const status = readFileSync(`/proc/${other}/status`, 'utf8');
        assert.match(status, /^Uid:\s+100010\s/m);
        assert.match(status, /^Gid:\s+100020\s/m);
      });
      assert.is(readlinkSync(`/proc/${pid}/ns/user`), sh(id, 'readlink /proc/self/ns/user'));
    },
    (spec) => {
      spec.linux.namespaces.push({ type: 'user' });
      spec.linux.uidMappings = [{ containerID: 0, hostID: 100_000, size: 1000 }];
      spec.linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 1000 }];
    },
  ),
);

root(test)('a container without a mount namespace has its root all the same', () =>
  withSleeper(
    ({ id }) => {
      assert.is(sh(id, 'test -e /work || echo inside'), 'inside');
      assert.is(sh(id, 'pwd'), '/');
    },
    (spec) => {
      spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'mount');
      spec.mounts = [];
      spec.root.readonly = false;
      spec.linux.maskedPaths = [];
      spec.linux.readonlyPaths = [];
    },
  ),
);

root(test)('what the caller cannot have is refused with one sentence and 255', () =>
  withSleeper(({ id }) => {
    const says = (args: string[]): string => {
      const { code, stderr } = lab.tsrunc(['exec', ...args]);
      assert.is(code, 255, stderr);
      assert.match(stderr, /^tsrunc exec: [^\n]+\n$/);
      return stderr;
    };
    assert.match(says([id, 'nosuch']), /exec: "nosuch": executable file not found in \$PATH/);
    assert.match(says([id, '/no/such']), /exec \/no\/such: no such file or directory/);
    assert.match(says([id, '/etc']), /exec \/etc: permission denied/);
    assert.match(says([id]), /no command/);
    assert.match(says(['--cwd', 'etc', id, 'true']), /process\.cwd.*absolute/);
    assert.match(says(['--cwd', '/nowhere', id, 'true']), /"\/nowhere": no such file or directory/);
    assert.match(says(['--env', 'x', id, 'true']), /process\.env.*NAME=value/);
    for (const user of ['root', '-1', '1:', '0x1', '1:2:3', '4294967295', ' 1']) {
      assert.match(says(['--user', user, id, 'true']), /--user/, user);
    }
    assert.match(says(['--process', '/no/file', id]), /--process: cannot read \/no\/file/);
    assert.match(says(['--process', processFile({ args: 'ls' }), id]), /process\.args/);
    assert.match(says(['--process', processFile({ args: ['ls'] }), '--env', 'A=1', id]), /--env/);
    assert.match(says(['--tty', '--detach', id, 'true']), /--console-socket/);
    assert.match(says(['--cgroup', '../x', id, 'true']), /--cgroup/);
    assert.match(
      says(['--cgroup', 'nosuch:x', id, 'true']),
      /no cgroup hierarchy|has one hierarchy/,
    );
    assert.match(says(['--preserve-fds', '90', id, 'true']), /descriptor/);
    assert.match(says(['nobody', 'true']), /container does not exist/);
  }),
);

root(test)('a stopped container takes no process', () => {
  const container = sleeper();
  lab.ok(['kill', container.id, 'KILL']);
  for (;;) if (lab.state(container.id).status === 'stopped') break;
  const { code, stderr } = lab.tsrunc(['exec', container.id, 'true']);
  assert.is(code, 255);
  assert.match(stderr, /cannot exec in a stopped container/);
  lab.ok(['delete', container.id]);
});

root(test)('a created container takes processes before it is started', () => {
  const { id } = lab.create(lab.bundle((spec) => void (spec.process.args = ['sleep', '1000'])));
  assert.is(sh(id, 'echo here'), 'here');
  lab.ok(['delete', '--force', id]);
});

root(test)('later changes of the bundle have no effect', () =>
  withSleeper(({ id, bundle }) => {
    writeFileSync(join(bundle, 'config.json'), '{}');
    assert.is(sh(id, 'echo fine'), 'fine');
  }),
);

const pidsHierarchy = hierarchyOf('pids', 'pids');
skipUnless(pidsHierarchy !== undefined, 'root and the pids controller')(test)(
  "--cgroup puts it below the container's cgroup",
  () =>
    withSleeper(async ({ id, pid }) => {
      const directory = join(cgroupFolder(pid, pidsHierarchy ?? ''), 'below');
      mkdirSync(directory);
      const place = pidsHierarchy === 'pids' ? 'pids:below' : 'below';
      await withDetached(id, ['--cgroup', place], (other) => {
        assert.is(readFileSync(join(directory, 'cgroup.procs'), 'utf8').trim(), String(other));
      });
      rmdirSync(directory);
    }),
);

// Any controller that can't be in threaded cgroups.
const domain = ['memory', 'hugetlb'].find(unifiedHas);
skipUnless(
  process.geteuid?.() === 0 && domain !== undefined,
  'root and cgroup2 with memory or hugetlb',
)(test)('where the container itself has moved to a sub-cgroup, it comes to its side', () =>
  withSleeper(async ({ id, pid }) => {
    handOn([domain ?? '']);
    const directory = cgroupFolder(pid, 'unified');
    const parents = join(directory, '..', 'cgroup.subtree_control');
    writeFileSync(parents, `+${domain}`);
    const inner = join(directory, 'inner');
    mkdirSync(inner);
    writeFileSync(join(inner, 'cgroup.procs'), String(pid));
    writeFileSync(join(directory, 'cgroup.subtree_control'), `+${domain}`);
    await withDetached(id, [], (other) => {
      const inside = readFileSync(join(inner, 'cgroup.procs'), 'utf8').trim().split('\n');
      assert.equal(inside.map(Number).sort(), [pid, other].sort());
    });
    assert.match(
      lab.tsrunc(['exec', '--cgroup', '/', id, 'true']).stderr,
      /EBUSY/,
      'what is asked for explicitly is not replaced',
    );
  }),
);

root(test)('a terminal of its own in the foreground', () =>
  withSleeper(async ({ id }) => {
    const child = spawn(
      'script',
      ['-qefc', `dist/tsrunc --root ${lab.root} exec -t ${id} sh -c 'tty; exit 3'`, '/dev/null'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
    });
    const [code] = await once(child, 'close');
    assert.is(out, '/dev/pts/0\r\n');
    assert.is(code, 3);
  }),
);

root(test)('the library: streams, exit, signals and abortion', () =>
  withSleeper(async ({ id }) => {
    const runtime = new Runtime({ root: lab.root });
    const stdio = ['ignore', 'pipe', 'ignore'] as const;
    const process = await runtime.exec(id, {
      args: ['sh', '-c', 'echo $$; exec sleep 1000'],
      stdio,
    });
    const [chunk] = await once(process.stdout as NodeJS.ReadableStream, 'data');
    assert.match(String(chunk), /^\d+\n$/);
    assert.ok(existsSync(`/proc/${process.pid}`));
    process.kill('KILL');
    assert.equal(await process.wait(), { signal: 9 });
    const failure = await runtime.exec(id, { args: ['nosuch'] }).catch((error) => error);
    assert.equal([failure.code, failure.stage, failure.errno], ['ENOENT', 'exec', 2]);
    const reason = new Error('enough');
    const aborted = await runtime
      .exec(id, { args: ['true'], signal: AbortSignal.abort(reason) })
      .catch((error) => error);
    assert.is(aborted, reason);
  }),
);

lab.finish(test);
