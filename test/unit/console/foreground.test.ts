import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle } from '../cli/bundle.js';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const driver = [process.execPath, bundle(here('foreground-driver.ts'))];
const terminals = ['python3', here('terminals.py')];

interface Session {
  readonly child: ChildProcess;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Promise<string>;
  readonly exit: Promise<number>;
  /** Resolves once the output so far contains `wanted`; fails when it ends before. */
  until(wanted: string): Promise<string>;
}

function start(command: readonly string[]): Session {
  const child = spawn(command[0] ?? '', command.slice(1), {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  const { stdin, stdout, stderr } = child as ChildProcess & {
    stdin: Writable;
    stdout: Readable;
    stderr: Readable;
  };
  let seen = '';
  stdin.on('error', () => {});
  return {
    child,
    stdin,
    stdout,
    stderr: text(stderr),
    exit: once(child, 'close').then(([code]) => code as number),
    until: (wanted) =>
      new Promise((resolve, reject) => {
        const take = (chunk: Buffer | string): void => {
          seen += chunk.toString();
          if (!seen.includes(wanted)) return;
          stdout.off('data', take).off('end', fail);
          resolve(seen);
        };
        const fail = (): void =>
          reject(new Error(`"${wanted}" never came, only ${JSON.stringify(seen)}`));
        stdout.on('data', take).once('end', fail);
        take('');
      }),
  };
}

/** A command on a terminal, in the foreground of a process whose own stdio are pipes. */
const onPipes = (script: string): Session =>
  start([...terminals, 'inner', ...driver, 'terminal', script]);
/** The same where the caller has a terminal too. */
const onTerminal = (script: string): Session =>
  start([...terminals, 'outer', ...terminals, 'inner', ...driver, 'terminal', script]);
/** A command without a terminal: it has the caller's stdio. */
const withoutTerminal = (script: string): Session => start([...driver, 'pipes', script]);

async function outcome(session: Session): Promise<{ status: number; restored: boolean }> {
  await session.exit;
  return JSON.parse((await session.stderr).trim().split('\n').at(-1) ?? '');
}

test('output and exit code come through', async () => {
  const session = onPipes('tty; echo out; echo err >&2; exit 7');
  const output = await text(session.stdout);
  assert.match(output, /^\/dev\/pts\/\d+\r\nout\r\nerr\r\n$/);
  assert.is(await session.exit, 7);
});

test('a reader slower than the container gets every byte', async () => {
  const session = onPipes('stty raw; seq 1 200000');
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of session.stdout) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    // Every few chunks the pipe is left to fill up.
    if (bytes % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const expected = Array.from({ length: 200_000 }, (_, i) => `${i + 1}\n`).join('');
  assert.is(bytes, expected.length);
  assert.is(hash.digest('hex'), createHash('sha256').update(expected).digest('hex'));
  assert.is(await session.exit, 0);
});

test('input comes through in full, faster than it is read', async () => {
  const session = onPipes('stty raw -echo; echo ready; head -c 300000 | sha256sum');
  await session.until('ready');
  const input = Buffer.alloc(300_000, 'abcdefghijklm\n');
  session.stdin.write(input);
  await session.until(createHash('sha256').update(input).digest('hex'));
  assert.is(await session.exit, 0);
});

test('the end of input does not end the container', async () => {
  const session = onPipes(
    'read line; echo "got $line"; trap "echo ended; exit 3" TERM; echo waiting; while :; do sleep 0.1 & wait $!; done',
  );
  session.stdin.end('hello\n');
  await session.until('waiting');
  session.child.kill('SIGTERM');
  assert.match(await session.until('ended'), /got hello/);
  assert.is(await session.exit, 3);
});

test('what outlives the container and holds its terminal does not hold the caller', async () => {
  const session = onPipes('trap "" HUP; sleep 600 & echo $!; exit 4');
  const output = await text(session.stdout);
  assert.match(output, /^\d+\r\n$/);
  process.kill(Number.parseInt(output, 10), 'SIGKILL');
  assert.is(await session.exit, 4);
});

test("a reader that goes away hangs the container's terminal up", async () => {
  const session = onPipes('while echo more; do :; done');
  await session.until('more');
  session.stdout.destroy();
  assert.is(await session.exit, 129);
});

test('on a terminal: raw while it runs, restored at the end', async () => {
  const session = onTerminal(
    'trap "echo interrupted; exit 5" INT; echo ready; while :; do sleep 0.1 & wait $!; done',
  );
  await session.until('ready\r\n');
  // In raw mode the key goes through and the container's own terminal makes the signal of it.
  session.stdin.write('\u0003');
  const output = await session.until('interrupted');
  assert.not.match(output, /\r\r\n/);
  assert.equal(await outcome(session), { status: 5, restored: true });
});

test('on a terminal: a line is echoed once', async () => {
  const session = onTerminal('echo ready; read line; echo "got $line"');
  await session.until('ready\r\n');
  session.stdin.write('hello\r');
  const output = await session.until('got hello\r\n');
  assert.is(output.split('hello').length - 1, 2);
  assert.equal(await outcome(session), { status: 0, restored: true });
});

test("on a terminal: its size is the container's, and stays so", async () => {
  const session = onTerminal(
    'until [ "$(stty size)" = "24 80" ]; do sleep 0.01; done; trap "stty size; exit 0" WINCH; echo ready; while :; do sleep 0.1 & wait $!; done',
  );
  await session.until('ready');
  (session.child.stdio[3] as Writable).write('SIZE 132 43\n');
  await session.until('43 132');
  assert.equal(await outcome(session), { status: 0, restored: true });
});

test('on a terminal: the mode is restored when the container is killed', async () => {
  const session = onTerminal('echo ready; kill -9 $$');
  await session.until('ready');
  assert.equal(await outcome(session), { status: 137, restored: true });
});

test("without a terminal the container has the caller's stdio", async () => {
  const session = withoutTerminal('cat; echo err >&2; exit 9');
  session.stdin.end('through\n');
  assert.is(await text(session.stdout), 'through\n');
  assert.is(await session.stderr, 'err\n');
  assert.is(await session.exit, 9);
});

const signals: readonly NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
  'SIGTSTP',
  'SIGWINCH',
  'SIGPWR',
  'SIGIO',
  'SIGABRT',
];
test('signals go to the container', async () => {
  const traps = signals.map((name) => `trap "echo ${name}" ${name.slice(3)};`).join(' ');
  const session = withoutTerminal(
    `${traps} trap "exit 6" VTALRM; echo ready; while :; do sleep 0.1 & wait $!; done`,
  );
  await session.until('ready');
  for (const name of signals) {
    session.child.kill(name);
    await session.until(`${name}\n`);
  }
  session.child.kill('SIGVTALRM');
  assert.is(await session.exit, 6);
});

test('a signal that ends the container gives 128 and its number', async () => {
  const session = withoutTerminal('echo ready; exec sleep 600');
  await session.until('ready');
  session.child.kill('SIGTERM');
  assert.is(await session.exit, 143);
});

test('a creation is broken off by a signal', async () => {
  const session = start([...driver, 'slow', 'echo never']);
  await once((session.child as ChildProcess & { stderr: Readable }).stderr, 'data');
  session.child.kill('SIGINT');
  assert.is(await session.exit, 1);
  assert.match(
    await session.stderr,
    /^(creating\n)?interrupted by SIGINT: what had been made is removed again\n$/,
  );
});

test.run();
