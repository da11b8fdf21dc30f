import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab, type TestSpec } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = skipUnless(process.geteuid?.() === 0, 'root');

// biome-ignore lint/suspicious/noExplicitAny: these configurations are wrong on purpose.
type Broken = any;

/** What is done to a good configuration, and a word that the message must have. */
const configurations: readonly (readonly [
  name: string,
  mutate: (spec: Broken) => void,
  says: string,
])[] = [
  ['no ociVersion', (s) => delete s.ociVersion, 'ociVersion'],
  ['a version that is none', (s) => (s.ociVersion = 'one'), 'ociVersion'],
  ['a version of the future', (s) => (s.ociVersion = '2.0.0'), 'ociVersion'],
  ['a process that is a list', (s) => (s.process = []), 'process'],
  ['no root', (s) => delete s.root, 'root'],
  ['a root that is not there', (s) => (s.root.path = '/no/where'), '/no/where'],
  ['a root that is a file', (s) => (s.root.path = '/etc/hosts'), 'not a directory'],
  ['a root.readonly that is text', (s) => (s.root.readonly = 'yes'), 'root.readonly'],
  ['no cwd', (s) => delete s.process.cwd, 'process.cwd'],
  ['a relative cwd', (s) => (s.process.cwd = 'home'), 'process.cwd'],
  ['no args', (s) => delete s.process.args, 'process.args'],
  ['empty args', (s) => (s.process.args = []), 'process.args'],
  ['an empty program', (s) => (s.process.args = ['']), 'process.args'],
  ['a number in args', (s) => (s.process.args = ['sh', 1]), 'process.args[1]'],
  ['a NUL in args', (s) => (s.process.args = ['sh', 'a\0b']), 'process.args[1]'],
  ['a program that is not there', (s) => (s.process.args = ['nothere']), 'nothere'],
  ['a variable without =', (s) => (s.process.env = ['HOME']), 'process.env[0]'],
  ['a variable without a name', (s) => (s.process.env = ['=x']), 'process.env[0]'],
  ['a negative uid', (s) => (s.process.user.uid = -1), 'process.user.uid'],
  ['a uid that is too large', (s) => (s.process.user.uid = 2 ** 32), 'process.user.uid'],
  ['a uid in text', (s) => (s.process.user.uid = '0'), 'process.user.uid'],
  ['half a gid', (s) => (s.process.user.gid = 0.5), 'process.user.gid'],
  [
    'further groups that are text',
    (s) => (s.process.user.additionalGids = ['wheel']),
    'additionalGids',
  ],
  [
    'an unknown limit',
    (s) => (s.process.rlimits = [{ type: 'RLIMIT_X', soft: 1, hard: 1 }]),
    'rlimits',
  ],
  [
    'a soft limit above the hard',
    (s) => (s.process.rlimits = [{ type: 'RLIMIT_CORE', soft: 2, hard: 1 }]),
    'rlimits',
  ],
  ['a limit twice', (s) => s.process.rlimits.push(s.process.rlimits[0]), 'rlimits'],
  ['an OOM score in text', (s) => (s.process.oomScoreAdj = 'high'), 'oomScoreAdj'],
  ['a terminal that is a number', (s) => (s.process.terminal = 1), 'process.terminal'],
  ['mounts that are an object', (s) => (s.mounts = {}), 'mounts'],
  ['a mount without a destination', (s) => s.mounts.push({ type: 'tmpfs' }), 'destination'],
  ['a mount without a type', (s) => s.mounts.push({ destination: '/tmp' }), 'type'],
  [
    'a bind mount without a source',
    (s) => s.mounts.push({ destination: '/tmp', options: ['bind'] }),
    'source',
  ],
  [
    'a bind mount of nothing',
    (s) => s.mounts.push({ destination: '/tmp', source: '/no/x', options: ['bind'] }),
    '/no/x',
  ],
  [
    'an unknown file system',
    (s) => s.mounts.push({ destination: '/tmp', type: 'nofs', source: 'x' }),
    'nofs',
  ],
  [
    'a tmpfs over /proc',
    (s) => s.mounts.push({ destination: '/proc', type: 'tmpfs', source: 'x' }),
    '/proc',
  ],
  [
    'an idmapped mount without mappings',
    (s) => s.mounts.push({ destination: '/tmp', source: '/tmp', options: ['bind', 'idmap'] }),
    'mounts[7].options: "idmap" needs',
  ],
  ['an unknown namespace', (s) => s.linux.namespaces.push({ type: 'space' }), 'namespaces'],
  ['a namespace twice', (s) => s.linux.namespaces.push({ type: 'pid' }), 'pid'],
  [
    'a relative path of a namespace',
    (s) => (s.linux.namespaces[0].path = 'ns/pid'),
    'namespaces[0].path',
  ],
  ['a namespace that is not there', (s) => (s.linux.namespaces[1].path = '/no/ns'), '/no/ns'],
  ['a hostname without uts', (s) => (s.linux.namespaces = [{ type: 'mount' }]), 'hostname'],
  ['no mount namespace', (s) => (s.linux.namespaces = [{ type: 'uts' }]), 'mount'],
  [
    'a user namespace without mappings',
    (s) => s.linux.namespaces.push({ type: 'user' }),
    'uidMappings',
  ],
  [
    'mappings without a user namespace',
    (s) => (s.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 1 }]),
    'uidMappings',
  ],
  ["a sysctl of the host's", (s) => (s.linux.sysctl = { 'vm.swappiness': '1' }), 'vm.swappiness'],
  ['a sysctl with a path', (s) => (s.linux.sysctl = { 'net/../vm/swappiness': '1' }), 'swappiness'],
  [
    'a device of an unknown type',
    (s) => (s.linux.devices = [{ type: 'x', path: '/dev/x' }]),
    'devices',
  ],
  ['a device without numbers', (s) => (s.linux.devices = [{ type: 'c', path: '/dev/x' }]), 'major'],
  [
    'a relative device',
    (s) => (s.linux.devices = [{ type: 'p', path: 'dev/x' }]),
    'devices[0].path',
  ],
  ['a cgroup path with ..', (s) => (s.linux.cgroupsPath = '/../../x'), 'cgroupsPath'],
  ['CPUs that are no list', (s) => (s.linux.resources.cpu = { cpus: 'all' }), 'cpus'],
  ['CPUs that are not there', (s) => (s.linux.resources.cpu = { cpus: '4000' }), 'cpuset'],
  [
    'swap below memory',
    (s) => (s.linux.resources.memory = { limit: 2 ** 24, swap: 2 ** 23 }),
    'swap',
  ],
  [
    'limits of a controller that this host lacks',
    (s) => (s.linux.resources.rdma = { mlx5_1: { hcaObjects: 1 } }),
    'rdma',
  ],
  [
    'an unknown seccomp action',
    (s) => (s.linux.seccomp = { defaultAction: 'SCMP_ACT_X' }),
    'defaultAction',
  ],
  [
    'an unknown seccomp operator',
    (s) =>
      (s.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [
          { names: ['read'], action: 'SCMP_ACT_ERRNO', args: [{ index: 0, value: 1, op: 'IS' }] },
        ],
      }),
    'op',
  ],
  [
    'a seventh argument of a system call',
    (s) =>
      (s.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [
          {
            names: ['read'],
            action: 'SCMP_ACT_ERRNO',
            args: [{ index: 6, value: 1, op: 'SCMP_CMP_EQ' }],
          },
        ],
      }),
    'index',
  ],
  ['an AppArmor profile', (s) => (s.process.apparmorProfile = 'x'), 'apparmorProfile'],
  ['a relative hook', (s) => (s.hooks.poststop = [{ path: 'bin/true' }]), 'poststop'],
  ['a hook without a path', (s) => (s.hooks.prestart = [{}]), 'prestart'],
  [
    'a timeout of nothing',
    (s) => (s.hooks.prestart = [{ path: '/bin/true', timeout: 0 }]),
    'timeout',
  ],
  ['an unknown propagation', (s) => (s.linux.rootfsPropagation = 'loud'), 'rootfsPropagation'],
  ['annotations that are numbers', (s) => (s.annotations = { a: 1 }), 'annotations'],
  ['a terminal without a socket', (s) => (s.process.terminal = true), 'console-socket'],
];

for (const [name, mutate, says] of configurations) {
  root(test)(`config.json with ${name}`, () => {
    const bundle = lab.bundle(mutate as (spec: TestSpec) => void);
    refused(['create', '--bundle', bundle, lab.name()], 'create', says);
  });
}

/** Whole files that are no configuration. */
for (const [name, text, says] of [
  ['nothing', '', 'JSON'],
  ['half of it', '{"ociVersion": "1.0', 'JSON'],
  ['a list', '[]', 'object'],
  ['null', 'null', 'object'],
  ['a property twice', '{"ociVersion":"1.0.0","ociVersion":"1.0.0"}', ''],
  ['a very deep one', '['.repeat(200_000), 'JSON'],
] as const) {
  root(test)(`config.json that is ${name}`, () => {
    const bundle = lab.bundle();
    writeFileSync(join(bundle, 'config.json'), text);
    refused(['create', '--bundle', bundle, lab.name()], 'create', says);
  });
}

root(test)('config.json that is missing, or a folder', () => {
  const bundle = lab.bundle();
  rmSync(join(bundle, 'config.json'));
  refused(['create', '--bundle', bundle, 'x'], 'create', 'no such file');
  mkdirSync(join(bundle, 'config.json'));
  refused(['create', '--bundle', bundle, 'x'], 'create', 'not a regular file');
  refused(['create', '--bundle', '/no/bundle', 'x'], 'create', '/no/bundle');
});

const good = lab.bundle();
for (const [args, says] of [
  [['create'], 'ID is missing'],
  [['create', '-b', good, 'a', 'b'], '"b" is one argument too many'],
  [['create', '--bundel', good, 'a'], 'did you mean --bundle'],
  [['create', '--bundle'], 'needs a value'],
  [['create', '--bundle=', 'a'], 'empty'],
  [['create', '--preserve-fds', 'x', '-b', good, 'a'], 'preserve-fds'],
  [['create', '--preserve-fds', '-1', '-b', good, 'a'], 'preserve-fds'],
  [['create', '--preserve-fds', '99', '-b', good, 'a'], 'descriptor 3'],
  [['create', '--no-pivot=perhaps', '-b', good, 'a'], 'no-pivot'],
  [['create', '--console-socket', '/no/socket', '-b', good, 'a'], 'console-socket'],
  [['create', '--pidfd-socket', '/no/socket', '-b', good, 'a'], '/no/socket'],
  [['create', '--pid-file', '/no/folder/pid', '-b', good, 'a'], '/no/folder/pid'],
  [['create', '-b', good, 'a/b'], 'a/b'],
  [['create', '-b', good, '..'], '..'],
  [['run', '--console-socket', '/x', '-b', good, 'a'], 'console-socket'],
  [['start', 'nobody'], 'does not exist'],
  [['kill', 'nobody'], 'does not exist'],
  [['kill', 'nobody', 'SIGNONE'], 'SIGNONE'],
  [['kill', 'nobody', '65'], '65'],
  [['delete', 'nobody'], 'does not exist'],
  [['state', 'nobody'], 'does not exist'],
  [['list', '--format', 'xml'], 'xml'],
  [['list', 'a'], '"a" is one argument too many'],
  [['spec', '--bundle', '/no/folder'], '/no/folder'],
  [['exec', 'a', 'sh'], 'container does not exist'],
  [['creat', 'a'], 'did you mean create'],
] as const) {
  root(test)(`tsrunc ${args.map((arg) => (arg === good ? 'BUNDLE' : arg)).join(' ')}`, () => {
    const code = args[0] === 'exec' ? 255 : 1;
    refused(args, args[0], says, code);
  });
}

for (const args of [
  ['--log-format', 'xml', 'list'],
  ['--log', '/no/folder/log', 'list'],
  ['--cgroup-manager', 'podman', 'list'],
  ['--rot', '/x', 'list'],
]) {
  root(test)(`tsrunc ${args.join(' ')}`, () => {
    const { code, stderr } = lab.tsrunc(args);
    assert.is(code, 1);
    assert.match(stderr, /^tsrunc( list)?: [^\n]+\n$/);
    assert.equal(lab.traces(), []);
  });
}

/** The call fails with one clear line, and nothing is left of it. */
function refused(args: readonly string[], command: string, says: string, code = 1): void {
  const outcome = lab.tsrunc(args);
  assert.is(outcome.code, code, outcome.stderr);
  assert.is(outcome.stdout, '');
  assert.match(outcome.stderr, /^[^\n]+\n$/, 'one line');
  assert.ok(outcome.stderr.startsWith(`tsrunc ${command}: `), outcome.stderr);
  assert.match(outcome.stderr, says);
  assert.not.match(outcome.stderr, /undefined|\[object|\bat .*:\d+:\d+|TypeError/);
  assert.equal(lab.traces(), []);
}

lab.finish(test);
