/** Flags, terminals, descriptors and what is asked of the runtime itself, with runc and the runtime under test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { gone } from '../support/processes.js';
import { Bed, type Outcome } from './bed.js';
import { type Mutate, shapeOf, sidesOf } from './sides.js';

const bed = new Bed({ runc: 'runc' });
const { reference, subject, same } = sidesOf(bed);
const native = loadNative();
const console_py = fileURLToPath(new URL('../support/console.py', import.meta.url));

same('flags with one dash, with =, with a value behind', (side) => [
  side.success('run', '-bundle', side.bundle(['true']), 'flags'),
  side.success('run', `--bundle=${side.bundle(['true'])}`, 'flags'),
  side.success('run', '-b', side.bundle(['true']), '-no-subreaper', '--no-pivot=false', 'flags'),
  side.success('run', '--no-new-keyring', '--bundle', side.bundle(['true']), 'flags'),
  side.call(['run', 'flags'], { cwd: side.bundle(['true']) }),
]);

same('command lines that are wrong', (side) => {
  const code = (...args: string[]): unknown => [
    side.call(args).code !== 0,
    side.call(args).stderr !== '',
  ];
  return [
    code('create'),
    code('start', '--no-such-flag', 'x'),
    code('create', '--bundle', '/nowhere', 'x'),
    code('create', '--bundle', side.bundle(['true']), 'a/b'),
    code('create', '--bundle', side.bundle(['true']), '..'),
    code('create', '--bundle', side.bundle(['true']), 'a', 'b'),
    code('--log-format', 'xml', 'list'),
    code('--no-such-flag', 'list'),
    code('exec', '--process', '/nowhere', 'x'),
  ];
});

same('terminals: without a socket, with one that is not wanted', (side) => {
  const terminal: Mutate = (spec) => {
    spec.process.terminal = true;
  };
  return [
    side.failure('create', '--bundle', side.bundle(['true'], terminal), 'tty'),
    side.failure('run', '--detach', '--bundle', side.bundle(['true'], terminal), 'tty'),
    side.failure(
      'create',
      '--console-socket',
      '/nowhere',
      '--bundle',
      side.bundle(['true']),
      'tty',
    ),
    // In other words here: Docker takes "no such file" for the command's.
    side.call([
      ...['create', '--console-socket', '/nowhere'],
      ...['--bundle', side.bundle(['true'], terminal), 'tty'],
    ]).code,
    side.success('list', '-q'),
  ];
});

same("terminals: the socket gets the master's descriptor", async (side) => {
  const socket = join(side.folder, 'console');
  const listener = spawn('python3', [console_py, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  listener.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  const ended = once(listener, 'close');
  await once(listener.stdout, 'data');
  const bundle = side.bundle(['sh', '-c', 'tty; stty size; exit 0'], (spec) => {
    spec.process.terminal = true;
    spec.process.consoleSize = { height: 33, width: 77 };
  });
  const seen: unknown[] = [
    side.success('create', '--bundle', bundle, '--console-socket', socket, 'console'),
  ];
  const pid = side.pid('console');
  seen.push(side.success('start', 'console'));
  await gone(native, pid);
  await ended;
  side.call(['delete', 'console']);
  const [, facts = '{}', ...output] = said.split('\n');
  const { count, rest, size } = JSON.parse(facts);
  return [...seen, { count, rest, size }, output.join('\n')];
});

same('descriptors: those of LISTEN_FDS, then the preserved', (side) => {
  const script =
    'for i in 3 4 5; do test -e /proc/self/fd/$i && cat <&$i; done; echo $LISTEN_FDS $LISTEN_PID';
  const given = ['one\n', 'two\n'].map((text, index) => {
    const file = join(side.folder, `fd${index}`);
    writeFileSync(file, text);
    return file;
  });
  const run = (pid: string, preserve: string, bundle: string): Outcome =>
    side.call(['run', '--preserve-fds', preserve, '--bundle', bundle, 'fds'], {
      fds: given.map((_, index) => openSync(join(side.folder, `fd${index}`), 'r')),
      // A shell's word for LISTEN_PID.
      through: ['sh', '-c', `export LISTEN_FDS=1 LISTEN_PID=${pid}; exec "$@"`, 'sh'],
    });
  const calls = [
    ...['0', '1'].map((preserve) => ['$$', preserve] as const),
    // Not for this process, so not for the container.
    ...['0', '1', '2'].flatMap((preserve) => [['1', preserve] as const, ['', preserve] as const]),
  ];
  return calls.map(([pid, preserve]) => run(pid, preserve, side.bundle(['sh', '-c', script])));
});

same('spec: a file that is not there yet, and runs', (side) => {
  const folder = join(side.folder, 'spec');
  mkdirSync(folder);
  const seen = [side.call(['spec'], { cwd: folder }), side.failure('spec', '--bundle', folder)];
  const { process, root, mounts, hostname } = JSON.parse(
    readFileSync(join(folder, 'config.json'), 'utf8'),
  );
  return [
    ...seen,
    process.args,
    process.terminal,
    root,
    mounts.map(({ destination }: { destination: string }) => destination).sort(),
    typeof hostname,
  ];
});

bed.check(
  'features: everything of runc, in its types',
  () => {
    const [expected, actual] = [reference, subject].map((side) =>
      JSON.parse(side.call(['features']).stdout),
    );
    const { annotations: _, ...known } = expected;
    const shape = shapeOf(actual) as Record<string, unknown>;
    for (const [key, value] of Object.entries(known)) {
      assert.is(typeof shape[key] === typeof shapeOf(value), true, key);
    }
    for (const hook of expected.hooks) assert.ok(actual.hooks.includes(hook), hook);
    for (const name of expected.linux.namespaces)
      assert.ok(actual.linux.namespaces.includes(name), name);
    for (const name of expected.linux.capabilities)
      assert.ok(actual.linux.capabilities.includes(name), name);
  },
  bed.has('features') ? undefined : `${bed.runtimeName} features`,
);

same('--version: what go-runc and CRI-O parse', (side) => {
  const lines = side.call(['--version']).stdout.split('\n');
  return [
    /^runc version \S+$/.test(lines[0] ?? ''),
    lines.some((line) => line.startsWith('commit: ')),
    lines.some((line) => /^spec: \d/.test(line)),
  ];
});

bed.finish();
