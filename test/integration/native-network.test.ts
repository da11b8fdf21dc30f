import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { isSystemError } from '../../ts/errors.js';
import { loadNative } from '../../ts/native/addon.js';
import { findLink } from '../../ts/network/links.js';
import { RouteSocket } from '../../ts/network/route-socket.js';
import { openDescriptors } from '../support/descriptors.js';
import { skipUnless } from '../support/skip.js';

const native = loadNative();
const root = skipUnless(process.geteuid?.() === 0, 'root');

const failsWith = (code: string) => (error: unknown) => isSystemError(error) && error.code === code;

test('a datagram socket takes messages from every user, at a path of any length', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsrunc-native-'));
  try {
    const path = join(folder, 'x'.repeat(90));
    const socket = native.bindDatagram(path);
    assert.is(statSync(path).mode & 0o7777, 0o777);
    assert.throws(() => native.bindDatagram(path), failsWith('EADDRINUSE'));
    const sender = native.connect(path, 'datagram');
    native.send(sender, Buffer.from('one'), [sender]);
    native.send(sender, Buffer.from('two'));
    const first = await native.receive(socket);
    assert.equal([String(first?.data), first?.fds.length], ['one', 1]);
    for (const fd of first?.fds ?? []) native.close(fd);
    assert.is(String((await native.receive(socket))?.data), 'two');
    native.close(sender);
    native.close(socket);
    assert.throws(() => native.connect(path, 'datagram'), failsWith('ECONNREFUSED'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('"@" begins an abstract name for a datagram socket, and nothing for another', () => {
  assert.throws(() => native.connect('@tsrunc/nobody', 'datagram'), failsWith('ECONNREFUSED'));
  assert.throws(() => native.connect('@tsrunc/nobody', 'stream'), failsWith('ENOENT'));
  for (const name of ['@', `@${'x'.repeat(108)}`])
    assert.throws(() => native.connect(name, 'datagram'), failsWith('EINVAL'));
});

test('the kernel is asked about the network, and says why not', async () => {
  const before = openDescriptors();
  const socket = new RouteSocket(native);
  const lo = await findLink(socket, 'lo');
  assert.equal([lo?.name, lo?.index], ['lo', 1]);
  assert.is(await findLink(socket, 'nosuch0'), undefined);
  try {
    await socket.change(16, Buffer.alloc(16), new Map([[3, Buffer.from('x/y\0')]]));
    assert.unreachable();
  } catch (error) {
    assert.ok(/^E[A-Z]+$/.test((error as { code: string }).code), String(error));
  }
  socket.close();
  assert.equal(openDescriptors(), before);
});

root(test)(
  'a socket can be in another namespace than this process, which stays where it is',
  async () => {
    const here = execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' });
    const other = spawn('unshare', ['-n', 'sh', '-c', 'echo ready; read line'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    assert.ok(other.stdout);
    await once(other.stdout, 'data');
    const netns = openSync(`/proc/${other.pid}/ns/net`, 'r');
    const socket = new RouteSocket(native, netns);
    const ours = new RouteSocket(native);
    assert.is((await findLink(socket, 'lo'))?.up, false);
    assert.is((await findLink(ours, 'lo'))?.up, true);
    assert.is(execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' }), here);
    socket.close();
    ours.close();
    closeSync(netns);
    other.stdin?.end('\n');
    await once(other, 'exit');
  },
);

test('what is no network namespace, or no terminal, is refused', () => {
  const [read, write] = native.pipe();
  assert.throws(() => native.routeSocket(read), failsWith('EINVAL'));
  assert.throws(() => native.routeSocket(-1), /a descriptor must be an integer/);
  assert.throws(() => native.passOutput(read), failsWith('ENOTTY'));
  native.close(read);
  native.close(write);
});

test.run();
