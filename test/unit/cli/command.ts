import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command from its sources. */
export function tsrunc(args: readonly string[], options: { cwd?: string } = {}): Outcome {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), `${root}/ts/cli/main.ts`, ...args],
    { encoding: 'utf8', cwd: options.cwd ?? root },
  );
  return { status, stdout, stderr };
}
