/** The time of a container on a host with many mounts, beside that with none. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { makeBundle } from '../bundle.mjs';

const world = fileURLToPath(new URL('./mount-world.mjs', import.meta.url));
const WARM_UP = 2;

/** Both are measured in turns, so that what else the machine does hits them alike. */
export async function measureMounts({ folder, cgroup }, { mounts, rounds }) {
  console.error(`mounts: ${rounds} rounds with ${mounts} of them and without`);
  const bundle = await makeBundle(folder, 'true', ['/bin/true'], `/${cgroup}/true`);
  const [without, many] = [startWorld(folder, bundle, 0), startWorld(folder, bundle, mounts)];
  try {
    const rows = (await without.names()).map((name) => ({ name, without: [], with: [] }));
    await many.names();
    for (let round = -WARM_UP; round < rounds; ++round) {
      for (const row of rows.filter(({ failed }) => !failed)) {
        const pair = [await without.time(row.name), await many.time(row.name)];
        const error = pair.find(({ error }) => error !== undefined)?.error;
        if (error !== undefined) {
          console.error(`${row.name} is left out of "mounts": ${error}.`);
          row.failed = true;
        } else if (round >= 0) {
          row.without.push(pair[0].ms);
          row.with.push(pair[1].ms);
        }
      }
    }
    return { mounts: rows.filter(({ failed }) => !failed) };
  } finally {
    await Promise.all([without.end(), many.end()]);
  }
}

/** A process in a mount namespace of its own that takes the times there: mount-world.mjs. */
function startWorld(folder, bundle, mounts) {
  const own = ['--mount', '--propagation', 'private', process.execPath];
  const args = [...own, world, folder, bundle, String(mounts)];
  const child = spawn('unshare', args, { stdio: ['ignore', 2, 2, 'ipc'] });
  const ended = once(child, 'exit').then(([status, signal]) => {
    throw new Error(`the world with ${mounts} mounts ended early: ${signal ?? status}`);
  });
  // Heard by `answer`, or not needed.
  ended.catch(() => {});
  const answer = async () => (await Promise.race([once(child, 'message'), ended]))[0];
  return {
    names: answer,
    time: (name) => {
      child.send(name);
      return answer();
    },
    end: async () => {
      if (child.connected) child.disconnect();
      await ended.catch(() => {});
    },
  };
}
