import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HookBed } from './fixture.js';

const test = suite<{ bed: HookBed }>('hooks');
test.before.each((context) => {
  context.bed = new HookBed();
});
test.after.each(({ bed }) => {
  assert.is(bed.end(), 0, 'descriptors were left open');
});

test('run in their order, one after the other', async ({ bed }) => {
  const slow = bed.sh('read x < /dev/null; sleep 0.1; echo 1 >> out');
  await bed.run('createRuntime', [slow, bed.sh('echo 2 >> out'), bed.sh('echo 3 >> out')]);
  assert.is(bed.text('out'), '1\n2\n3\n');
});

test('no hooks are no error', async ({ bed }) => {
  await bed.run('prestart', []);
});

test('get the state on stdin, each anew, to its end, however they open it', async ({ bed }) => {
  await bed.run('prestart', [bed.sh('cat > first'), bed.sh('cat /dev/stdin > second')]);
  assert.equal(JSON.parse(bed.text('first')), bed.state);
  assert.equal(JSON.parse(bed.text('second')), bed.state);
});

test('need not read the state, even a large one', async ({ bed }) => {
  Object.assign(bed.state, { annotations: { large: 'x'.repeat(1_000_000) } });
  await bed.run('prestart', [bed.sh('exec <&-; exit 0'), bed.sh('cat > out')]);
  assert.equal(JSON.parse(bed.text('out')), bed.state);
});

test('have exactly their own environment', async ({ bed }) => {
  const env = ['__proto__=a', 'B=1=2', 'EMPTY=', '10=ten', 'B=3'];
  const hook = { path: '/bin/sh', args: ['sh', '-c', 'cat /proc/$$/environ > out'], env };
  await bed.run('prestart', [{ ...hook, env: [...env, 'PATH=/usr/bin:/bin'] }]);
  assert.equal(bed.text('out').split('\0').sort(), [
    '',
    '10=ten',
    'B=3',
    'EMPTY=',
    'PATH=/usr/bin:/bin',
    '__proto__=a',
  ]);
  const { env: _, ...bare } = bed.sh('read x < /proc/$$/environ; echo "[$x]" > bare');
  await bed.run('prestart', [bare]);
  assert.is(bed.text('bare'), '[]\n');
});

test('have the arguments that they ask for, the first as their name', async ({ bed }) => {
  const cmdline = (name: string) => `tr '\\0' ' ' < /proc/$$/cmdline > ${name}`;
  await bed.run('prestart', [
    bed.sh(cmdline('out'), { args: ['other name', '-c', cmdline('out'), 'x', 'y'] }),
  ]);
  assert.match(bed.text('out'), /^other name -c .* x y $/);
  writeFileSync(`${bed.folder}/hook`, `#!/bin/sh\necho "$0 $#" > alone\n`, { mode: 0o755 });
  await bed.run('prestart', [{ path: `${bed.folder}/hook` }]);
  assert.is(bed.text('alone'), `${bed.folder}/hook 0\n`);
});

test("run in the bundle's folder, or in / when it is gone", async ({ bed }) => {
  await bed.run('prestart', [bed.sh('pwd > out')]);
  assert.is(bed.text('out'), `${bed.folder}\n`);
  Object.assign(bed.state, { bundle: `${bed.folder}/gone` });
  await bed.run('poststop', [bed.sh(`pwd > ${bed.folder}/out`)]);
  assert.is(bed.text('out'), '/\n');
  assert.equal(bed.warnings, []);
});

test('stderr can be opened by name', async ({ bed }) => {
  const error = await bed.failure('prestart', [bed.sh('echo warned > /dev/stderr; exit 1')]);
  assert.match(error.message, /: warned$/);
});

test('have no descriptor of ours but three', async ({ bed }) => {
  const file = openSync('/dev/zero', 'r');
  try {
    await bed.run('prestart', [bed.sh('ls -l /proc/self/fd > out')]);
  } finally {
    closeSync(file);
  }
  // ls has the folder itself open, too.
  const lines = bed
    .text('out')
    .split('\n')
    .filter((line) => / -> /.test(line) && !/ -> \/proc\/\d+\/fd$/.test(line));
  const fds = lines
    .map((line) => Number(/(\d+) -> /.exec(line)?.[1]))
    .filter((fd) => !isInherited(fd));
  assert.equal(fds, [0, 1, 2]);
});

/** Whether this process itself was started with the descriptor: Node makes all of its own close-on-exec. */
function isInherited(fd: number): boolean {
  if (fd < 3) return false;
  try {
    const flags =
      /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & 0o2000000) === 0;
  } catch {
    return false;
  }
}

test('what they print disturbs nobody, how much it may be', async ({ bed }) => {
  const loud =
    'i=0; while [ $i -lt 3000 ]; do echo "line $i: a hundred thousand bytes need many of these"; i=$((i+1)); done';
  await bed.run('prestart', [bed.sh(loud), bed.sh(`exec >&2; ${loud}`)]);
  const error = await bed.failure('prestart', [bed.sh(`exec >&2; ${loud}; echo the end; exit 1`)]);
  assert.match(error.message, / \| the end$/);
  assert.ok(error.message.length < 4500);
});

for (const kind of ['prestart', 'createRuntime', 'poststart'] as const) {
  test(`the first failure of ${kind} is an error, and ends the row`, async ({ bed }) => {
    const failing = bed.sh('echo one >&2; echo "no network" >&2; exit 7');
    const error = await bed.failure(kind, [bed.sh('true'), failing, bed.sh('echo > ran')]);
    assert.is(
      error.message,
      `${kind} hook 1 (/bin/sh) failed with exit status 7: one | no network`,
    );
    assert.equal([error.code, error.path, error.stage], ['HOOK_FAILED', '/bin/sh', 'hooks']);
    assert.not(existsSync(`${bed.folder}/ran`));
  });
}

test('poststop hooks all run, and their failures are warnings', async ({ bed }) => {
  await bed.run('poststop', [bed.sh('exit 3'), { path: '/no/such' }, bed.sh('echo > ran')]);
  assert.ok(existsSync(`${bed.folder}/ran`));
  assert.equal(
    bed.warnings.map((warning) => warning.message),
    [
      'poststop hook 0 (/bin/sh) failed with exit status 3',
      'poststop hook 1 (/no/such) could not be started: no such file or directory, or its interpreter is missing',
    ],
  );
});

test('a signal that ends a hook is named', async ({ bed }) => {
  const error = await bed.failure('prestart', [bed.sh('kill -USR1 $$')]);
  assert.is(error.message, 'prestart hook 0 (/bin/sh) was killed by SIGUSR1');
});

test('what can not be started says why', async ({ bed }) => {
  writeFileSync(`${bed.folder}/plain`, 'text');
  const error = await bed.failure('prestart', [{ path: `${bed.folder}/plain` }]);
  assert.match(error.message, 'could not be started: permission denied');
  assert.match(
    (await bed.failure('prestart', [{ path: '/bin/sh', args: ['a\0b', 'c\0d'] }])).message,
    'could not be started',
  );
});

/** Resolves when the process has ended: when the kernel has no more than a zombie of it. */
async function ended(pid: number): Promise<void> {
  for (;;) {
    try {
      if (/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) return;
    } catch {
      return;
    }
    await new Promise(setImmediate);
  }
}

test('a hook that outlasts its timeout is killed with what it started', async ({ bed }) => {
  const hanging = bed.sh('echo $$ > pid; sleep 1000 & echo $! > child; echo waiting >&2; wait', {
    timeout: 1,
  });
  const error = await bed.failure('prestart', [hanging, bed.sh('echo > ran')]);
  assert.is(
    error.message,
    'prestart hook 0 (/bin/sh) did not end within 1 s and was killed: waiting',
  );
  assert.is(error.code, 'HOOK_FAILED');
  for (const name of ['pid', 'child']) await ended(Number(bed.text(name)));
  assert.not(existsSync(`${bed.folder}/ran`));
});

test('a timeout longer than any timer does not fire', async ({ bed }) => {
  await bed.run('prestart', [bed.sh('sleep 0.05', { timeout: 10_000_000 })]);
});

test('a daemon that keeps the pipes is not waited for', async ({ bed }) => {
  await bed.run('prestart', [bed.sh('sleep 1000 & echo $! > daemon; echo started >&2')]);
  const pid = Number(bed.text('daemon'));
  try {
    assert.not.match(readFileSync(`/proc/${pid}/stat`, 'utf8'), /\) [ZX] /);
  } finally {
    process.kill(pid, 'SIGKILL');
    await ended(pid);
  }
});

test('a failing hook that leaves a daemon still gets its last words through', async ({ bed }) => {
  const error = await bed.failure('prestart', [
    bed.sh('sleep 1000 & echo $! > daemon; echo bad >&2; exit 1'),
  ]);
  const pid = Number(bed.text('daemon'));
  process.kill(pid, 'SIGKILL');
  await ended(pid);
  assert.match(error.message, /: bad$/);
});

for (const kind of ['createRuntime', 'poststop'] as const) {
  test(`an AbortSignal kills the ${kind} hook that runs, and no other begins`, async ({ bed }) => {
    const abort = new AbortController();
    const hooks = [bed.sh('echo $$ > pid.new; mv pid.new pid; sleep 1000'), bed.sh('echo > ran')];
    const failing = bed.failure(kind, hooks, abort.signal);
    while (!existsSync(`${bed.folder}/pid`)) await new Promise(setImmediate);
    abort.abort();
    assert.is((await failing).code, 'ABORTED');
    await ended(Number(bed.text('pid')));
    assert.not(existsSync(`${bed.folder}/ran`));
    rmSync(`${bed.folder}/pid`);
    assert.is((await bed.failure(kind, hooks, abort.signal)).code, 'ABORTED');
    assert.not(existsSync(`${bed.folder}/pid`));
  });
}

test.run();
