import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { command, Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = skipUnless(process.geteuid?.() === 0, 'root');

const as =
  (uid: number, gid = uid): Mutate =>
  (spec) => {
    spec.process.user = { uid, gid };
  };

/** A line of /proc/self/status, inside. */
function statusInside(name: string, mutate: Mutate): string {
  return lab.inside(`grep ^${name}: /proc/self/status`, mutate).replace(/^\w+:\s+/, '');
}

/** Exit code of a foreground run. */
function exitCode(script: string, mutate: Mutate = () => {}): number | null {
  const bundle = lab.bundle((spec, folder) => {
    spec.process.args = ['sh', '-c', script];
    mutate(spec, folder);
  });
  return lab.tsrunc(['run', '--bundle', bundle, lab.name()]).code;
}

root(test)('user, group, further groups and umask', () => {
  const out = lab.inside('id -u; id -g; id -G; umask', (spec) => {
    spec.process.user = { uid: 1000, gid: 1001, additionalGids: [5, 7], umask: 0o027 };
  });
  assert.equal(out.split('\n'), ['1000', '1001', '1001 5 7', '0027']);
  assert.equal(lab.inside('id -G; umask').split('\n'), ['0', '0022']);
});

root(test)('the largest user and group, and as many further groups as there may be', () => {
  const largest = 2 ** 32 - 2;
  const out = lab.inside('id -u; id -g; umask', (spec) => {
    spec.process.user = { uid: largest, gid: largest, umask: 0o777 };
  });
  assert.equal(out.split('\n'), [`${largest}`, `${largest}`, '0777']);
  const additionalGids = Array.from({ length: 65536 }, (_, index) => 65536 + index);
  const groups = statusInside('Groups', (spec) => {
    spec.process.user = { uid: 7, gid: 8, additionalGids };
  });
  assert.equal(groups.trim().split(' ').map(Number), additionalGids);
});

root(test)('the environment is exactly the configured one, and HOME', () => {
  const env = ['PATH=/bin', 'A=1', 'EMPTY=', 'B=x y=z'];
  const bundle = lab.bundle((spec) => {
    spec.process.args = ['env'];
    spec.process.env = env;
    spec.process.user = { uid: 1000, gid: 1000 };
  });
  const out = lab.ok(['run', '--bundle', bundle, lab.name()]);
  assert.equal(out.trimEnd().split('\n'), [...env, 'HOME=/home'], 'HOME is from /etc/passwd');
});

root(test)('HOME that is configured stays, and is / for a user without an entry', () => {
  assert.is(
    lab.inside('echo $HOME', (spec) => void spec.process.env.push('HOME=/x')),
    '/x',
  );
  assert.is(lab.inside('echo $HOME', as(4242)), '/');
  assert.is(lab.inside('echo $HOME'), '/root');
});

root(test)('HOME is found whatever limits and filters the program has', () => {
  const home = (mutate: Mutate): string => lab.inside('echo $HOME', mutate);
  const descriptors = (soft: number) => [{ type: 'RLIMIT_NOFILE', soft, hard: 100 }];
  assert.is(
    home((spec) => (spec.process.rlimits = descriptors(3))),
    '/root',
  );
  const names = ['openat2'];
  for (const noNewPrivileges of [true, false]) {
    const denied = home((spec) => {
      spec.process.noNewPrivileges = noNewPrivileges;
      spec.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names, action: 'SCMP_ACT_ERRNO' }],
      };
    });
    assert.is(denied, '/root');
  }
});

root(test)('arguments arrive as they are', () => {
  const args = [
    'sh',
    '-c',
    'for a; do echo "[$a]"; done',
    'name',
    '',
    'a b',
    '$HOME',
    '\u00e9',
    '-x',
  ];
  const bundle = lab.bundle((spec) => {
    spec.process.args = args;
  });
  const out = lab.ok(['run', '--bundle', bundle, lab.name()]);
  assert.equal(out.trimEnd().split('\n'), ['[]', '[a b]', '[$HOME]', '[\u00e9]', '[-x]']);
});

root(test)('the working directory is entered, and made if it is missing', () => {
  const cwd =
    (path: string): Mutate =>
    (spec) => {
      spec.process.cwd = path;
    };
  assert.is(lab.inside('pwd', cwd('/home')), '/home');
  assert.is(lab.inside('pwd', cwd('/made/for/it'), { rootfs: 'private' }), '/made/for/it');
});

root(test)(
  'a working directory that only root may enter is entered before the change of user',
  () => {
    const out = lab.inside(
      'readlink /proc/self/cwd; ls . 2>&1; true',
      (spec, bundle) => {
        spec.process.cwd = '/secret';
        spec.process.user = { uid: 1000, gid: 1000 };
        mkdirSync(join(bundle, 'rootfs/secret'), { mode: 0o700 });
      },
      { rootfs: 'private' },
    );
    assert.match(out, /^\/secret\n.*Permission denied/);
  },
);

root(test)('a program is searched in the PATH of the container', () => {
  const run =
    (...args: string[]): Mutate =>
    (spec) => {
      spec.process.args = args;
    };
  assert.is(
    lab.refuses(run('nothere')),
    'tsrunc run: exec: "nothere": executable file not found in $PATH',
  );
  assert.is(lab.refuses(run('/no/where')), 'tsrunc run: exec /no/where: no such file or directory');
  assert.match(lab.refuses(run('/etc/passwd')), 'exec /etc/passwd: permission denied');
  assert.match(lab.refuses(run('/etc/passwd/x')), 'exec /etc/passwd/x: not a directory');
  assert.match(
    lab.refuses((spec) => {
      spec.process.args = ['sh'];
      spec.process.env = ['PATH=/home:/etc'];
    }),
    'exec: "sh": executable file not found in $PATH',
  );
  const out = lab.inside('echo found', (spec) => {
    spec.process.env = ['PATH=/nowhere:/bin'];
  });
  assert.is(out, 'found');
});

root(test)('the five capability sets are those of the configuration', () => {
  const out = lab.inside('grep ^Cap /proc/self/status', (spec) => {
    spec.process.user = { uid: 1000, gid: 1000 };
    spec.process.noNewPrivileges = false;
    spec.process.capabilities = {
      bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_RAW'],
      permitted: ['CAP_CHOWN', 'CAP_KILL'],
      effective: ['CAP_CHOWN', 'CAP_KILL'],
      inheritable: ['CAP_CHOWN', 'CAP_KILL'],
      ambient: ['CAP_KILL'],
    };
  });
  // CHOWN is 0, KILL 5, NET_RAW 13. An exec of a user other than root leaves what is ambient.
  assert.equal(
    out.split('\n').map((line) => line.replace(/\t0+(?=.)/, ' ')),
    ['CapInh: 21', 'CapPrm: 20', 'CapEff: 20', 'CapBnd: 2021', 'CapAmb: 20'],
  );
});

root(test)('root has what is permitted and in the bounding set, and nothing to inherit', () => {
  const sets =
    (names: readonly string[]): Mutate =>
    (spec) => {
      spec.process.capabilities = {
        bounding: [...names],
        permitted: [...names],
        effective: [...names],
      };
    };
  assert.is(statusInside('CapEff', sets(['CAP_CHOWN'])), '0000000000000001');
  assert.is(statusInside('CapInh', sets(['CAP_CHOWN'])), '0000000000000000');
  assert.is(statusInside('CapBnd', sets([])), '0000000000000000');
});

root(test)('resource limits, OOM score and no_new_privs', () => {
  const out = lab.inside(
    'ulimit -n; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj',
    (spec) => {
      spec.process.rlimits = [
        { type: 'RLIMIT_NOFILE', soft: 100, hard: 200 },
        { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
      ];
      spec.process.oomScoreAdj = 321;
    },
  );
  assert.equal(out.split('\n'), ['100', '200', '0', '321']);
  const nnp =
    (value: boolean): Mutate =>
    (spec) => {
      spec.process.noNewPrivileges = value;
    };
  assert.is(statusInside('NoNewPrivs', nnp(true)), '1');
  assert.is(statusInside('NoNewPrivs', nnp(false)), '0');
});

root(test)('every resource limit', () => {
  /** The names of /proc/PID/limits, and their units by what is shown for the number 1. */
  const names = {
    RLIMIT_CPU: 'Max cpu time',
    RLIMIT_FSIZE: 'Max file size',
    RLIMIT_DATA: 'Max data size',
    RLIMIT_STACK: 'Max stack size',
    RLIMIT_CORE: 'Max core file size',
    RLIMIT_RSS: 'Max resident set',
    RLIMIT_NPROC: 'Max processes',
    RLIMIT_NOFILE: 'Max open files',
    RLIMIT_MEMLOCK: 'Max locked memory',
    RLIMIT_AS: 'Max address space',
    RLIMIT_LOCKS: 'Max file locks',
    RLIMIT_SIGPENDING: 'Max pending signals',
    RLIMIT_MSGQUEUE: 'Max msgqueue size',
    RLIMIT_NICE: 'Max nice priority',
    RLIMIT_RTPRIO: 'Max realtime priority',
    RLIMIT_RTTIME: 'Max realtime timeout',
  };
  const limitsIn = (text: string) =>
    new Map(
      text
        .split('\n')
        .map((line) => /^(.*?) {2,}(\S+) +(\S+)/.exec(line) ?? [])
        .map(([, name = '', soft, hard]) => [name, [soft, hard]]),
    );
  const own = limitsIn(readFileSync('/proc/self/limits', 'utf8'));
  // Below the hard limit that there is: to raise it takes a privilege that root may not have.
  const rlimits = Object.entries(names).map(([type, name], index) => {
    const most = Number(own.get(name)?.[1]?.replace('unlimited', '4000000000') ?? 0);
    const hard = Math.max(0, most - index);
    return { type, soft: Math.max(0, hard - 1), hard };
  });
  const inside = limitsIn(
    lab.inside('cat /proc/self/limits', (spec) => void (spec.process.rlimits = rlimits)),
  );
  for (const { type, soft, hard } of rlimits) {
    const name = names[type as keyof typeof names];
    assert.equal(inside.get(name), [`${soft}`, `${hard}`], type);
  }
});

root(test)(
  "without a limit of descriptors the container has the caller's, not what Node made of it",
  () => {
    const limits = (ulimit: string, mutate: Mutate = () => {}): string => {
      const bundle = lab.bundle((spec, folder) => {
        spec.process.args = ['sh', '-c', 'ulimit -Sn; ulimit -Hn'];
        delete spec.process.rlimits;
        mutate(spec, folder);
      });
      const args = ['--root', lab.root, 'run', '--bundle', bundle, lab.name()];
      // As it is installed: executed by its first line.
      const script = `${ulimit}; exec "$@"`;
      return execFileSync('sh', ['-ec', script, 'sh', command, ...args], { encoding: 'utf8' });
    };
    assert.is(limits('ulimit -Sn 123; ulimit -Hn 600'), '123\n600\n');
    assert.is(limits('ulimit -Sn 600; ulimit -Hn 600'), '600\n600\n');
    const own = limits('ulimit -Sn 123; ulimit -Hn 600', (spec) => {
      spec.process.rlimits = [{ type: 'RLIMIT_NOFILE', soft: 200, hard: 300 }];
    });
    assert.is(own, '200\n300\n');
  },
);

root(test)("an OOM score below the caller's own needs a privilege, and that is said", () => {
  const own = Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
  const bundle = lab.bundle((spec) => void (spec.process.oomScoreAdj = own - 1));
  const script = 'set -- setpriv --bounding-set -sys_resource "$@"';
  assert.throws(
    () => lab.withMounts(script, ['run', '--bundle', bundle, lab.name()]),
    /set process\.oomScoreAdj to -?\d+: permission denied.*CAP_SYS_RESOURCE/,
  );
});

for (const [script, code] of [
  ['exit 0', 0],
  ['exit 7', 7],
  ['exit 255', 255],
  // Its own process 1 doesn't die of signals, a process beside it does.
  ['sh -c "kill -9 \\$\\$"; exit $?', 137],
] as const) {
  root(test)(`"${script}" is status ${code} of the command`, () => {
    assert.is(exitCode(script), code);
  });
}

root(test)('the end by a signal is status 128 and its number', () => {
  const hostPids: Mutate = (spec) => {
    spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'pid');
  };
  assert.is(exitCode('kill -TERM $$', hostPids), 143);
  assert.is(exitCode('kill -KILL $$', hostPids), 137);
});

root(test)('standard input, output and error are passed through', () => {
  const bundle = lab.bundle((spec) => {
    spec.process.args = ['sh', '-c', 'cat; echo problem >&2'];
  });
  const input = 'line\n'.repeat(20_000);
  const outcome = lab.tsrunc(['run', '--bundle', bundle, lab.name()], { input });
  assert.is(outcome.stdout, input);
  assert.is(outcome.stderr, 'problem\n');
});

root(test)('no other descriptor of the runtime is in the container', () => {
  const fd = openSync('/etc/hosts', 'r');
  const bundle = lab.bundle((spec) => {
    spec.process.args = ['sh', '-c', 'ls /proc/1/fd; :'];
  });
  const out = lab.ok(['run', '--bundle', bundle, lab.name()], { fds: [fd] });
  closeSync(fd);
  assert.is(out, '0\n1\n2\n');
});

root(test)('a root file system can be read-only or not', () => {
  const out = lab.inside('touch /x 2>&1; true');
  assert.match(out, 'Read-only file system');
  const bundle = lab.bundle((spec) => void (spec.process.args = ['touch', '/x']), {
    rootfs: 'private',
  });
  lab.ok(['run', '--bundle', bundle, lab.name()]);
  assert.ok(statSync(join(bundle, 'rootfs/x')).isFile());
});

root(test)('masked paths show nothing, read-only paths take nothing', () => {
  const out = lab.inside(
    'cat /secret/file /etc/hidden 2>&1; ls /secret | wc -l; cat /etc/hidden | wc -c; echo x 2>&1 > /etc/fixed; cat /etc/fixed; echo x > /etc/free; cat /etc/free',
    (spec, bundle) => {
      const rootfs = join(bundle, 'rootfs');
      mkdirSync(join(rootfs, 'secret'));
      for (const file of ['secret/file', 'etc/hidden', 'etc/fixed', 'etc/free']) {
        writeFileSync(join(rootfs, file), `${file}\n`);
      }
      spec.linux.maskedPaths = ['/secret', '/etc/hidden', '/not/there'];
      spec.linux.readonlyPaths = ['/etc/fixed', '/not/there'];
    },
    { rootfs: 'private' },
  );
  assert.match(out, "/secret/file': No such file");
  assert.match(out, /\n0\n0\n/);
  assert.match(out, /etc\/fixed\nx$/);
});

root(test)('a session keyring of its own', () => {
  const keys = lab.inside('cat /proc/keys', (spec) => {
    spec.linux.maskedPaths = [];
  });
  assert.match(keys, /keyring +_ses\.t\d+:/);
});

root(test)('a program that is not there is said by create already', () => {
  const bundle = lab.bundle((spec) => {
    spec.process.args = ['not-there'];
  });
  const says = lab.fails(['create', '--bundle', bundle, lab.name()]);
  assert.match(says, 'exec: "not-there": executable file not found in $PATH');
});

lab.finish(test);
