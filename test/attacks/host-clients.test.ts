/** Who comes to a resident host and is no launcher, or a bad one. Whatever he does, the next caller is served. */
import { spawnSync } from 'node:child_process';
import { chmodSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { FINGERPRINT } from '../../ts/resident/fingerprint.js';
import { by, Foreground } from '../support/foreground.js';
import { command, Lab } from '../support/lab.js';
import { ResidentHost } from '../support/resident.js';
import { skipUnless } from '../support/skip.js';

const test = suite('clients of a host');
const root = skipUnless(process.geteuid?.() === 0, 'root')(test);
const host = new ResidentHost();
const lab = new Lab();
const native = loadNative();

const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value: bigint): Buffer => Buffer.from(BigUint64Array.of(value).buffer);
const text = (value: string): Buffer =>
  Buffer.concat([u32(Buffer.byteLength(value)), Buffer.from(`${value}\0`)]);
const list = (values: readonly string[]): Buffer =>
  Buffer.concat([u32(values.length), ...values.map(text)]);

/** A call as the launcher makes it. */
function callFor(...args: string[]): Buffer {
  const { ino, size, mtimeNs } = statSync(join(dirname(command), 'cli.cjs'), { bigint: true });
  const build = [u32(FINGERPRINT), u64(ino), u64(size), u64(mtimeNs)];
  const own = u32(0);
  return Buffer.concat([Buffer.of(1), ...build, own, text('/'), list(args), list([])]);
}

const signalled = Buffer.concat([Buffer.of(5), u32(28)]);

const connect = (to = host): number => native.connect(to.socket, 'seqpacket');

/** The host lives, and carries a call out by itself. */
async function serves(which = host): Promise<void> {
  const run = await new Foreground(lab, which).ready();
  assert.is(run.program, 'tsrunc', 'the call was made without the host');
  assert.equal(await run.end(), { code: 5, signal: null });
}

/** Resolves when the host has hung up. */
async function hungUp(socket: number): Promise<void> {
  while ((await native.receive(socket)) !== undefined);
}

const call = callFor('state', 'nobody');
const messages: Readonly<Record<string, Buffer>> = {
  'one byte': Buffer.of(1),
  'an unknown message': Buffer.of(77, 1, 2, 3),
  'a report before any call': signalled,
  'half a call': call.subarray(0, call.length / 2),
  'a call and more': Buffer.concat([call, Buffer.of(0)]),
  'a list of four billion words': Buffer.concat([call.subarray(0, 29), u32(0xffffffff)]),
  'a string of four gigabytes': Buffer.concat([call.subarray(0, 33), u32(0xffffffff)]),
  'more than a message may hold': Buffer.alloc(100_000, 1),
};

for (const [what, message] of Object.entries(messages)) {
  root(`${what} is not answered`, async () => {
    await serves();
    const before = await host.atRest();
    const socket = connect();
    native.send(socket, message, [0, 1, 2]);
    assert.is(await native.receive(socket), undefined);
    native.close(socket);
    await serves();
    assert.is(await host.atRest(), before, 'descriptors of the host');
  });
}

root('another user is not heard, even where the folder lets him in', async () => {
  const open = new ResidentHost();
  chmodSync(open.folder, 0o755);
  chmodSync(dirname(open.socket), 0o755);
  chmodSync(open.socket, 0o666);
  const ask = [
    'import os, socket, sys',
    'os.setgid(65534); os.setuid(65534)',
    's = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1])',
    'try: s.send(bytes.fromhex(sys.argv[2])); print(s.recv(9999))',
    'except (BrokenPipeError, ConnectionResetError): print("hung up")',
  ].join('\n');
  const { stdout } = spawnSync('python3', ['-c', ask, open.socket, call.toString('hex')], {
    encoding: 'utf8',
  });
  assert.match(stdout, /^(b''|hung up)\n$/);
  await serves(open);
  await open.end();
});

root('many who say nothing: the oldest of them go, callers are served', async () => {
  const silent = Array.from({ length: 400 }, () => connect());
  await serves();
  await Promise.all(silent.slice(0, 100).map(hungUp));
  for (const socket of silent) native.close(socket);
  await serves();
});

root('more callers than it has descriptors: they make their calls, by themselves', async () => {
  const poor = new ResidentHost();
  spawnSync('prlimit', ['--pid', String(poor.pid), '--nofile=60:60']);
  const silent = Array.from({ length: 200 }, () => connect(poor));
  const { code, stderr } = lab.tsrunc(['state', 'nobody'], { env: by(poor) });
  assert.is(code, 1);
  assert.match(stderr, 'container does not exist');
  for (const socket of silent) native.close(socket);
  await serves(poor);
  await poor.end();
});

/** A caller in the place of a launcher, whose container is to be made: resolves when he was asked to start init. */
async function half(id: string): Promise<number> {
  const bundle = lab.bundle();
  const socket = connect();
  native.send(socket, callFor('--root', lab.root, 'create', '--bundle', bundle, id));
  const took = await native.receive(socket);
  assert.is(took?.data[0], 3);
  const spawnOrder = await native.receive(socket);
  assert.is(spawnOrder?.data[0], 4);
  for (const fd of spawnOrder?.fds ?? []) native.close(fd);
  return socket;
}

root('a caller that never answers: others are served, and its end takes all back', async () => {
  const id = lab.name();
  const socket = await half(id);
  await serves();
  native.close(socket);
  // It waits for the host to be done with it.
  lab.tsrunc(['delete', '--force', id]);
  assert.equal(lab.traces(), []);
});

root('a caller that doesn’t read what it asks for is hung up on', async () => {
  const id = lab.name();
  const socket = await half(id);
  // Nobody there minds these, so each is answered by an order to take the signal.
  const flood = async (): Promise<never> => {
    for (;;) {
      try {
        native.send(socket, signalled);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        await new Promise(setImmediate);
      }
    }
  };
  await flood().catch(({ code }) => assert.match(code, /EPIPE|ECONNRESET/));
  native.close(socket);
  await serves();
  lab.tsrunc(['delete', '--force', id]);
  assert.equal(lab.traces(), []);
});

root('an answer that wasn’t asked for ends the call', async () => {
  const id = lab.name();
  const socket = await half(id);
  native.send(socket, Buffer.concat([Buffer.of(4), u32(1), u32(0), u32(0)]));
  native.send(socket, Buffer.concat([Buffer.of(2), u32(1)]));
  await hungUp(socket);
  native.close(socket);
  await serves();
  lab.tsrunc(['delete', '--force', id]);
  assert.equal(lab.traces(), []);
});

test.after(() => host.end());
lab.finish(test);
