/** The runtimes that are compared, as commands. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../scripts/steps.mjs';

/** The first line of what `--version` says, or undefined when there is no such command. */
export function firstLine(command) {
  const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n')[0] : undefined;
}

/** tsrunc and those of its peers that are installed; the others are named on stderr. */
export function runtimes(folder) {
  const found = [
    { name: 'tsrunc', command: [join(root, 'dist/tsrunc')] },
    ...['crun', 'runc'].map((name) => ({ name, command: [name] })),
  ].filter(({ name }) => {
    if (name === 'tsrunc' || firstLine(name) !== undefined) return true;
    console.error(`${name} is left out: it isn't installed.`);
    return false;
  });
  return found.map(({ name, command }) => ({
    name,
    command: [...command, '--root', join(folder, `state-${name}`)],
  }));
}
