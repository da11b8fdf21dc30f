/**
 * growth/mount-world.mjs FOLDER BUNDLE MOUNTS: makes that many mounts in the mount namespace that it was started in. Says who
 * is there, then answers each name with the time that its container took. Ends with its parent's channel.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { callers } from '../calls.mjs';
import { contenders, timed } from './contenders.mjs';

const [folder = '', bundle = '', given = ''] = process.argv.slice(2);
const mounts = Number(given);
const GROUP = 100;

/** A tmpfs and so many binds in it: a group of binds, and copies of the group. */
const script = `
set -e
mount -t tmpfs tmpfs "$1"
cd "$1"
mkdir group
mount --bind group group
cd group
for i in $(seq 2 ${GROUP}); do mkdir $i; mount --bind $i $i; done
cd ..
for i in $(seq 2 $2); do mkdir $i; mount --rbind group $i; done
`;

function makeMounts() {
  const target = join(folder, 'run/mounts');
  mkdirSync(target);
  execFileSync('sh', ['-c', script, 'sh', target, String(mounts / GROUP)]);
  const there = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length;
  if (there < mounts) throw new Error(`only ${there} mounts were made, not ${mounts}`);
}

if (mounts > 0) makeMounts();
// Two worlds have two hosts.
const place = join(folder, `world-${mounts}`);
mkdirSync(join(place, 'run'), { recursive: true });
execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(place, 'run')]);
const { commands, library, end } = await contenders({ folder: place, ...callers(place) });
const all = [...commands, library];
let count = 0;

process.on('message', async (name) => {
  const id = `bench-${mounts}-${++count}`;
  try {
    const ms = await timed(() => all.find((one) => one.name === name).run(id, bundle));
    process.send({ ms });
  } catch (error) {
    process.send({ error: error.message });
  }
});
process.on('disconnect', () => {
  end();
  process.exit();
});
process.send(all.map(({ name }) => name));
