import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tsrunc } from './command.js';

const probed = ['--require', fileURLToPath(new URL('loaded-modules.cjs', import.meta.url))];

const calls: readonly [args: string[], status: number][] = [
  [['--version'], 0],
  [['create', '--help'], 0],
  [['features'], 0],
  [['exec'], 255],
  [['create', '--nope'], 1],
];

// Each of these costs more than everything else that tsrunc does at its start.
for (const [args, expected] of calls) {
  test(`tsrunc ${args.join(' ')} loads no streams and no process machinery`, () => {
    const { status, stdout } = tsrunc(args, probed);
    assert.is(status, expected);
    const loaded = stdout.split('LOADED')[1]?.split(',') ?? [];
    assert.ok(loaded.includes('NativeModule fs'));
    for (const name of ['tty', 'net', 'child_process', 'crypto', 'worker_threads']) {
      assert.not.ok(loaded.includes(`NativeModule ${name}`), name);
    }
  });
}

test.run();
