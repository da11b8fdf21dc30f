import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { sendConsole, sendPidfd } from '../../../ts/console/socket.js';
import { TsruncError } from '../../../ts/errors.js';
import { loadNative } from '../../../ts/native/addon.js';

const terminals = fileURLToPath(new URL('terminals.py', import.meta.url));
const native = loadNative();
const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

interface Context {
  folder: string;
}
const test = suite<Context>('console socket');
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'tsrunc-socket-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true }));

test('one message with exactly one descriptor arrives, and nothing is left open', async ({
  folder,
}) => {
  for (const [send, payload] of [
    [sendConsole, '/dev/ptmx'],
    [sendPidfd, 'pidfd'],
  ] as const) {
    const path = join(folder, `${send.name}.sock`);
    const receiver = spawn('python3', [terminals, 'receive', path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    assert.match(String((await once(receiver.stdout, 'data'))[0]), /^listening/);
    const fd = openSync('/dev/zero', 'r');
    const before = openDescriptors();
    send(native, path, fd);
    assert.is(openDescriptors(), before);
    closeSync(fd);
    assert.equal(JSON.parse(await text(receiver.stdout)), {
      data: payload,
      count: 1,
      file: '/dev/zero',
      rest: 0,
      pid: null,
    });
  }
});

const refusal = (path: string): TsruncError => {
  const before = openDescriptors();
  try {
    sendConsole(native, path, 0);
  } catch (error) {
    assert.is(openDescriptors(), before);
    assert.instance(error, TsruncError);
    return error as TsruncError;
  }
  throw new Error(`${path} was accepted`);
};

test('a socket that is not there', ({ folder }) => {
  const { code, message, path } = refusal(join(folder, 'none'));
  assert.is(code, 'ENOENT');
  assert.is(path, join(folder, 'none'));
  assert.match(
    message,
    /^the socket \S+\/none of --console-socket can't be used: there is no such file/,
  );
});

test('a file that nobody listens on', ({ folder }) => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const { code, message } = refusal(file);
  assert.is(code, 'ECONNREFUSED');
  assert.match(message, /nobody listens on it/);
});

test('a name that no file can have', ({ folder }) => {
  const { code, message } = refusal(join(folder, 'x'.repeat(300)));
  assert.is(code, 'ENAMETOOLONG');
  assert.match(message, /too long/);
});

test('a path beyond what a socket address holds is no problem', async ({ folder }) => {
  const deep = join(folder, 'x'.repeat(120));
  mkdirSync(deep);
  const server = createServer((connection) => connection.destroy());
  // Bound from within the folder, since bind has the limit too.
  const cwd = process.cwd();
  process.chdir(deep);
  server.listen('socket');
  await once(server, 'listening');
  process.chdir(cwd);
  sendConsole(native, join(deep, 'socket'), 0);
  server.close();
  await once(server, 'close');
});

test.run();
