import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { command, Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const python = '/usr/bin/python3';
const notify = skipUnless(
  process.geteuid?.() === 0 && existsSync(python),
  `root and ${python}, which containers use too`,
);

/** What the service manager heard. */
class Manager {
  readonly socket: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(socket: string, ...options: string[]) {
    const program = fileURLToPath(new URL('../support/notify.py', import.meta.url));
    this.socket = socket;
    this.#child = spawn(python, [program, socket, ...options], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    assert.ok(this.#child.stdout);
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  static async start(socket = join(lab.folder, `${lab.name()}.notify`), ...options: string[]) {
    const manager = new Manager(socket, ...options);
    managers.push(manager);
    await manager.#lines.next();
    return manager;
  }

  async next(): Promise<{ lines: string[]; fds: number }> {
    return JSON.parse((await this.#lines.next()).value);
  }

  /** Lets go of the descriptors that it holds. */
  release(): void {
    this.#child.stdin?.write('\n');
  }

  end(): void {
    this.#child.kill();
  }
}

const managers: Manager[] = [];
test.after.each(() => {
  for (const manager of managers.splice(0)) manager.end();
});

/** A container that runs a Python program with the host's interpreter. `send` sends a message, with descriptors. */
const speaking =
  (script: string): Mutate =>
  (spec) => {
    for (const path of ['/usr', '/lib', '/lib64'])
      spec.mounts.push({ destination: path, type: 'bind', source: path, options: ['rbind', 'ro'] });
    const prelude = `import os, socket, time, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
send = s.send
`;
    spec.process.args = [python, '-S', '-c', prelude + script];
    spec.process.env.push('NOTIFY_SOCKET=/not/this');
  };

const ready = (pid: number): object => ({ lines: ['READY=1', `MAINPID=${pid}`, ''], fds: 0 });

/** The command, as a service manager starts it: it hears of nothing but the socket. */
function call(manager: Manager | string, ...args: string[]): ChildProcess {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const socket = typeof manager === 'string' ? manager : manager.socket;
  return spawn(command, ['--root', lab.root, ...args], {
    env: { ...env, NOTIFY_SOCKET: socket },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function succeeded(child: ChildProcess): Promise<void> {
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  child.stdout?.resume();
  const [code] = await once(child, 'exit');
  assert.is(code, 0, errors);
}

notify(test)('start returns when the container is ready, and tells its pid', async () => {
  const manager = await Manager.start();
  // Until a line comes it isn't.
  const bundle = lab.bundle(speaking('sys.stdin.readline(); send(b"READY=1"); time.sleep(1000)'));
  const id = lab.name();
  const created = spawn(command, ['--root', lab.root, 'create', '--bundle', bundle, id], {
    env: { ...process.env, NOTIFY_SOCKET: manager.socket },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const [code] = await once(created, 'exit');
  assert.is(code, 0);
  const started = call(manager, 'start', id);
  const done = succeeded(started);
  while (lab.state(id).status !== 'running') assert.is(started.exitCode, null);
  // It waits without the lock: others may do what they want.
  lab.ok(['kill', id, '0']);
  assert.is(started.exitCode, null);
  created.stdin.write('go\n');
  const { pid } = lab.state(id);
  assert.equal(await manager.next(), ready(pid));
  assert.equal(await manager.next(), { lines: ['BARRIER=1'], fds: 1 });
  await done;
  lab.ok(['delete', '--force', id]);
});

notify(test)(
  'run --detach waits for the service manager’s word, at an abstract address too',
  async () => {
    const manager = await Manager.start(`@tsrunc-test-${process.pid}`, 'hold');
    const id = lab.name();
    const bundle = lab.bundle(
      speaking('send(b"STATUS=soon\\nREADY=1\\nFDSTORE=1"); time.sleep(1000)'),
    );
    const running = call(manager, 'run', '--detach', '--bundle', bundle, id);
    const done = succeeded(running);
    assert.equal(await manager.next(), ready(lab.state(id).pid));
    assert.equal(await manager.next(), { lines: ['BARRIER=1'], fds: 1 });
    assert.is(running.exitCode, null);
    manager.release();
    await done;
    lab.ok(['delete', '--force', id]);
  },
);

notify(test)(
  'a foreground run passes on all along that it is ready, as the main process itself',
  async () => {
    const manager = await Manager.start();
    const bundle = lab.bundle(
      speaking(
        'send(b"READY=1"); send(b"MAINPID=1\\nSTATUS=x"); send(b"READY=1"); send(b"READY=10")',
      ),
    );
    const running = call(manager, 'run', '--bundle', bundle, lab.name());
    await succeeded(running);
    assert.equal(await manager.next(), ready(running.pid ?? 0));
    assert.equal(await manager.next(), ready(running.pid ?? 0));
    // Nothing else came: this is the next.
    spawnSync(python, [
      '-c',
      `import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"end", "${manager.socket}")`,
    ]);
    assert.equal(await manager.next(), { lines: ['end'], fds: 0 });
  },
);

notify(test)('the end of a container that was never ready ends the wait', async () => {
  const manager = await Manager.start();
  const id = lab.name();
  const bundle = lab.bundle(speaking('send(b"STATUS=no")'));
  await succeeded(call(manager, 'run', '--detach', '--bundle', bundle, id));
  lab.ok(['delete', id]);
});

notify(test)('its last word counts', async () => {
  const manager = await Manager.start();
  const bundle = lab.bundle(
    speaking('for i in range(9): send(b"STATUS=%d" % i)\nsend(b"READY=1"); os._exit(0)'),
  );
  const running = call(manager, 'run', '--bundle', bundle, lab.name());
  await succeeded(running);
  assert.equal(await manager.next(), ready(running.pid ?? 0));
});

notify(test)('a hostile container neither confuses nor floods the runtime', async () => {
  const manager = await Manager.start();
  const id = lab.name();
  const bundle = lab.bundle(
    speaking(`
import array
r, w = os.pipe()
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 400000)
send(b"")
send(b"READY=1" + b"x" * 5000)
send(b"\\n" * 100000 + b"READY=1")
s.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [r] * 253))])
s.sendmsg([b"BARRIER=1"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [w]))])
os.close(w)
os.read(r, 1)
s.setblocking(False)
full = 0
for i in range(100000):
  try: send(b"STATUS=flood")
  except BlockingIOError: full += 1
s.setblocking(True)
send(b"READY=1")
assert full > 90000, full
time.sleep(1000)`),
  );
  await succeeded(call(manager, 'run', '--detach', '--bundle', bundle, id));
  assert.equal(await manager.next(), ready(lab.state(id).pid));
  lab.ok(['delete', '--force', id]);
});

notify(test)('a socket that nobody listens on stops start, not a foreground run', async () => {
  const nobody = join(lab.folder, 'nobody');
  const bundle = lab.bundle(speaking('send(b"READY=1")'));
  const id = lab.name();
  const { NOTIFY_SOCKET: _, ...env } = process.env;
  const options = { env: { ...(env as Record<string, string>), NOTIFY_SOCKET: nobody } };
  lab.ok(['create', '--bundle', bundle, id], options);
  assert.match(lab.fails(['start', id], options), "can't be told that the container is ready");
  assert.is(lab.state(id).status, 'created');
  lab.ok(['delete', id]);
  const other = lab.bundle((spec) => {
    spec.process.args = ['sh', '-c', 'echo $NOTIFY_SOCKET'];
  });
  const out = lab.ok(['run', '--bundle', other, lab.name()], options);
  assert.is(out, '/run/notify/notify.sock\n');
});

notify(test)(
  'the socket is read-only for the container, and any of its users may send',
  async () => {
    const manager = await Manager.start();
    const bundle = lab.bundle((spec, folder) => {
      speaking(`send(b"READY=1")
try: os.unlink(os.environ["NOTIFY_SOCKET"])
except OSError as error: print(error.strerror, os.environ["NOTIFY_SOCKET"], os.getuid())`)(
        spec,
        folder,
      );
      spec.process.user = { uid: 1234, gid: 1234 };
    });
    const { NODE_OPTIONS: _, ...env } = process.env;
    const options = { env: { ...(env as Record<string, string>), NOTIFY_SOCKET: manager.socket } };
    const out = lab.ok(['run', '--bundle', bundle, lab.name()], options);
    assert.is(out, 'Read-only file system /run/notify/notify.sock 1234\n');
    await manager.next();
  },
);

lab.finish(test);
