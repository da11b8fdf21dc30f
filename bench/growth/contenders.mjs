/** Who is measured, in one shape: the commands of peers.mjs and the library. */
import { join } from 'node:path';
import { root } from '../../scripts/steps.mjs';
import { runtimes, startHost } from '../peers.mjs';

export const LIBRARY = 'tsrunc as a library';
const stdio = ['ignore', 'ignore', 'ignore'];

/** The library, with the containers that it has in FOLDER/run/library. */
export async function library(folder) {
  const { Runtime } = await import(join(root, 'dist/index.js'));
  const runtime = new Runtime({ root: join(folder, 'run/library') });
  return {
    name: LIBRARY,
    async run(id, bundle) {
      const container = await runtime.run(id, { bundle, stdio });
      const { code } = await container.wait();
      if (code !== 0) throw new Error(`the library's container ended with status ${code}`);
    },
    create: (id, bundle) => runtime.create(id, { bundle, stdio }),
    start: (id) => runtime.start(id),
    list: () => runtime.list(),
    remove: (id) => runtime.delete(id, { force: true }),
  };
}

/** A command of peers.mjs. */
function byCommand({ call, callBeside }, { name, command, env }) {
  const does = (...args) => call([...command, ...args], env);
  return {
    name,
    command,
    env,
    run: (id, bundle) => does('run', '--bundle', bundle, id),
    create: (id, bundle) => does('create', '--bundle', bundle, id),
    start: (id) => does('start', id),
    list: () => does('list'),
    remove: (id) => callBeside([...command, 'delete', '--force', id], env),
  };
}

/** All of them, by commands and in this process, with a host that `end` ends. */
export async function contenders(place) {
  const host = await startHost(place.folder);
  const commands = runtimes(place.folder, host.socket).map((one) => byCommand(place, one));
  return { commands, library: await library(place.folder), end: host.end };
}

/** The milliseconds that `act` took. */
export async function timed(act) {
  const since = process.hrtime.bigint();
  await act();
  return Number(process.hrtime.bigint() - since) / 1e6;
}

/** What `act` comes to for `name`, or nothing when it fails, which is said: the others go on. */
export async function unlessFails(name, what, act) {
  try {
    return [await act()];
  } catch (error) {
    console.error(`${name} is left out of "${what}": ${error.message}.`);
    return [];
  }
}
