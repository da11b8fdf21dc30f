/** A resident host as a service: how it begins and ends, and what that is to those who have called it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadNative } from '../../ts/native/addon.js';
import { begun, blocks, by, Foreground } from '../support/foreground.js';
import { command, Lab } from '../support/lab.js';
import { gone } from '../support/processes.js';
import { ResidentHost } from '../support/resident.js';
import { skipUnless } from '../support/skip.js';

const host = new ResidentHost();
const lab = new Lab();
const native = loadNative();
const test = suite('host service');
const root = skipUnless(process.geteuid?.() === 0, 'root')(test);

root(
  'a host that dies in the middle of a call: an error in one sentence, and nothing is left',
  async () => {
    const mortal = new ResidentHost();
    const bundle = lab.bundle(blocks);
    const id = lab.name();
    const child = spawn(command, ['--root', lab.root, 'create', '--bundle', bundle, id], {
      env: { ...process.env, ...by(mortal) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const said = text(child.stderr);
    await begun(lab, id);
    await mortal.end('SIGKILL');
    if (child.exitCode === null) await once(child, 'exit');
    assert.is(child.exitCode, 1);
    assert.is(
      await said,
      'tsrunc: the host of tsrunc ended in the middle of the call: what had been made is removed again\n',
    );
    assert.equal(lab.traces(), []);
  },
);

root('a host that dies leaves containers in the foreground alone', async () => {
  for (const how of ['SIGKILL', 'SIGTERM'] as const) {
    const mortal = new ResidentHost();
    const [first, second] = [new Foreground(lab, mortal), new Foreground(lab, mortal)];
    await Promise.all([first.ready(), second.ready()]);
    assert.is(first.program, 'tsrunc');
    await mortal.end(how);
    // Its signals still go there, and it is deleted at its end.
    second.kill('SIGTERM');
    assert.equal(await second.ended(), { code: 9, signal: null });
    assert.equal(await first.end(), { code: 5, signal: null });
    assert.equal(lab.traces(), []);
  }
});

root('a caller that is killed in the middle of a call leaves nothing', async () => {
  const run = new Foreground(lab, host, (spec, folder) => blocks(spec, folder));
  await begun(lab, run.id);
  const { pid } = host;
  run.kill('SIGKILL');
  await run.ended();
  // It waits for the host to be done with it.
  lab.ok(['delete', '--force', run.id]);
  assert.equal(lab.traces(), []);
  assert.ok(existsSync(`/proc/${pid}`));
});

root(
  'a caller that is killed in the foreground leaves its container, as without a host',
  async () => {
    const run = await new Foreground(lab, host).ready();
    const { pid } = lab.state(run.id);
    run.kill('SIGKILL');
    assert.equal((await run.ended()).signal, 'SIGKILL');
    await gone(native, pid);
    assert.is(lab.state(run.id).status, 'stopped');
    lab.ok(['delete', run.id]);
  },
);

test('a second host on the same socket is refused, one after a dead host is not', async () => {
  const first = new ResidentHost();
  assert.throws(() => first.another(), /there is a host already/);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  const second = first.another();
  await second.end();
  await first.end();
});

test('a folder that others can enter is refused', async () => {
  const own = new ResidentHost();
  await own.stop();
  chmodSync(dirname(own.socket), 0o755);
  assert.throws(() => own.another(), /is not this user's alone/);
  await own.end();
});

test('it ends by itself when nobody has called for a while', async () => {
  const idle = new ResidentHost('--idle', '1');
  if (idle.child.exitCode === null) await once(idle.child, 'exit');
  assert.is(idle.child.exitCode, 0);
  await idle.end();
});

test('a service manager may listen for it', async () => {
  const folder = join(lab.folder, 'activated');
  mkdirSync(folder, { mode: 0o700 });
  const socket = join(folder, 'socket');
  const activate = [
    'import os, socket, sys',
    's = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)',
    's.bind(sys.argv[1]); s.listen(16)',
    'os.dup2(s.fileno(), 3); os.set_inheritable(3, True)',
    'os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), TSRUNC_HOST=sys.argv[1])',
    'os.execv(sys.argv[2], sys.argv[2:])',
  ].join('\n');
  const child = spawn('python3', ['-c', activate, socket, command, 'host'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [said] = await once(child.stderr, 'data');
  assert.match(String(said), 'the socket of the service manager');
  const { code, stderr } = lab.tsrunc(['state', 'nobody'], { env: { TSRUNC_HOST: socket } });
  assert.is(code, 1);
  assert.match(stderr, 'container does not exist');
  child.kill('SIGTERM');
  await once(child, 'exit');
  assert.is(child.exitCode, 0);
});

test.after(() => host.end());
lab.finish(test);
