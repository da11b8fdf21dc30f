/** Commands run to their end. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { ftruncateSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `call` waits for a command, and throws what it said when it fails; `callBeside` lets others run meanwhile. */
export function callers(folder) {
  // A file, not a pipe: a created container holds it open, and the end of a pipe would never come.
  const file = join(folder, 'stderr');
  const errors = openSync(file, 'a');
  const stdio = ['ignore', 'ignore', errors];

  return {
    call([command, ...args], env, timeout = 20_000) {
      ftruncateSync(errors);
      const { status, error } = spawnSync(command, args, { stdio, env, timeout });
      if (status === 0) return;
      const said = error?.message ?? readFileSync(file, 'utf8').trim();
      throw new Error(`${[command, ...args].join(' ')} failed with status ${status}: ${said}`);
    },
    async callBeside([command, ...args], env) {
      const [status] = await once(spawn(command, args, { stdio, env }), 'exit');
      if (status === 0) return;
      throw new Error(`${[command, ...args].join(' ')} failed with status ${status}`);
    },
  };
}
