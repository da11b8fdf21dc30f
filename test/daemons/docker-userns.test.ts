import { mkdirSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { Bed, user } from './bed.js';
import { Docker, dockerPrograms } from './docker.js';

const bed = new Bed(dockerPrograms);
const docker = new Docker(bed);
bed.before(async () => {
  bed.addUser();
  await docker.start({ 'userns-remap': user.name });
});

bed.check('userns-remap: root in the container is nobody outside', async () => {
  assert.equal(docker.sh('cat /proc/self/uid_map').trim().split(/\s+/), [
    '0',
    `${user.first}`,
    `${user.count}`,
  ]);
  assert.is(docker.sh('id -u; touch /x; stat -c %u /x'), '0\n0');
  await docker.with('remapped', [], () => {
    const pid = docker.inspect('remapped', '.State.Pid');
    assert.match(
      bed.call('grep', ['Uid', `/proc/${pid}/status`]).stdout,
      new RegExp(`\\t${user.first}\\t`),
    );
    assert.is(docker.ok('exec', '--user', '5', 'remapped', 'id', '-u'), '5');
    assert.is(docker.docker(['exec', 'remapped', 'sh', '-c', 'exit 8']).code, 8);
  });
});

bed.check('userns-remap: exit codes and sentences are the same', () => {
  assert.is(docker.run([], 'sh', '-c', 'exit 7').code, 7);
  assert.is(docker.run([], 'nix').code, 127);
  assert.is(docker.run([], '/etc').code, 126);
});

bed.check("userns-remap: the host's files are out of reach", () => {
  const folder = `${bed.folder}/secret`;
  mkdirSync(folder, { mode: 0o700 });
  const { code, stderr } = docker.run(['--volume', `${folder}:/s`], 'ls', '/s');
  assert.is(code, 1);
  assert.match(stderr, /Permission denied/);
});

bed.check('userns-remap: --userns=host leaves it out', () => {
  assert.equal(docker.sh('cat /proc/self/uid_map', '--userns', 'host').trim().split(/\s+/)[1], '0');
});

bed.finish();
