import { TsruncError } from '../errors.js';
import type { Action } from './commands.js';
import { openRuntime } from './open-runtime.js';
import { print } from './output.js';

export const action: Action<'ps'> = async (call) => {
  const [id, ...options] = call.operands as readonly [string, ...string[]];
  const pids = await openRuntime(call).ps(id);
  if (call.flags.format === 'json') {
    print(`${JSON.stringify(pids)}\n`);
    return;
  }
  const { spawnSync } = await import('node:child_process');
  const args = options.length === 0 ? ['-ef'] : options;
  const { status, stdout, stderr, error } = spawnSync('ps', args, { encoding: 'utf8' });
  if (error !== undefined || status !== 0) {
    const why = error?.message ?? stderr.trim().split('\n')[0] ?? `status ${status}`;
    throw new TsruncError(
      `the host's ps ${args.join(' ')} failed: ${why}; --format json needs no ps`,
      { code: 'UNSUPPORTED', stage: 'ps' },
    );
  }
  print(linesOf(stdout, new Set(pids)));
};

/** The head of ps's table and its lines about these processes. */
export function linesOf(table: string, pids: ReadonlySet<number>): string {
  const [head = '', ...lines] = table.trimEnd().split('\n');
  const column = head.trim().split(/\s+/).indexOf('PID');
  if (column < 0) {
    throw new TsruncError("ps's table has no column PID: choose options that show it", {
      code: 'INVALID_ARGUMENT',
      stage: 'ps',
    });
  }
  const own = lines.filter((line) => pids.has(Number(line.trim().split(/\s+/)[column])));
  return [head, ...own].map((line) => `${line}\n`).join('');
}
