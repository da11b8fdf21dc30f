/** A host that isn't the caller's own, or has gone mad, or dies. The caller's call comes to its end, and says what is true. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { encodeOrders } from '../../ts/resident/wire.js';
import { by } from '../support/foreground.js';
import { command, Lab } from '../support/lab.js';
import { ResidentHost } from '../support/resident.js';
import { skipUnless } from '../support/skip.js';

const test = suite('a false host');
const root = skipUnless(process.geteuid?.() === 0, 'root')(test);
// Where another user gets to.
const lab = new Lab('/tmp');
const native = loadNative();

const folder = join(lab.folder, 'hosts');
mkdirSync(folder);
chmodSync(folder, 0o777);

interface Answered {
  readonly code: number | null;
  readonly said: string;
}

/** A call that finds its host at `socket`. */
async function callTo(socket: string): Promise<Answered> {
  const env = { ...process.env, TSRUNC_HOST: socket };
  const child = spawn(command, ['--root', lab.root, 'state', 'nobody'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk) => {
      said += chunk;
    });
  const [code] = await once(child, 'close');
  return { code, said };
}

const byItself: Answered = {
  code: 1,
  said: 'tsrunc state: container does not exist: "nobody"\n',
};

root('another user’s socket in the host’s place is told nothing', async () => {
  const socket = join(folder, 'planted');
  const plant = [
    'import os, socket, sys',
    'os.setgid(65534); os.setuid(65534)',
    's = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)',
    's.bind(sys.argv[1]); s.listen(); os.chmod(sys.argv[1], 0o777); print("listens", flush=True)',
    'c, _ = s.accept()',
    'try: print(c.recv(99999))',
    'except ConnectionResetError: print(b"")',
  ].join('\n');
  const planted = spawn('python3', ['-c', plant, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  let heard = '';
  planted.stdout.setEncoding('utf8').on('data', (chunk) => {
    heard += chunk;
  });
  const gone = once(planted, 'exit').then(() => assert.unreachable('nothing was planted'));
  // It is to end, later.
  gone.catch(() => {});
  while (!heard.endsWith('listens\n')) await Promise.race([once(planted.stdout, 'data'), gone]);
  const ended = once(planted, 'close');
  assert.equal(await callTo(socket), byItself);
  await ended;
  assert.is(heard, "listens\nb''\n");
});

/** What a host of the caller's own user may answer; nothing for the end of the connection. */
const mad: Readonly<Record<string, Uint8Array>> = {
  'one byte': Uint8Array.of(3),
  'an unknown order': Uint8Array.of(99, 0, 0, 0, 0),
  'an order of another size': Uint8Array.of(10, 2, 0, 0, 0, 1, 1),
  'an order of four gigabytes': Uint8Array.of(10, 255, 255, 255, 255, 0),
  'four billion words': Uint8Array.of(3, 4, 0, 0, 0, 255, 255, 255, 255),
  'more than a message may hold': new Uint8Array(100_000).fill(3),
  'a write elsewhere': encodeOrders([{ name: 'write', fields: { descriptor: 3, text: 'x' } }]),
  'signal 0': encodeOrders([{ name: 'takeSignal', fields: { signal: 0 } }]),
  'signal 4096': encodeOrders([{ name: 'takeSignal', fields: { signal: 4096 } }]),
};

/** Answers one caller so, and hangs up when he has. */
async function answer(socket: string, act: (caller: number) => void): Promise<Answered> {
  const listener = native.listen(socket);
  const call = callTo(socket);
  const accepted = await native.accept(listener);
  assert.ok(accepted);
  native.close(accepted.pidfd);
  assert.ok(await native.receive(accepted.socket));
  act(accepted.socket);
  const answered = await call;
  native.close(accepted.socket);
  native.close(listener);
  return answered;
}

for (const [what, message] of Object.entries(mad)) {
  root(`${what}: the host is not trusted any more`, async () => {
    const { code, said } = await answer(join(folder, lab.name()), (caller) => {
      native.send(caller, message);
    });
    assert.is(code, 1);
    assert.is(
      said,
      'tsrunc: the host of tsrunc sent something that is no message: it is not trusted any more\n',
    );
  });
}

root('init from a host that attaches none is not started', async () => {
  const refused: number[] = [];
  const answered = answer(join(folder, lab.name()), (caller) => {
    const spawnOrder = { callers: [], args: [], intoCgroup: false };
    native.send(caller, encodeOrders([{ name: 'spawn', fields: spawnOrder }]));
    void native.receive(caller).then((report) => {
      refused.push(report?.data[0] ?? 0);
      native.send(caller, encodeOrders([{ name: 'finish', fields: { code: 7 } }]));
    });
  });
  assert.equal(await answered, { code: 7, said: '' });
  assert.equal(refused, [3]);
});

root('a host that says nothing is not waited for', async () => {
  assert.equal(await answer(join(folder, lab.name()), () => {}), byItself);
});

root('a signal that only such a host has heard of still ends the call', async () => {
  const socket = join(folder, lab.name());
  const listener = native.listen(socket);
  const child = spawn(command, ['--root', lab.root, 'state', 'nobody'], {
    env: { ...process.env, TSRUNC_HOST: socket },
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  const accepted = await native.accept(listener);
  assert.ok(accepted);
  await native.receive(accepted.socket);
  child.kill('SIGTERM');
  await native.receive(accepted.socket);
  native.send(accepted.socket, encodeOrders([{ name: 'decline', fields: {} }]));
  assert.equal(await ended, [null, 'SIGTERM']);
  for (const fd of [accepted.socket, accepted.pidfd, listener]) native.close(fd);
});

root('a host that is killed at any moment of a create: it is undone, or done', async () => {
  for (let round = 0; round < 12; round++) {
    const mortal = new ResidentHost();
    const id = lab.name();
    const args = ['--root', lab.root, 'create', '--bundle', lab.bundle(), id];
    const child = spawn(command, args, {
      env: { ...process.env, ...by(mortal) },
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    // The golden ratio spreads the moments.
    const timer = setTimeout(() => mortal.child.kill('SIGKILL'), 40 * ((round * 0.618) % 1));
    const [code] = await ended;
    clearTimeout(timer);
    await mortal.end('SIGKILL');
    // Between its first system call and the word of it, it has claimed a name and nothing else.
    const claimed = existsSync(join(lab.root, id));
    assert.ok(code === 0 || !existsSync(join(lab.root, id, 'state.json')), `round ${round}`);
    if (code === 0 || claimed) lab.ok(['delete', '--force', id]);
    assert.equal(lab.traces(), [], `round ${round}`);
  }
});

lab.finish(test);
