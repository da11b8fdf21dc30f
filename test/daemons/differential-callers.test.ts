/** The calls as containerd's shim, conmon, Podman, CRI-O and buildah make them, with runc and the runtime under test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { gone } from '../support/processes.js';
import { Bed, environment, type Outcome } from './bed.js';
import { type Side, sidesOf } from './sides.js';

const bed = new Bed({ runc: 'runc', setpriv: 'util-linux' });
const { same } = sidesOf(bed);
const native = loadNative();
const console_py = fileURLToPath(new URL('../support/console.py', import.meta.url));

/** As the shim has its runtime: it ends with the caller, and has no stdin. */
const asShim = ['setpriv', '--pdeathsig', 'KILL', 'sh', '-c', 'exec "$@" <&-', 'sh'];
const strict = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** A process for `exec --process`. */
function processFile(side: Side, process: object): string {
  const file = join(side.folder, 'process.json');
  const whole = { cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 }, ...process };
  writeFileSync(file, JSON.stringify(whole));
  return file;
}

same(
  "containerd's shim: its calls from create to the second delete",
  async (side) => {
    const bundle = side.bundle(['sleep', '1000']);
    const at = (name: string): string => join(bundle, name);
    const log = ['--log', at('log.json'), '--log-format', 'json', '--rootless=false'];
    const call = (...args: string[]): unknown => {
      const { code, stdout, stderr } = side.call([...log, ...args], {
        through: asShim,
        cwd: bundle,
      });
      return [args[0], code, stdout.replaceAll(/\d+/g, 'N'), stderr];
    };
    const seen = [
      call('create', '--bundle', bundle, '--pid-file', at('init.pid'), '--no-new-keyring', 'shim'),
    ];
    const pid = Number(readFileSync(at('init.pid'), 'utf8'));
    // The caller of create has ended, and with it create.
    seen.push(side.status('shim'), call('start', 'shim'), pid === side.pid('shim'));
    const file = processFile(side, { args: ['sleep', '1000'] });
    const exec = ['exec', '--process', file, '--detach', '--pid-file', at('x.pid'), 'shim'];
    seen.push(call(...exec), existsSync(`/proc/${readFileSync(at('x.pid'), 'utf8')}`));
    seen.push(
      call('ps', '--format', 'json', 'shim'),
      ...[call('pause', 'shim'), side.status('shim'), call('resume', 'shim')],
      call('kill', '--all', 'shim', '9'),
    );
    await gone(native, pid);
    seen.push(
      side.status('shim'),
      ...[call('kill', '--all', 'shim', '9'), call('delete', 'shim')],
      call('delete', '--force', 'shim'),
    );
    return [...seen, existsSync(at('log.json')) ? readFileSync(at('log.json'), 'utf8') : ''];
  },
  ['ps', 'pause'],
);

same("conmon: an exec'd process with a terminal that a socket gets", async (side) => {
  const socket = join(side.folder, 'conmon');
  const listener = spawn('python3', [console_py, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = [text(listener.stdout), await once(listener.stdout, 'readable')];
  side.running('conmon');
  const file = processFile(side, { args: ['sh', '-c', 'tty'], terminal: true });
  const pidFile = join(side.folder, 'conmon.pid');
  const seen = side.success(
    ...['exec', '--pid-file', pidFile, '--process', file, '-d', '--tty'],
    ...['--console-socket', socket, 'conmon'],
  );
  const [, facts = '{}', ...output] = (await said).split('\n');
  side.call(['delete', '--force', 'conmon']);
  const { count, rest } = JSON.parse(facts);
  return [seen, { count, rest }, output, /^\d+$/.test(readFileSync(pidFile, 'utf8'))];
});

same(
  'Podman: calls without any environment',
  async (side) => {
    const bare = ['env', '-i'];
    const pid = side.running('bare');
    const call = (...args: string[]): Outcome => side.call(args, { through: bare });
    const file = join(side.folder, 'resources.json');
    writeFileSync(file, '{"pids":{"limit":33}}');
    const seen = [
      call('pause', 'bare'),
      call('resume', 'bare'),
      call('update', `--resources=${file}`, 'bare'),
      call('exec', 'bare', 'sh', '-c', 'echo $0'),
      call('kill', 'bare', '15'),
    ];
    await gone(native, pid);
    return [...seen, call('delete', '--force', 'bare'), call('list', '--quiet')];
  },
  ['pause', 'update'],
);

same('CRI-O: exec in the foreground, kill -a', async (side) => {
  const pid = side.running('crio');
  const file = processFile(side, { args: ['sh', '-c', 'echo out; echo err >&2; exit 6'] });
  const seen = [
    side.success('exec', '--process', file, 'crio'),
    side.success('kill', '-a', 'crio', 'KILL'),
  ];
  await gone(native, pid);
  return [...seen, side.success('kill', '-a', 'crio', 'KILL'), side.success('delete', 'crio')];
});

for (const [what, closed] of [
  ['stdin', '<&-'],
  ['stdout', '>&-'],
  ['stderr', '2>&-'],
  ['all three', '<&- >&- 2>&-'],
] as const) {
  same(`a caller without ${what}`, async (side) => {
    const through = ['sh', '-c', `exec "$@" ${closed}`, 'sh'];
    const call = (...args: string[]): unknown => {
      const { code, stdout } = side.call(args, { through });
      return [code, stdout];
    };
    const seen = [
      call('create', '--bundle', side.bundle(['sleep', '1000']), 'closed'),
      call('start', 'closed'),
      side.status('closed'),
      call('exec', 'closed', 'true'),
      call('exec', 'closed', 'nix'),
      call('state', 'none'),
    ];
    const pid = side.pid('closed');
    seen.push(call('kill', 'closed', 'KILL'));
    await gone(native, pid);
    seen.push(call('delete', 'closed'));
    const exit = side.bundle(['sh', '-c', 'exit 7']);
    return [...seen, call('run', '--bundle', exit, 'closed'), side.success('list', '-q')];
  });
}

same('a create that fails leaves nothing: its name is free, delete --force is no error', (side) => [
  ...['nix', '/etc'].flatMap((command) => [
    side.failure('create', '--bundle', side.bundle([command]), 'failed'),
    side.failure('state', 'failed'),
    side.success('delete', '--force', 'failed'),
  ]),
  side.success('run', '--bundle', side.bundle(['echo', 'free']), 'failed'),
]);

same('a pid file is replaced, not written over', (side) => {
  const file = join(side.folder, 'replaced.pid');
  writeFileSync(file, 'of another');
  const before = openSync(file, 'r');
  const bundle = side.bundle(['sleep', '1000']);
  const seen = side.success('create', '--bundle', bundle, '--pid-file', file, 'replaced');
  const old = readFileSync(before, 'utf8');
  closeSync(before);
  const isPid = readFileSync(file, 'utf8') === String(side.pid('replaced'));
  return [seen, old, isPid, side.success('delete', '--force', 'replaced')];
});

same('the log file: appended to, an object a line, its time as containerd reads it', (side) => {
  const file = join(side.folder, 'appended.json');
  writeFileSync(file, '{"level":"info","msg":"before","time":"2026-01-01T00:00:00Z"}\n');
  for (const id of ['none', 'nobody'])
    side.call(['--log', file, '--log-format', 'json', 'start', id]);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines
    .map((line) => JSON.parse(line))
    .map(({ level, msg, time }) => [level, msg === 'before', strict.test(time)]);
});

same('many calls at once on one container, and its end among them', async (side) => {
  const pid = side.running('busy');
  const call = async (...args: string[]): Promise<[number | null, string]> => {
    const [program, ...rest] = side.command(...args);
    const child = spawn(program, rest, {
      env: environment(),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    return [code, stdout];
  };
  const ask = ['state', 'list'].flatMap((command) => Array(6).fill(command)) as string[];
  const statuses = ask.map(async (command) => {
    const [code, stdout] = await call(
      ...(command === 'state' ? ['state', 'busy'] : ['list', '-q']),
    );
    return [code, command === 'state' ? JSON.parse(stdout).status : stdout];
  });
  const execs = Array.from({ length: 8 }, (_, index) =>
    call('exec', 'busy', 'sh', '-c', `echo ${index}; exit ${index}`),
  );
  const seen: unknown[] = await Promise.all([...statuses, ...execs]);
  const kills = await Promise.all(Array.from({ length: 4 }, () => call('kill', 'busy', 'KILL')));
  // The first one ends it; whether a later one finds it still there is a matter of moments.
  assert.ok(kills.some(([code]) => code === 0));
  await gone(native, pid);
  seen.push(await Promise.all([call('state', 'busy')].map(async (it) => (await it)[0])));
  return [...seen, side.success('delete', 'busy'), side.success('list', '-q')];
});

bed.finish();
