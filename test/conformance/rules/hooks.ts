import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bind, type Config, type Hook } from '../config.js';
import { eventually } from '../container.js';
import type { Context } from '../context.js';
import { cgroupFolders, isAlive, namespaceOf } from '../host.js';
import { section } from '../rule.js';

const hooks = section('config.md#configHooks', 'POSIX-platform hooks');

type Kind =
  | 'prestart'
  | 'createRuntime'
  | 'createContainer'
  | 'startContainer'
  | 'poststart'
  | 'poststop';
type When = 'create' | 'start' | 'delete';

const kinds: readonly [kind: Kind, when: When, where: 'runtime' | 'container'][] = [
  ['prestart', 'create', 'runtime'],
  ['createRuntime', 'create', 'runtime'],
  ['createContainer', 'create', 'container'],
  ['startContainer', 'start', 'container'],
  ['poststart', 'start', 'runtime'],
  ['poststop', 'delete', 'runtime'],
];

/** A hook that is a shell script. All except startContainer find the host's shell and write to the test's folder. */
const script = (text: string): Hook => reading(`cat >/dev/null; ${text}`);

/** The same, for a script that looks at its standard input itself. */
const reading = (text: string): Hook => ({ path: '/bin/sh', args: ['sh', '-c', text] });

/** Gives the container the test's folder at the same path, so that hooks in it can write there too. */
function share(t: Context, config: Config): void {
  config.mounts.push(bind(t.folder, t.folder, 'rw'));
}

const read = (t: Context, name: string): string =>
  existsSync(join(t.folder, name)) ? readFileSync(join(t.folder, name), 'utf8').trim() : '';

/** Takes a container with such hooks through its life; after each operation, calls `look`. */
async function live(
  t: Context,
  change: (config: Config) => void,
  look: (when: When, pid: number) => void = () => {},
): Promise<void> {
  const container = await t.create((config) => {
    config.process.args = ['sh', '-c', `echo program >>${t.folder}/log; echo up; exec sleep 1000`];
    share(t, config);
    change(config);
  });
  const pid = await container.pid();
  look('create', pid);
  await container.start();
  await container.line();
  look('start', pid);
  await container.kill('KILL');
  await container.stopped();
  await container.delete();
  look('delete', pid);
}

for (const [kind, when, where] of kinds) {
  hooks.must(`${kind}/when`, `${kind} hooks are called by ${when}`, async (t) => {
    const seen: string[] = [];
    await live(
      t,
      (config) => {
        config.hooks[kind] = [script(`echo called >>${t.folder}/called`)];
      },
      (operation) => seen.push(`${operation}: ${read(t, 'called')}`),
    );
    const all: When[] = ['create', 'start', 'delete'];
    const expected = all.map((each) =>
      all.indexOf(each) >= all.indexOf(when) ? `${each}: called` : `${each}: `,
    );
    assert.deepEqual(seen, expected);
  });

  hooks.must(`${kind}/namespace`, `${kind} hooks run in the ${where} namespace`, async (t) => {
    const types = ['mnt', 'net', 'uts', 'ipc'];
    let own: string[] = [];
    await live(
      t,
      (config) => {
        const look = types.map((type) => `readlink /proc/self/ns/${type}`).join('; ');
        config.hooks[kind] = [script(`(${look}) >${t.folder}/namespaces`)];
      },
      (operation, pid) => {
        if (operation === 'create') own = types.map((type) => namespaceOf(pid, type));
      },
    );
    const expected = where === 'runtime' ? types.map((type) => namespaceOf('self', type)) : own;
    assert.deepEqual(read(t, 'namespaces').split('\n'), expected);
  });

  hooks.must(
    `${kind}/path`,
    `the path is looked up in the ${kind === 'startContainer' ? 'container' : 'runtime'}`,
    async (t) => {
      // Only one of the two has the file.
      const inContainer = kind === 'startContainer';
      await live(t, (config) => {
        const file = inContainer ? '/data/hook' : join(t.folder, 'hook');
        const onHost = inContainer ? join(t.folder, 'data/hook') : file;
        mkdirSync(join(t.folder, 'data'));
        writeFileSync(onHost, `#!/bin/sh\necho called >${t.folder}/called\n`, { mode: 0o755 });
        if (inContainer) config.mounts.push(bind(join(t.folder, 'data'), '/data'));
        config.hooks[kind] = [{ path: file }];
      });
      assert.equal(read(t, 'called'), 'called');
    },
  );

  hooks.must(`${kind}/state`, `${kind} hooks get the state over stdin`, async (t) => {
    let pid = 0;
    await live(
      t,
      (config) => {
        config.annotations = { 'com.example.key': 'value' };
        config.hooks[kind] = [
          reading(`cat >${t.folder}/state.json; readlink /proc/self/ns/pid >${t.folder}/pidns`),
        ];
      },
      (_, seen) => {
        pid ||= seen;
      },
    );
    const state = JSON.parse(read(t, 'state.json'));
    assert.equal(typeof state.ociVersion, 'string');
    assert.match(state.id, /^conformance-/);
    assert.ok(state.bundle.startsWith(t.folder));
    assert.equal(state.annotations['com.example.key'], 'value');
    const status = { create: /^creat(ing|ed)$/, start: /^(created|running)$/, delete: /^stopped$/ };
    assert.match(state.status, status[when]);
    if (kind === 'poststart') assert.equal(state.status, 'running');
    if (when !== 'delete') {
      const inside = read(t, 'pidns') !== namespaceOf('self', 'pid');
      assert.equal(state.pid, inside ? 1 : pid);
    }
  });

  hooks.must(`${kind}/order`, `${kind} hooks are called in the listed order`, async (t) => {
    await live(t, (config) => {
      config.hooks[kind] = [1, 2, 3].map((n) => script(`echo ${n} >>${t.folder}/order`));
    });
    assert.equal(read(t, 'order'), '1\n2\n3');
  });

  hooks.property(
    `${kind}/args-env`,
    `${kind} hooks get their args and env, and no other`,
    async (t) => {
      await live(t, (config) => {
        const text = `cat >/dev/null; echo "$0|$1|$A|$LEAKED" >${t.folder}/said`;
        config.hooks[kind] = [
          {
            path: '/bin/sh',
            args: ['sh', '-c', text, 'zero', 'one two'],
            env: ['A=b c', 'PATH=/bin'],
          },
        ];
      });
      assert.equal(read(t, 'said'), 'zero|one two|b c|');
    },
  );

  hooks.property(`${kind}/timeout`, `${kind} hooks are aborted after their timeout`, async (t) => {
    // Only poststop's failure leaves the rest as it is.
    const since = Date.now();
    const bundle = t.bundle((config) => {
      config.hooks[kind] = [{ ...script('sleep 15'), timeout: 1 }];
    });
    const { code } = await t.call(['run', '--bundle', bundle, t.id()]);
    const took = Date.now() - since;
    assert.ok(took >= 1000 && took < 12_000, `it took ${took} ms`);
    if (kind !== 'poststop') assert.notEqual(code, 0);
  });

  hooks.property(`${kind}/unread`, `${kind} hooks may leave the state unread`, async (t) => {
    await live(t, (config) => {
      const more = { 'com.example.long': 'x'.repeat(100_000) };
      Object.assign(config.annotations, more);
      config.hooks[kind] = [reading(`exec <&-; echo called >${t.folder}/called`)];
    });
    assert.equal(read(t, 'called'), 'called');
  });

  if (kind === 'poststop') continue;
  hooks.must(
    `${kind}/failure`,
    `a failing ${kind} hook is an error and the container is destroyed`,
    async (t) => {
      const bundle = t.bundle((config) => {
        config.process.args = ['sh', '-c', `echo program >>${t.folder}/log; exec sleep 1000`];
        share(t, config);
        config.hooks[kind] = [script(`echo $PPID >/dev/null; exit 3`)];
        config.hooks.poststop = [script(`echo poststop >>${t.folder}/log`)];
      });
      const id = t.id();
      let pid = 0;
      if (when === 'start') {
        await t.ok(['create', '--bundle', bundle, id]);
        pid = JSON.parse(await t.ok(['state', id])).pid;
        await t.fails(['start', id]);
      } else {
        await t.fails(['create', '--bundle', bundle, id]);
      }
      const { cgroupsPath } = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')).linux;
      if (pid > 0) await eventually(() => !isAlive(pid), 'the container stopped');
      assert.notEqual((await t.call(['state', id])).code, 0, 'the container is still known');
      assert.deepEqual(cgroupFolders(cgroupsPath), [], 'its cgroups are left');
      if (kind !== 'poststart') assert.ok(!read(t, 'log').includes('program'), 'the program ran');
      assert.ok(
        read(t, 'log').includes('poststop'),
        'the lifecycle did not go on with poststop hooks',
      );
    },
  );
}

hooks.must(
  'poststop/failure',
  'a failing poststop hook is warned of, the next ones and delete go on',
  async (t) => {
    const container = await t.start('echo once', (config) => {
      config.hooks.poststop = [script('exit 3'), script(`echo called >${t.folder}/called`)];
    });
    await container.stopped();
    const outcome = await t.call(['delete', container.id]);
    assert.equal(outcome.code, 0, outcome.stderr);
    assert.notEqual(outcome.stderr.trim(), '', 'there was no warning');
    assert.equal(read(t, 'called'), 'called');
    assert.ok(!(await container.exists()));
  },
);

hooks.must('sequence', 'all kinds are called in the lifecycle’s order', async (t) => {
  await live(t, (config) => {
    for (const [kind] of kinds) config.hooks[kind] = [script(`echo ${kind} >>${t.folder}/log`)];
  });
  const expected = kinds.map(([kind]) => kind as string);
  expected.splice(4, 0, 'program');
  assert.deepEqual(
    // The program runs beside the poststart hooks once it is executed.
    read(t, 'log')
      .split('\n')
      .filter((line) => line !== 'program'),
    expected.filter((line) => line !== 'program'),
  );
  const log = read(t, 'log').split('\n');
  assert.ok(log.indexOf('program') > log.indexOf('startContainer'));
});

hooks.must(
  'createContainer/root',
  'createContainer hooks are called before pivot_root, with the mounts made',
  async (t) => {
    await live(t, (config) => {
      config.mounts.push({ destination: '/data', type: 'tmpfs', source: 'seen-by-hook' });
      config.hooks.createContainer = [
        script(
          `cat /proc/self/mountinfo >${t.folder}/mounts; test -e ${t.folder} && echo host >${t.folder}/root`,
        ),
      ];
    });
    assert.match(read(t, 'mounts'), /rootfs\/data .*seen-by-hook/);
    assert.equal(read(t, 'root'), 'host');
  },
);

hooks.must(
  'createRuntime/environment',
  'createRuntime hooks find the container’s namespaces made',
  async (t) => {
    await live(t, (config) => {
      const text = `pid=$(sed 's/.*"pid": *\\([0-9]*\\).*/\\1/'); readlink /proc/$pid/ns/net >${t.folder}/net`;
      config.hooks.createRuntime = [reading(`tr -d '\\n' | (${text})`)];
    });
    assert.match(read(t, 'net'), /^net:/);
    assert.notEqual(read(t, 'net'), namespaceOf('self', 'net'));
  },
);

const invalid: readonly [name: string, text: string, hook: (t: Context) => Hook][] = [
  ['relative', 'a relative path', () => ({ path: 'bin/true' })],
  ['missing', 'a path where nothing is', () => ({ path: '/no/such/hook' })],
  ['timeout-zero', 'a timeout of 0', () => ({ path: '/bin/true', timeout: 0 })],
  ['timeout-negative', 'a negative timeout', () => ({ path: '/bin/true', timeout: -1 })],
];
for (const [name, text, hook] of invalid) {
  hooks.must(`invalid-${name}`, `${text} is an error`, async (t) => {
    await t.refuses((config) => {
      config.hooks.createRuntime = [hook(t)];
    });
  });
}

export const sections = [hooks];
