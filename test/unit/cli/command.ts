import { spawnSync } from 'node:child_process';
import { bundle } from './bundle.js';

export const program = bundle('ts/cli/main.ts');

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command as it is in the sources now. */
export function tsrunc(args: readonly string[], nodeOptions: readonly string[] = []): Outcome {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...nodeOptions, program, ...args],
    {
      encoding: 'utf8',
    },
  );
  return { status, stdout, stderr };
}
