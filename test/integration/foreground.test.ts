/** `run` and `exec` in the foreground: every way out gives the terminal back, and signals reach the process. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type RunningProcess, Runtime } from '../../ts/index.js';
import { loadNative } from '../../ts/native/addon.js';
import { command, Lab } from '../support/lab.js';
import { gone } from '../support/processes.js';
import { Session } from '../support/session.js';
import { skipUnless } from '../support/skip.js';

const test = suite('foreground');
const lab = new Lab();
const native = loadNative();
const isRoot = process.geteuid?.() === 0;
const python = skipUnless(isRoot && spawnSync('python3', ['-V']).status === 0, 'root and python3');
const tsrunc = [command, '--root', lab.root];

const run = (script: string, id = lab.name()): Session => {
  const bundle = lab.bundle((spec) => {
    spec.process.terminal = true;
    spec.process.args = ['sh', '-c', script];
  });
  return new Session([...tsrunc, 'run', '--bundle', bundle, id]);
};

const sleeper = (): string =>
  lab.start(
    lab.bundle((spec) => {
      spec.process.args = ['sh', '-c', 'echo up; exec sleep 1000'];
    }),
  ).id;

/** The same script as the first process of a container and as another one in a container. */
function both(name: string, body: (start: (script: string) => Session) => Promise<void>): void {
  python(test)(`run: ${name}`, () => body((script) => run(script)));
  python(test)(`exec: ${name}`, async () => {
    const id = sleeper();
    try {
      await body((script) => new Session([...tsrunc, 'exec', '--tty', id, 'sh', '-c', script]));
    } finally {
      lab.ok(['delete', '--force', id]);
    }
  });
}

python(test)('run: the terminal is given back when the container is killed', async () => {
  const id = lab.name();
  const session = run('echo ready; exec sleep 1000', id);
  await session.until(/ready/);
  lab.ok(['kill', id, 'KILL']);
  assert.equal(await session.end(), { status: 137, restored: true });
});

python(test)(
  'exec: the terminal is given back when the process is killed, or its container',
  async () => {
    const id = sleeper();
    const exec = (script: string): Session =>
      new Session([...tsrunc, 'exec', '--tty', id, 'sh', '-c', script]);
    assert.equal(await exec('kill -KILL $$').end(), { status: 137, restored: true });
    const session = exec('echo ready; exec sleep 1000');
    await session.until(/ready/);
    lab.ok(['delete', '--force', id]);
    assert.equal(await session.end(), { status: 137, restored: true });
  },
);

both('hundreds of sizes in a row: the last one holds', async (start) => {
  const session = start(
    'echo ready; until [ "$(stty size)" = "77 399" ]; do sleep 0.01; done; echo last; exit 4',
  );
  await session.until(/ready/);
  for (let width = 100; width < 400; width++) session.resize(width, 77);
  await session.until(/last/);
  assert.equal(await session.end(), { status: 4, restored: true });
});

for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const) {
  both(`${signal} to tsrunc goes to the process, and the terminal is given back`, async (start) => {
    const session = start(
      `trap "exit 9" ${signal.slice(3)}; echo ready; while :; do sleep 0.05; done`,
    );
    await session.until(/ready/);
    session.kill(signal);
    assert.equal(await session.end(), { status: 9, restored: true });
  });
}

python(test)(
  'run: what the process leaves behind is killed, and nothing waits for it',
  async () => {
    const session = run('trap "" HUP; (sleep 1000 &); echo ready; exit 3');
    assert.equal(await session.end(), { status: 3, restored: true });
  },
);

skipUnless(isRoot, 'root')(test)('exec: 128 and the signal that ended the process', async () => {
  const id = sleeper();
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGQUIT', 131],
  ] as const) {
    const child = lab.spawn(['exec', id, 'sh', '-c', 'echo ready; exec sleep 1000']);
    assert.ok(child.stdout);
    await once(child.stdout, 'data');
    child.kill(signal);
    assert.equal(await once(child, 'exit'), [code, null]);
  }
  lab.ok(['delete', '--force', id]);
});

/** Resolves when a process's input is closed. */
async function closed({ stdin }: RunningProcess): Promise<void> {
  if (stdin !== null && !stdin.closed) await once(stdin, 'close');
}

const COUNT = 250;
const codes = Array.from({ length: COUNT }, (_, index) => index % 256);

skipUnless(isRoot, 'root')(test)(`${COUNT} execs at once through the library`, async () => {
  const id = sleeper();
  const runtime = new Runtime({ root: lab.root });
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  // What Node opens once and keeps is open after the first one.
  const first = await runtime.exec(id, { args: ['cat'], stdio: ['pipe', 'ignore', 'ignore'] });
  first.stdin?.end();
  await Promise.all([first.wait(), closed(first)]);
  const before = descriptors();
  // All of them are there before the first one may end.
  const all = await Promise.all(
    codes.map((code) =>
      runtime.exec(id, {
        args: ['sh', '-c', `read line; exit ${code}`],
        stdio: ['pipe', 'ignore', 'ignore'],
      }),
    ),
  );
  assert.is(JSON.parse(lab.ok(['ps', '--format', 'json', id])).length, COUNT + 1);
  for (const { stdin } of all) stdin?.end('go\n');
  const ends = await Promise.all(all.map((each) => each.wait()));
  assert.equal(
    ends.map(({ code }) => code),
    codes,
  );
  await Promise.all(all.map(closed));
  assert.is(descriptors(), before);
  lab.ok(['delete', '--force', id]);
});

const gigabytes = 2 ** 30;
const roomy = skipUnless(isRoot && freemem() > 10 * gigabytes, 'root and 10 GB of free memory');
roomy(test)(`${COUNT} execs at once through the command`, async () => {
  const id = sleeper();
  const children = codes.map((code) =>
    lab.spawn(['exec', id, 'sh', '-c', `exit ${code}`], 'ignore'),
  );
  const ends = await Promise.all(children.map((child) => once(child, 'exit')));
  assert.equal(
    ends.map(([code]) => code),
    codes,
  );
  lab.ok(['delete', '--force', id]);
});

// containerd's shim and conmon, which are subreapers as this program is, wait for the process by its pid. Many at once, so
// that processes end before the calls that started them do.
roomy(test)(
  `${COUNT} detached execs at once: each end is told to the caller's parent`,
  async () => {
    const id = sleeper();
    const file = (index: number): string => join(lab.folder, `detached${index}`);
    const children = codes.map((code, index) =>
      lab.spawn(
        ['exec', '--detach', '--pid-file', file(index), id, 'sh', '-c', `exit ${code}`],
        'ignore',
      ),
    );
    const ends = await Promise.all(children.map((child) => once(child, 'exit')));
    assert.ok(ends.every(([code]) => code === 0));
    const exits = await Promise.all(
      codes.map(async (_, index) => {
        const pidfd = native.openPidfd(Number(readFileSync(file(index), 'utf8')));
        const { code } = await native.waitExit(pidfd);
        native.close(pidfd);
        return code;
      }),
    );
    assert.equal(exits, codes);
    lab.ok(['delete', '--force', id]);
  },
);

skipUnless(isRoot, 'root')(test)(
  'the library: with `reap: awaited` only the ends that are waited for are taken',
  async () => {
    const id = sleeper();
    for (const reap of ['awaited', 'all'] as const) {
      const runtime = new Runtime({ root: lab.root, reap });
      const [left, awaited] = await Promise.all(
        [5, 6].map((code) => runtime.exec(id, { args: ['sh', '-c', `exit ${code}`] })),
      );
      assert.equal(await awaited?.wait(), { code: 6 });
      const pid = left?.pid ?? 0;
      await gone(native, pid);
      // Whatever hears of the end has done so by then.
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      if (reap === 'all') {
        assert.throws(() => native.openPidfd(pid), /ESRCH/);
        continue;
      }
      const pidfd = native.openPidfd(pid);
      assert.equal(await native.waitExit(pidfd), { code: 5 });
      native.close(pidfd);
    }
    lab.ok(['delete', '--force', id]);
  },
);

lab.finish(test);
