/** The caller is root in a user namespace and an ordinary user outside: so rootless Podman calls a runtime. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { command, Lab, type Mutate } from '../support/lab.js';
import { patience } from '../support/patience.js';
import { skipUnless } from '../support/skip.js';
import { testUser } from '../support/user.js';

const lab = new Lab('/tmp');
const user = testUser();
const id = user?.id ?? -1;
const readable = spawnSync(command, ['--version'], { uid: id, gid: id }).status === 0;
const check = skipUnless(
  user?.subordinate !== undefined && readable && existsSync('/usr/bin/newuidmap'),
  'useradd, newuidmap, subordinate ids, and a tree that others may read',
)(test);

/** XDG_RUNTIME_DIR of the user. */
const home = join(lab.folder, 'home');
mkdirSync(home);
if (user !== undefined) chownSync(home, id, id);

/** What a shell script prints in a container that this caller runs, without `--root`. */
function inside(script: string, mutate: Mutate = () => {}): string {
  const bundle = lab.bundle((spec, folder) => {
    spec.process.args = ['sh', '-c', script];
    spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== 'cgroup');
    delete spec.linux.resources;
    mutate(spec, folder);
  });
  const namespace = ['--user', '--mount', '--map-root-user', '--map-auto'];
  const { NODE_EXTRA_CA_CERTS: _, ...environment } = process.env;
  return execFileSync('unshare', [...namespace, command, 'run', '--bundle', bundle, lab.name()], {
    uid: id,
    gid: id,
    cwd: home,
    env: { ...environment, XDG_RUNTIME_DIR: home, USER: 'tester' },
    encoding: 'utf8',
    timeout: patience(60_000),
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trimEnd();
}

check('its containers have devices, and their state is in its own folder', () => {
  const script = 'echo x > /dev/null && head -c 2 /dev/zero | wc -c; id -u; cat /proc/self/uid_map';
  const lines = inside(script).split('\n');
  assert.equal(lines.slice(0, 2), ['2', '0']);
  assert.equal(lines[2]?.trim().split(/\s+/), ['0', String(id), '1']);
  assert.ok(existsSync(join(home, 'tsrunc')));
});

check('a cgroup mount shows the cgroups of the caller, read-only', () => {
  const script =
    'cd /sys/fs/cgroup; ls; for i in . *; do mkdir $i/x 2>/dev/null && echo made; done';
  const out = inside(`${script}; true`);
  assert.match(out, /cgroup\.procs|memory|unified/);
  assert.not.match(out, /made/);
});

check('a user namespace below its own may map any ids of it', () => {
  const out = inside('cat /proc/self/uid_map; id -u', (spec) => {
    spec.linux.namespaces.push({ type: 'user' });
    const mappings = [
      { containerID: 0, hostID: 1, size: 5 },
      { containerID: 5, hostID: 0, size: 1 },
    ];
    spec.linux.uidMappings = mappings;
    spec.linux.gidMappings = mappings;
    spec.process.user = { uid: 5, gid: 5 };
  });
  assert.equal(
    out.split('\n').map((line) => line.trim().replace(/\s+/g, ' ')),
    ['0 1 5', '5 0 1', '5'],
  );
});

test.after(() => user?.remove());
lab.finish(test);
