/** The command's first milliseconds: which Node it runs, with what, and that nothing of its caller's is obeyed. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { skipUnless } from '../support/skip.js';

const tree = fileURLToPath(new URL('../..', import.meta.url));
const launcher = join(tree, 'build/Release/tsrunc');
const command = join(tree, 'dist/tsrunc');
const node = realpathSync(process.execPath);

const test = suite('launcher');
const root = skipUnless(process.getuid?.() === 0, 'root')(test);
const other = 65_534;

// Not in TMPDIR, which is closed to other users under `npm test`.
const folder = mkdtempSync('/tmp/tsrunc-launcher-');
chmodSync(folder, 0o755);
test.after(() => rmSync(folder, { recursive: true }));
let count = 0;

interface Seen {
  readonly args: string[];
  readonly flags: string[];
  readonly env: Record<string, string>;
  readonly node: string;
  readonly cwd: string;
}

const tells = `console.log(JSON.stringify({ args: process.argv.slice(2), flags: process.execArgv,
  env: process.env, node: process.execPath, cwd: process.cwd() })); process.exitCode = 7;`;

/** A package like ours, whose command tells what it was started with and ends with status 7. */
function makePackage(place = `package-${++count}`): string {
  const home = join(folder, place);
  for (const name of ['build/Release', 'dist']) mkdirSync(join(home, name), { recursive: true });
  copyFileSync(launcher, join(home, 'build/Release/tsrunc'));
  writeFileSync(join(home, 'dist/tsrunc.cjs'), tells);
  return home;
}

const program = (home: string): string => join(home, 'build/Release/tsrunc');

/** With the Node that the package was installed with. */
function makeInstalled(): string {
  const home = makePackage();
  symlinkSync(process.execPath, join(home, 'dist/node'));
  return home;
}

interface CallOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly uid?: number;
}

function call(path: string, args: readonly string[] = [], options: CallOptions = {}) {
  const { status, stdout, stderr } = spawnSync(path, args, {
    env: {},
    encoding: 'utf8',
    timeout: 60_000,
    ...options,
  });
  return { status, stdout, stderr };
}

function seen(path: string, args: readonly string[] = [], options: CallOptions = {}): Seen {
  const { status, stdout, stderr } = call(path, args, options);
  assert.is(stderr, '');
  assert.is(status, 7);
  return JSON.parse(stdout);
}

/** A program of this name that leaves a file behind when it is executed. */
function makeTrap(name: string): { readonly bin: string; readonly sprung: () => boolean } {
  const bin = join(folder, `bin-${++count}`);
  const trace = join(bin, 'trace');
  mkdirSync(bin);
  chmodSync(bin, 0o777);
  writeFileSync(join(bin, name), `#!/bin/sh\n: > ${trace}\nexit 9\n`, { mode: 0o755 });
  return { bin, sprung: () => existsSync(trace) };
}

test('arguments and working directory come through as they are, and so does the exit status', () => {
  const home = makeInstalled();
  const args = ['--flag', '', 'two words', '-e', '\'"$x', 'ü'];
  const told = seen(program(home), args, { cwd: folder });
  assert.equal(told.args, args);
  assert.is(told.cwd, realpathSync(folder));
  assert.is(told.node, node);
});

test('it is found through links of any name, with nothing in the environment', () => {
  const home = makeInstalled();
  const bin = join(folder, 'links');
  mkdirSync(bin);
  symlinkSync('../build/Release/tsrunc', join(home, 'dist/tsrunc'));
  symlinkSync(join(home, 'dist/tsrunc'), join(bin, 'tsrunc'));
  symlinkSync('tsrunc', join(bin, 'runc'));
  assert.equal(seen(join(bin, 'runc'), ['x'], { cwd: '/' }).args, ['x']);
  assert.equal(
    Object.keys(seen(join(bin, 'runc')).env).filter((name) => name !== 'TSRUNC_NOFILE'),
    [],
  );
});

test('what callers hand to a runtime goes on', () => {
  const env = {
    PATH: '/a:/b',
    HOME: '/h',
    XDG_RUNTIME_DIR: '/x',
    DBUS_SESSION_BUS_ADDRESS: 'unix:path=/bus',
    LISTEN_FDS: '1',
    LISTEN_PID: '2',
    LISTEN_FDNAMES: 'web',
    NOTIFY_SOCKET: '/n',
    TSRUNC_OTHER: 'of ours',
    NO_COLOR: '1',
  };
  const { TSRUNC_NOFILE: _, ...told } = seen(program(makeInstalled()), [], { env }).env;
  assert.equal(told, env);
});

test('the soft limit of open files is noted, whatever the caller says it is', () => {
  const script = 'ulimit -Sn 77; TSRUNC_NOFILE=5 exec "$0"';
  const { stdout } = call('/bin/sh', ['-c', script, program(makeInstalled())]);
  assert.is(JSON.parse(stdout).env.TSRUNC_NOFILE, '77');
});

test('nothing of the caller is obeyed: variables, files in the working directory, programs in its PATH', () => {
  const trap = makeTrap('node');
  const traces = join(folder, 'traces');
  mkdirSync(traces);
  const evil = join(folder, 'evil.cjs');
  writeFileSync(
    evil,
    `require('node:fs').writeFileSync('${traces}/' + process.pid, ''); process.exit(9);`,
  );
  // A project of npm's whose modules and settings would all be that file.
  const cwd = join(folder, 'hostile');
  for (const place of ['node_modules', '.node_modules', '.node_libraries']) {
    for (const name of ['kleur', 'node-gyp-build', 'fs', 'node:fs', 'tsrunc']) {
      mkdirSync(join(cwd, place, name), { recursive: true });
      copyFileSync(evil, join(cwd, place, name, 'index.js'));
    }
  }
  for (const name of ['tsrunc.cjs', 'cli.cjs', 'index.js']) copyFileSync(evil, join(cwd, name));
  writeFileSync(join(cwd, 'package.json'), '{"type":"module","main":"index.js"}');
  writeFileSync(join(cwd, '.npmrc'), `node-options=--require ${evil}\n`);
  writeFileSync(join(cwd, '.env'), `NODE_OPTIONS=--require ${evil}\n`);
  writeFileSync(join(cwd, 'openssl.cnf'), 'nodejs_conf = nonsense\n[nonsense]\nx = y\n');
  const env = {
    PATH: `${trap.bin}:.:${cwd}`,
    HOME: cwd,
    NODE_OPTIONS: `--require ${evil}`,
    NODE_PATH: join(cwd, 'node_modules'),
    NODE_EXTRA_CA_CERTS: join(cwd, 'none'),
    NODE_V8_COVERAGE: join(traces, 'coverage'),
    NODE_COMPILE_CACHE: join(traces, 'cache'),
    NODE_REDIRECT_WARNINGS: join(traces, 'warnings'),
    NODE_DEBUG: 'module,fs',
    NODE_PENDING_DEPRECATION: '1',
    NODE_ICU_DATA: cwd,
    OPENSSL_CONF: join(cwd, 'openssl.cnf'),
    LD_PRELOAD: join(cwd, 'none.so'),
    LD_LIBRARY_PATH: cwd,
    LD_DEBUG: 'libs',
    GLIBC_TUNABLES: 'glibc.malloc.check=3',
    BASH_ENV: evil,
    ENV: evil,
    npm_config_node_options: `--require ${evil}`,
    npm_config_prefix: cwd,
    PREBUILDS_ONLY: '1',
  };
  for (const arg of ['--version', 'features', 'list']) {
    const args = [...(arg === 'list' ? ['--root', join(folder, 'no-state')] : []), arg];
    const { status, stdout, stderr } = call(command, args, { env, cwd });
    assert.is(stderr, '', arg);
    assert.is(status, 0, arg);
    assert.ok(stdout.length > 20, arg);
  }
  assert.equal(execFileSync('ls', ['-A', traces], { encoding: 'utf8' }), '');
  assert.not.ok(trap.sprung());
  const kept = Object.keys(seen(program(makeInstalled()), [], { env, cwd }).env).sort();
  assert.equal(kept, ['HOME', 'PATH', 'TSRUNC_NOFILE']);
});

test('a package of `npm install --global` without its scripts runs the Node of its prefix', () => {
  const prefix = join(folder, 'prefix');
  const home = makePackage('prefix/lib/node_modules/tsrunc');
  const trap = makeTrap('node');
  symlinkSync(trap.bin, join(prefix, 'bin'));
  assert.is(call(program(home)).status, 9);
  assert.ok(trap.sprung());
});

root("root's PATH chooses no program", () => {
  const trap = makeTrap('node');
  call(program(makePackage()), [], { env: { PATH: trap.bin } });
  assert.not.ok(trap.sprung());
});

root("a user's PATH does, but for what lies in the working directory", () => {
  const [near, trap] = [makeTrap('node'), makeTrap('node')];
  const env = { PATH: `.::${trap.bin}` };
  const { status } = call(program(makePackage()), [], { env, cwd: near.bin, uid: other });
  assert.is(status, 9);
  assert.ok(trap.sprung());
  assert.not.ok(near.sprung());
});

test('a package without its code is said to be broken, in one sentence', () => {
  const home = makePackage();
  rmSync(join(home, 'dist/tsrunc.cjs'));
  assert.equal(call(program(home)), {
    status: 1,
    stdout: '',
    stderr: `tsrunc: could not read ${realpathSync(home)}/dist/tsrunc.cjs: no such file or directory: install the package again\n`,
  });
});

/** Calls a package's program where the usual places of Node are covered; the last one is that of `mount` itself. */
function callWithoutNode(home: string) {
  const cover = [
    'for place in /usr/local/bin /opt/node/bin /usr/lib/nodejs/bin /bin /usr/bin; do',
    '[ ! -d $place ] || [ -h $place ] || mount -t tmpfs none $place; done; exec "$0"',
  ].join(' ');
  const args = ['-m', '--propagation', 'private', '/bin/sh', '-c', cover, program(home)];
  return call('unshare', args, { env: { PATH: process.env['PATH'] ?? '' } });
}

root('a machine without Node is told what to do, in one sentence', () => {
  const { status, stderr } = callWithoutNode(makePackage());
  assert.is(status, 1);
  assert.match(stderr, /^tsrunc: could not find Node\.js: neither .*\/dist\/node nor [^\n]*\n$/);
});

root('a Node that may not be executed is named', () => {
  const home = makePackage();
  writeFileSync(join(home, 'dist/node'), '', { mode: 0o644 });
  const { status, stderr } = callWithoutNode(home);
  assert.is(status, 1);
  assert.match(stderr, /^tsrunc: could not start Node\.js, .*\/dist\/node: permission denied: /);
});

root('without /proc it says so', () => {
  const { status, stderr } = call('chroot', [makePackage(), '/build/Release/tsrunc'], {
    env: { PATH: process.env['PATH'] ?? '' },
  });
  assert.is(status, 1);
  assert.match(
    stderr,
    /^tsrunc: could not read .* from \/proc\/self\/exe: no such .*: mount \/proc\n$/,
  );
});

test('the script for machines without a launcher does the same', () => {
  const home = makeInstalled();
  const script = join(home, 'dist/tsrunc');
  copyFileSync(join(tree, 'scripts/tsrunc.sh'), script);
  const link = join(folder, 'script');
  symlinkSync(script, link);
  const env = { PATH: process.env['PATH'] ?? '', NODE_OPTIONS: '--nonsense' };
  const told = seen(link, ['a b', ''], { env });
  assert.equal(told.args, ['a b', '']);
  assert.match(told.env['TSRUNC_NOFILE'] ?? '', /^\d+$/);
});

test.run();
