import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bed, user } from './bed.js';
import { Podman, podmanPrograms } from './podman.js';

const bed = new Bed({ ...podmanPrograms, newuidmap: 'uidmap' });
const podman = new Podman(bed, { id: user.id, home: join(bed.folder, 'home') });
bed.before(() => {
  bed.addUser();
  podman.start();
});

bed.check('run: root inside, an ordinary user outside', () => {
  const maps = podman
    .sh('cat /proc/self/uid_map')
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  assert.equal(maps, [
    ['0', `${user.id}`, '1'],
    ['1', `${user.first}`, `${user.count}`],
  ]);
  assert.is(podman.sh('id -u; touch /x; stat -c %u /x'), '0\n0');
  assert.is(podman.sh('id -u; id -g', '--user', '1000:1000'), '1000\n1000');
  assert.is(podman.sh('id -u', '--userns', 'keep-id'), `${user.id}`);
});

bed.check('run: exit codes', () => {
  assert.is(podman.run([], 'sh', '-c', 'exit 7').code, 7);
  assert.is(podman.run([], 'nix').code, 127);
  assert.is(podman.run([], '/etc').code, 126);
});

bed.check('run: a terminal', () => {
  const { code, stdout } = podman.onTerminal(
    'run',
    '--rm',
    '-it',
    '--network',
    'none',
    'bb',
    'sh',
    '-c',
    'tty; exit 3',
  );
  assert.is(code, 3, stdout);
  assert.match(stdout, /\/dev\/pts\/0/);
});

bed.check('detached: exec, top, kill, wait, logs', async () => {
  await podman.with('box', [], () => {
    assert.is(podman.podman(['exec', 'box', 'sh', '-c', 'exit 5']).code, 5);
    assert.is(podman.ok('exec', '--user', '1000', 'box', 'id', '-u'), '1000');
    assert.match(podman.ok('top', 'box'), /sh -c trap/);
    podman.ok('kill', '--signal', 'TERM', 'box');
    assert.is(podman.ok('wait', 'box'), '9');
    assert.is(podman.ok('logs', 'box'), 'ready');
  });
});

bed.check('nothing of the containers is left', () => {
  assert.is(podman.ok('ps', '--all', '--quiet'), '');
  podman.stop();
});

bed.finish();
