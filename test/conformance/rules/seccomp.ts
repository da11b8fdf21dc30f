import assert from 'node:assert/strict';
import type { Context } from '../context.js';
import { section } from '../rule.js';
import { type Filter, filter, rule } from './seccomp-filter.js';

const seccomp = section('config-linux.md#configLinuxSeccomp', 'Seccomp');

/** The error's number that a system call gives in a container with a filter for it; 0 is none. */
async function result(t: Context, call: string, wanted: Filter): Promise<number> {
  t.probe();
  return Number(await t.inside(`probe syscall ${call}`, filter(wanted)));
}

const EPERM = 1;
const EBADF = 9;
const ENOSYS = 38;

seccomp.property('none', 'without seccomp there is no filter', async (t) => {
  assert.match(await t.inside('grep "^Seccomp:" /proc/self/status'), /\t0$/);
});

seccomp.property('set', 'with it there is one', async (t) => {
  assert.match(await t.inside('grep "^Seccomp:" /proc/self/status', filter({})), /\t2$/);
});

for (const [action, expected] of [
  ['SCMP_ACT_ALLOW', 0],
  ['SCMP_ACT_LOG', 0],
  ['SCMP_ACT_ERRNO', EPERM],
  // Nobody traces.
  ['SCMP_ACT_TRACE', ENOSYS],
] as const) {
  seccomp.property(`action/${action}`, `${action} gives ${expected}`, async (t) => {
    assert.equal(await result(t, 'getpriority', rule(action)), expected);
  });
}

for (const action of [
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
]) {
  seccomp.property(`action/${action}`, `${action} ends the process with SIGSYS`, async (t) => {
    t.probe();
    const said = await t.inside('probe syscall getpriority; echo $?', filter(rule(action)));
    assert.match(said, /^(Bad system call\n)?159$/);
  });
}

seccomp.property(
  'defaultAction',
  'defaultAction is for all calls that no rule names',
  async (t) => {
    const allow = [{ names: everything, action: 'SCMP_ACT_ALLOW' }];
    const wanted = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: allow };
    assert.equal(await result(t, 'getpriority', wanted), EPERM);
    assert.equal(await result(t, 'lseek 0xffffffff 0 0', wanted), EBADF);
  },
);

seccomp.property(
  'defaultAction-all',
  'a filter that refuses everything ends the container',
  async (t) => {
    const outcome = await t.run('true', filter({ defaultAction: 'SCMP_ACT_ERRNO' }));
    assert.ok(!outcome.timedOut, 'it hung');
    assert.notEqual(outcome.code, 0, 'the program ran');
  },
);

seccomp.property('defaultErrnoRet', 'defaultErrnoRet is the default action’s errno', async (t) => {
  const said = await result(t, 'personality 0xffffffff', {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 77,
    syscalls: [{ names: everything, action: 'SCMP_ACT_ALLOW' }],
  });
  assert.equal(said, 77);
});

/** What a runtime, a shell and the probe call on their way; not personality. */
const everything = [
  ...[
    'read',
    'write',
    'open',
    'openat',
    'openat2',
    'close',
    'close_range',
    'stat',
    'fstat',
    'lstat',
    'newfstatat',
  ],
  ...[
    'statx',
    'poll',
    'ppoll',
    'lseek',
    'mmap',
    'mprotect',
    'munmap',
    'brk',
    'rt_sigaction',
    'rt_sigprocmask',
  ],
  ...[
    'rt_sigreturn',
    'ioctl',
    'access',
    'faccessat',
    'faccessat2',
    'pipe',
    'pipe2',
    'dup',
    'dup2',
    'dup3',
    'nanosleep',
  ],
  ...[
    'getpid',
    'getppid',
    'clone',
    'clone3',
    'fork',
    'vfork',
    'execve',
    'execveat',
    'exit',
    'exit_group',
    'wait4',
  ],
  ...[
    'kill',
    'tgkill',
    'uname',
    'fcntl',
    'getdents64',
    'getcwd',
    'chdir',
    'fchdir',
    'readlink',
    'readlinkat',
  ],
  ...[
    'getuid',
    'geteuid',
    'getgid',
    'getegid',
    'setuid',
    'setgid',
    'setgroups',
    'setresuid',
    'setresgid',
  ],
  ...[
    'capget',
    'capset',
    'prctl',
    'arch_prctl',
    'futex',
    'set_tid_address',
    'set_robust_list',
    'rseq',
    'prlimit64',
  ],
  ...[
    'getrandom',
    'sigaltstack',
    'gettid',
    'umask',
    'setsid',
    'setpgid',
    'getpgrp',
    'getpgid',
    'epoll_ctl',
  ],
  ...[
    'epoll_pwait',
    'epoll_create1',
    'eventfd2',
    'sched_getaffinity',
    'setrlimit',
    'getrlimit',
    'madvise',
  ],
  ...[
    'sendmsg',
    'recvmsg',
    'sendto',
    'recvfrom',
    'shutdown',
    'setsockopt',
    'getsockopt',
    'getpeername',
  ],
  ...[
    'accept4',
    'keyctl',
    'seccomp',
    'fchown',
    'fstatfs',
    'statfs',
    'restart_syscall',
    'clock_gettime',
  ],
];

seccomp.property('errnoRet', 'errnoRet is the action’s errno', async (t) => {
  assert.equal(await result(t, 'getpriority', rule('SCMP_ACT_ERRNO', { errnoRet: 77 })), 77);
});

seccomp.property(
  'errnoRet-zero',
  'an errnoRet of 0 is none: the call is left out and succeeds',
  async (t) => {
    assert.equal(
      await result(t, 'mkdirat 0 0 0', {
        syscalls: [{ names: ['mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 0 }],
      }),
      0,
    );
  },
);

seccomp.must(
  'errnoRet-unsupported',
  'errnoRet of an action that has none is an error',
  async (t) => {
    await t.refuses(filter(rule('SCMP_ACT_KILL', { errnoRet: 77 })), filter(rule('SCMP_ACT_KILL')));
  },
);

seccomp.must(
  'defaultErrnoRet-unsupported',
  'defaultErrnoRet of an action that has none is an error',
  async (t) => {
    await t.refuses(filter({ defaultErrnoRet: 77 }), filter({}));
  },
);

/** lseek(-1, value, 0) fails with EBADF unless the filter has its own number for it. */
const HIT = 77;
for (const [op, value, hits, misses, more] of [
  ['SCMP_CMP_NE', 5, [4, 6], [5], {}],
  ['SCMP_CMP_LT', 5, [0, 4], [5, 6], {}],
  ['SCMP_CMP_LE', 5, [4, 5], [6], {}],
  ['SCMP_CMP_EQ', 5, [5], [4, 6], {}],
  ['SCMP_CMP_GE', 5, [5, 6], [4], {}],
  ['SCMP_CMP_GT', 5, [6], [4, 5], {}],
  ['SCMP_CMP_MASKED_EQ', 0xf0, [0x50, 0x5f], [0x60, 5], { valueTwo: 0x50 }],
] as const) {
  seccomp.property(`op/${op}`, `${op} compares an argument`, async (t) => {
    t.probe();
    const all = [...hits, ...misses];
    const calls = all.map((each) => `probe syscall lseek 0xffffffff ${each} 0`).join('; ');
    const args = [{ index: 1, value, op, ...more }];
    const said = await t.inside(
      calls,
      filter({ syscalls: [{ names: ['lseek'], action: 'SCMP_ACT_ERRNO', errnoRet: HIT, args }] }),
    );
    assert.deepEqual(
      said.split('\n').map(Number),
      all.map((each) => ((hits as readonly number[]).includes(each) ? HIT : EBADF)),
    );
  });
}

seccomp.property('value-64', 'values are compared with all their 64 bits', async (t) => {
  t.probe();
  const args = [{ index: 1, value: 2 ** 32 + 5, op: 'SCMP_CMP_EQ' }];
  const calls = ['5', '0x100000005'].map((each) => `probe syscall lseek 0xffffffff ${each} 0`);
  const said = await t.inside(
    calls.join('; '),
    filter({ syscalls: [{ names: ['lseek'], action: 'SCMP_ACT_ERRNO', errnoRet: HIT, args }] }),
  );
  assert.deepEqual(said.split('\n').map(Number), [EBADF, HIT]);
});

seccomp.property('args-all', 'all args of one entry must match', async (t) => {
  t.probe();
  const args = [
    { index: 1, value: 5, op: 'SCMP_CMP_EQ' },
    { index: 2, value: 1, op: 'SCMP_CMP_EQ' },
  ];
  const calls = ['5 1', '5 0', '4 1'].map((each) => `probe syscall lseek 0xffffffff ${each}`);
  const said = await t.inside(
    calls.join('; '),
    filter({ syscalls: [{ names: ['lseek'], action: 'SCMP_ACT_ERRNO', errnoRet: HIT, args }] }),
  );
  assert.deepEqual(said.split('\n').map(Number), [HIT, EBADF, EBADF]);
});

seccomp.property('architectures', 'the filter is for the architectures of the list', async (t) => {
  t.needs(process.arch === 'x64', 'x86_64');
  const architectures = ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'];
  assert.equal(await result(t, 'getpriority', { architectures, ...rule('SCMP_ACT_ERRNO') }), EPERM);
});

for (const flag of [
  'SECCOMP_FILTER_FLAG_TSYNC',
  'SECCOMP_FILTER_FLAG_LOG',
  'SECCOMP_FILTER_FLAG_SPEC_ALLOW',
]) {
  seccomp.property(`flags/${flag}`, `${flag} is accepted, and the filter works`, async (t) => {
    assert.equal(
      await result(t, 'getpriority', { flags: [flag], ...rule('SCMP_ACT_ERRNO') }),
      EPERM,
    );
  });
}

seccomp.property(
  'flags/SECCOMP_FILTER_FLAG_SPEC_ALLOW-seen',
  'the flag keeps speculation allowed',
  async (t) => {
    const line = 'grep Speculation_Store_Bypass /proc/self/status || true';
    const said = await t.inside(line, filter({ flags: ['SECCOMP_FILTER_FLAG_SPEC_ALLOW'] }));
    assert.doesNotMatch(said, /force mitigated/);
  },
);

for (const [name, wanted] of Object.entries({
  'names-empty': { syscalls: [{ names: [], action: 'SCMP_ACT_ERRNO' }] },
  'action-unknown': rule('SCMP_ACT_IMAGINARY'),
  'defaultAction-unknown': { defaultAction: 'SCMP_ACT_IMAGINARY' },
  'architecture-unknown': { architectures: ['SCMP_ARCH_IMAGINARY'] },
  'flag-unknown': { flags: ['SECCOMP_FILTER_FLAG_IMAGINARY'] },
  'op-unknown': rule('SCMP_ACT_ERRNO', {
    args: [{ index: 0, value: 1, op: 'SCMP_CMP_IMAGINARY' }],
  }),
  'index-above-5': rule('SCMP_ACT_ERRNO', { args: [{ index: 6, value: 1, op: 'SCMP_CMP_EQ' }] }),
})) {
  seccomp.must(name, `${name.replaceAll('-', ' ')} is an error`, async (t) => {
    await t.refuses(filter(wanted));
  });
}

seccomp.must('defaultAction-required', 'defaultAction is required', async (t) => {
  await t.refuses((config) => {
    config.linux.seccomp = { syscalls: [] };
  });
});

seccomp.mustNot(
  'listenerMetadata-alone',
  'listenerMetadata without listenerPath is an error',
  async (t) => {
    await t.refuses(filter({ listenerMetadata: 'x' }), filter({}));
  },
);

seccomp.property(
  'unknown-names',
  'names that this architecture does not have are ignored',
  async (t) => {
    await t.inside(
      'true',
      filter({ syscalls: [{ names: ['no_such_call', 'getpriority'], action: 'SCMP_ACT_ERRNO' }] }),
    );
  },
);

export const sections = [seccomp];
