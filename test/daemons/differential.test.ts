/** Lives, exit codes and failures, with runc and the runtime under test. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { gone } from '../support/processes.js';
import { Bed } from './bed.js';
import { shapeOf, sidesOf } from './sides.js';

const bed = new Bed({ runc: 'runc' });
const { same } = sidesOf(bed);
const native = loadNative();

same('a container that does not exist', (side) => [
  ...['state', 'start', 'kill', 'delete'].map((command) => side.failure(command, 'none')),
  side.failure('exec', 'none', 'true'),
  side.success('delete', '--force', 'none'),
]);

same(
  'a container that does not exist: ps, pause, resume',
  (side) => ['ps', 'pause', 'resume'].map((command) => side.failure(command, 'none')),
  ['ps', 'pause'],
);

same('a life: create, start, kill, delete', async (side) => {
  const bundle = side.bundle(['sh', '-c', 'sleep 1000'], (spec) => {
    spec.annotations = { 'a.b': 'c' };
  });
  const seen: unknown[] = [
    side.success('create', '--bundle', bundle, '--pid-file', join(side.folder, 'life.pid'), 'life'),
  ];
  const state = side.state('life');
  seen.push(shapeOf(state), state.id, state.status, state.annotations, state.bundle === bundle);
  seen.push(readFileSync(join(side.folder, 'life.pid'), 'utf8') === String(state.pid));
  seen.push(
    !Number.isNaN(Date.parse(String(state['created']))) &&
      /^\d{4}-\d\d-\d\dT.*Z$/.test(String(state['created'])),
  );
  seen.push(side.failure('create', '--bundle', bundle, 'life'));
  seen.push(
    side.success('start', 'life'),
    side.status('life'),
    side.failure('start', 'life'),
    side.failure('delete', 'life'),
  );
  seen.push(side.success('kill', 'life', '9'));
  await gone(native, state.pid);
  const stopped = side.state('life');
  seen.push(shapeOf(stopped), stopped.status, stopped.pid);
  seen.push(
    side.failure('kill', 'life'),
    side.success('kill', '--all', 'life', '9'),
    side.failure('exec', 'life', 'true'),
    side.failure('start', 'life'),
  );
  seen.push(
    side.success('delete', 'life'),
    side.failure('delete', 'life'),
    side.failure('state', 'life'),
  );
  return seen;
});

same('delete --force: a running one, a created one, twice', (side) => {
  const pid = side.running('forced');
  const seen = [side.success('delete', '--force', 'forced'), side.failure('state', 'forced')];
  assert.is(side.call(['create', '--bundle', side.bundle(['true']), 'forced']).code, 0);
  return [
    ...seen,
    side.success('delete', '--force', 'forced'),
    side.success('delete', '--force', 'forced'),
    pid > 0,
  ];
});

same('kill: signals by name and by number', async (side) => {
  const seen: unknown[] = [];
  for (const signal of ['TERM', 'SIGTERM', '15', 'sigterm', 'KILL']) {
    const pid = side.running('signals');
    seen.push(side.success('kill', 'signals', signal));
    await gone(native, pid);
    side.call(['delete', 'signals']);
  }
  side.running('signals');
  seen.push(side.failure('kill', 'signals', 'NOSUCH'), side.failure('kill', 'signals', '1000'));
  side.call(['delete', '--force', 'signals']);
  return seen;
});

same("run: the process's own status, or 128 and its signal", (side) => [
  side.success('run', '--bundle', side.bundle(['sh', '-c', 'echo out; exit 7']), 'status'),
  side.success('run', '--bundle', side.bundle(['sh', '-c', 'sh -c "kill -9 $$"']), 'status'),
  side.call(['run', '--bundle', side.bundle(['cat']), 'status'], { input: 'fed' }),
  side.success('run', '--bundle', side.bundle(['true']), 'status'),
  side.call(['list', '--quiet']),
]);

same('run: a command that can not be executed', (side) => [
  ...['nix', '/nix', '/etc', '/etc/passwd', '/etc/passwd/x', './nix'].map((command) =>
    side.failure('run', '--bundle', side.bundle([command]), 'missing'),
  ),
  side.success('list', '--quiet'),
]);

same('exec: status, output, input, environment, folder, a missing command', (side) => {
  side.running('execs');
  const seen = [
    side.success('exec', 'execs', 'sh', '-c', 'echo out; echo err >&2; exit 5'),
    side.call(['exec', 'execs', 'cat'], { input: 'fed' }),
    side.success('exec', '--cwd', '/home', '--env', 'A=b', 'execs', 'sh', '-c', 'pwd; echo $A'),
    side.success('exec', '-e', 'A=b', 'execs', 'sh', '-c', 'echo $A'),
    ...['nix', '/nix', '/etc'].map((command) => side.failure('exec', 'execs', command)),
    side.failure('exec', '--cwd', '/etc/passwd', 'execs', 'true'),
    side.failure('exec', 'execs'),
  ];
  const file = join(side.folder, 'process.json');
  writeFileSync(
    file,
    JSON.stringify({
      args: ['sh', '-c', 'id -u; pwd; echo $A'],
      cwd: '/home',
      env: ['PATH=/bin', 'A=b'],
      user: { uid: 0, gid: 0 },
    }),
  );
  seen.push(side.success('exec', '--process', file, 'execs'));
  const pidFile = join(side.folder, 'exec.pid');
  seen.push(side.success('exec', '--detach', '--pid-file', pidFile, 'execs', 'sleep', '1000'));
  const pid = readFileSync(pidFile, 'utf8');
  seen.push(/^\d+$/.test(pid), existsSync(`/proc/${pid}`));
  side.call(['delete', '--force', 'execs']);
  return seen;
});

bed.finish();
