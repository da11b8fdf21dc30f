/** The runtimes that are compared, as commands. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from '../scripts/steps.mjs';

/** The first line of what `--version` says, or undefined when there is no such command. */
export function firstLine(command) {
  const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n')[0] : undefined;
}

const command = join(root, 'dist/tsrunc');
const WITH_HOST = 'tsrunc with host';

/** Starts a host that listens in `folder`; resolves when it does. Only the runtime of that name is to find it. */
export async function startHost(folder) {
  const socket = join(folder, 'host/socket');
  const args = ['host', '--socket', socket];
  const host = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const [said] = await once(host.stderr, 'data');
  if (!String(said).includes('listening at')) throw new Error(`The host doesn't listen: ${said}`);
  host.stderr.resume();
  return { socket, end: () => host.kill() };
}

/** tsrunc and those of its peers that are installed; the others are named on stderr. */
export function runtimes(folder, socket) {
  const found = [
    { name: 'tsrunc', command: [command] },
    { name: WITH_HOST, command: [command] },
    ...['crun', 'runc'].map((name) => ({ name, command: [name] })),
  ].filter(({ name }) => {
    if (name.startsWith('tsrunc') || firstLine(name) !== undefined) return true;
    console.error(`${name} is left out: it isn't installed.`);
    return false;
  });
  return found.map(({ name, command }) => ({
    name,
    command: [...command, '--root', join(folder, 'run', name.replaceAll(' ', '-'))],
    env: { ...process.env, TSRUNC_HOST: name === WITH_HOST ? socket : 'off' },
  }));
}
