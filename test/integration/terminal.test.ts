import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { command, Lab, type Mutate } from '../support/lab.js';
import { Session, terminals } from '../support/session.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const native = loadNative();
const receiver = fileURLToPath(new URL('../support/console.py', import.meta.url));
const tsrunc = [command, '--root', lab.root];
const python = skipUnless(
  process.geteuid?.() === 0 && spawnSync('python3', ['-V']).status === 0,
  'root and python3',
);

const onTerminal =
  (script: string, mutate: Mutate = () => {}): Mutate =>
  (spec, bundle) => {
    spec.process.terminal = true;
    spec.process.args = ['sh', '-c', script];
    mutate(spec, bundle);
  };

/** Starts one of the Python programs that listen on a socket. The function it resolves with waits for all that the program prints. */
async function listen(...args: string[]): Promise<() => Promise<string>> {
  const child = spawn('python3', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    output += chunk;
  });
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  return async () => {
    await closed;
    return output.replace('listening\n', '');
  };
}

/** Creates and starts a container whose terminal goes to a socket. Returns what came over it and what was written to it. */
async function throughSocket(
  mutate: Mutate,
): Promise<{ message: Record<string, unknown>; output: string }> {
  const socket = join(lab.folder, `${lab.name()}.sock`);
  const received = await listen(receiver, socket);
  const { id } = lab.create(lab.bundle(mutate), '--console-socket', socket);
  lab.ok(['start', id]);
  const [message = '', ...output] = (await received()).split('\n');
  lab.ok(['delete', '--force', id]);
  return { message: JSON.parse(message), output: output.join('\n').replaceAll('\r', '') };
}

python(test)(
  "--console-socket gets one message with the master of the container's terminal",
  async () => {
    const script =
      'tty; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo three; stat -c "%F %a %u" /dev/console; stty size; readlink /proc/self/fd/0';
    const { message, output } = await throughSocket(
      onTerminal(script, (spec) => {
        spec.process.consoleSize = { width: 132, height: 43 };
      }),
    );
    const { bytes, name, ...others } = message;
    assert.ok(Number(bytes) > 0);
    assert.match(String(name), /\/(ptmx|pts\/ptmx)$/);
    assert.equal(others, { count: 1, rest: 0, number: 0, size: [43, 132] });
    assert.equal(output.trimEnd().split('\n'), [
      '/dev/pts/0',
      'three',
      'character special file 620 0',
      '43 132',
      '/dev/pts/0',
    ]);
  },
);

python(test)(
  "the terminal belongs to the container's user, and is the controlling one",
  async () => {
    const { output } = await throughSocket(
      onTerminal('stat -c %u /dev/pts/0; echo through > /dev/tty', (spec) => {
        spec.process.user = { uid: 1000, gid: 1000 };
      }),
    );
    assert.equal(output.trimEnd().split('\n'), ['1000', 'through']);
  },
);

python(test)(
  "--pidfd-socket gets one message with a pidfd of the container's process",
  async () => {
    const socket = join(lab.folder, `${lab.name()}.sock`);
    const received = await listen(terminals, 'receive', socket);
    const { id } = lab.create(lab.bundle(), '--pidfd-socket', socket);
    const { count, file, rest, pid } = JSON.parse(await received());
    assert.equal([count, rest, pid], [1, 0, lab.state(id).pid]);
    assert.match(file, 'pidfd');
    lab.ok(['delete', id]);
  },
);

python(test)('--pidfd-socket of exec gets a pidfd of the process that it started', async () => {
  const bundle = lab.bundle((spec) => {
    spec.process.args = ['sleep', '1000'];
  });
  const { id } = lab.create(bundle);
  lab.ok(['start', id]);
  const socket = join(lab.folder, `${lab.name()}.sock`);
  const pidFile = join(lab.folder, `${lab.name()}.pid`);
  const received = await listen(terminals, 'receive', socket);
  const flags = ['--detach', '--pid-file', pidFile, '--pidfd-socket', socket];
  lab.ok(['exec', ...flags, id, 'sleep', '1000']);
  const { count, file, rest, pid } = JSON.parse(await received());
  const started = Number(readFileSync(pidFile, 'utf8'));
  // Ours by adoption, it is ours to reap.
  const pidfd = native.openPidfd(started);
  native.signal(pidfd, 9);
  await native.waitExit(pidfd);
  native.close(pidfd);
  assert.equal([count, rest, pid], [1, 0, started]);
  assert.match(file, 'pidfd');
  lab.ok(['delete', '--force', id]);
});

python(test)(
  'create without a socket for a terminal, and a socket without one, are refused',
  () => {
    const bundle = lab.bundle(onTerminal('true'));
    assert.match(lab.fails(['create', '--bundle', bundle, lab.name()]), '--console-socket');
    const plain = lab.bundle();
    assert.match(
      lab.fails(['create', '--console-socket', '/x', '--bundle', plain, lab.name()]),
      'process.terminal',
    );
  },
);

/** A foreground run on a terminal of its own. */
const foreground = (mutate: Mutate): Session =>
  new Session([...tsrunc, 'run', '--bundle', lab.bundle(mutate), lab.name()]);

python(test)(
  'in the foreground keys go in and output comes out, and the terminal is as before at the end',
  async () => {
    const session = foreground(
      onTerminal('echo ready; read line; echo "got $line"; stty size; exit 5'),
    );
    await session.until(/ready/);
    session.type('hello\n');
    assert.equal(await session.end(), { status: 5, restored: true });
    assert.match(session.output, /ready\nhello\ngot hello\n24 80\n/);
  },
);

python(test)("^C is the container's affair", async () => {
  const session = foreground(
    onTerminal(
      'trap "echo interrupted; exit 9" INT; echo ready; while :; do sleep 1000 & wait; done',
    ),
  );
  await session.until(/ready/);
  session.type('\x03');
  assert.equal(await session.end(), { status: 9, restored: true });
  assert.match(session.output, 'interrupted');
});

python(test)('a new window size reaches the container', async () => {
  const session = foreground(
    onTerminal('trap "stty size; exit 0" WINCH; echo ready; while :; do sleep 1000 & wait; done'),
  );
  await session.until(/ready/);
  session.resize(111, 22);
  assert.equal(await session.end(), { status: 0, restored: true });
  assert.match(session.output, '22 111');
});

for (const [signal, number] of [
  ['SIGTERM', 15],
  ['SIGHUP', 1],
  ['SIGUSR1', 10],
] as const) {
  python(test)(`${signal} to a foreground run goes to the container`, async () => {
    const bundle = lab.bundle((spec) => {
      spec.process.args = [
        'sh',
        '-c',
        `trap "exit ${number}" ${signal.slice(3)}; echo ready; while :; do sleep 1000 & wait; done`,
      ];
    });
    const child = lab.spawn(['run', '--bundle', bundle, lab.name()]);
    assert.ok(child.stdout);
    await once(child.stdout, 'data');
    child.kill(signal);
    const [code] = await once(child, 'exit');
    assert.is(code, number);
  });
}

python(test)('what `tsrunc spec` writes runs as it is', async () => {
  const folder = lab.bundle();
  spawnSync('rm', [join(folder, 'config.json')]);
  spawnSync('cp', ['-a', lab.rootfs, join(folder, 'rootfs')]);
  lab.ok(['spec', '--bundle', folder]);
  const written = readFileSync(join(folder, 'config.json'), 'utf8');
  assert.match(lab.fails(['spec', '--bundle', folder]), 'is there already');
  assert.is(readFileSync(join(folder, 'config.json'), 'utf8'), written);
  const id = lab.name();
  const child = spawn(
    'python3',
    [terminals, 'outer', command, '--root', lab.root, 'run', '--bundle', folder, id],
    { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] },
  );
  child.stdin.write('hostname; exit 3\n');
  const [output, status] = await Promise.all([text(child.stdout), text(child.stderr)]);
  assert.match(output, /\ntsrunc\r/);
  assert.equal(JSON.parse(status.trim().split('\n').at(-1) ?? ''), { status: 3, restored: true });
});

lab.finish(test);
