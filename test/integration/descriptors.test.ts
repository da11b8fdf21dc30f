import { spawnSync } from 'node:child_process';
import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { command, Lab } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const root = skipUnless(process.geteuid?.() === 0, 'root');

/** Runs the command as socket activation does: the sockets from descriptor 3 on, and its own pid in the environment. */
function activated(
  args: readonly string[],
  fds: readonly number[],
  env: Readonly<Record<string, string>>,
): string {
  const { status, stdout, stderr } = spawnSync(
    'sh',
    [
      '-c',
      'export LISTEN_PID=$$; [ -z "$PID" ] || LISTEN_PID=$PID; exec "$@"',
      'sh',
      command,
      '--root',
      lab.root,
      ...args,
    ],
    {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe', ...fds],
      encoding: 'utf8',
    },
  );
  assert.is(status, 0, stderr);
  return stdout.split(/\s+/).join(' ');
}

root(test)('--preserve-fds and socket activation hand descriptors on, the sockets first', () => {
  const fds = ['one', 'two', 'three'].map((content) => {
    const file = join(lab.folder, lab.name());
    writeFileSync(file, `${content} `);
    return openSync(file, 'r');
  });
  const script =
    'ls /proc/1/fd; for fd in 3 4 5; do [ -e /proc/1/fd/$fd ] && cat <&$fd; done; env | grep LISTEN | sort; :';
  const bundle = lab.bundle((spec) => {
    spec.process.args = ['sh', '-c', script];
    spec.process.env.push('LISTEN_FDS=99', 'OTHER=1');
  });
  const run = (...flags: string[]): string[] => ['run', ...flags, '--bundle', bundle, lab.name()];
  const env = { LISTEN_FDS: '1', LISTEN_FDNAMES: 'web' };
  const own = 'LISTEN_FDS=99 ';
  const web = 'LISTEN_FDNAMES=web LISTEN_FDS=1 LISTEN_PID=1 ';
  const rewound = (): number[] => fds.map((fd) => openSync(`/proc/self/fd/${fd}`, 'r'));
  const cases: readonly (readonly [args: string[], env: Record<string, string>, out: string])[] = [
    [run(), {}, `0 1 2 ${own}`],
    [run('--preserve-fds', '2'), {}, `0 1 2 3 4 one two ${own}`],
    [run(), env, `0 1 2 3 one ${web}`],
    [run('--preserve-fds', '2'), env, `0 1 2 3 4 5 one two three ${web}`],
    [
      run('--preserve-fds', '1'),
      { LISTEN_FDS: '2' },
      '0 1 2 3 4 5 one two three LISTEN_FDS=2 LISTEN_PID=1 ',
    ],
    // Another process's sockets, whose environment we have inherited.
    [run('--preserve-fds', '1'), { ...env, PID: '1' }, `0 1 2 3 one ${own}`],
    [run(), { LISTEN_FDS: 'x' }, `0 1 2 ${own}`],
  ];
  for (const [args, environment, out] of cases)
    assert.is(activated(args, rewound(), environment), out);
  const id = lab.name();
  lab.ok([
    'create',
    '--bundle',
    lab.bundle((spec) => void (spec.process.args = ['sleep', '1000'])),
    id,
  ]);
  lab.ok(['start', id]);
  const exec = activated(
    ['exec', '--preserve-fds', '1', id, 'sh', '-c', 'cat <&3; cat <&4; env | grep LISTEN | sort'],
    rewound(),
    env,
  );
  assert.is(exec, `one two ${web}`);
  lab.ok(['delete', '--force', id]);
  assert.match(lab.fails(run('--preserve-fds', '9')), 'descriptor 3 is to be preserved');
});

lab.finish(test);
