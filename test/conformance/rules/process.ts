import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Mutate } from '../config.js';
import { eventually } from '../container.js';
import type { Context } from '../context.js';
import { section } from '../rule.js';

const process_ = section('config.md#configProcess', 'Process');

/** What a container with a terminal prints on it. */
async function onTerminal(t: Context, script: string, mutate: Mutate = () => {}): Promise<string> {
  const socket = join(t.folder, 'console');
  const taker = spawn(t.probe(), ['console', socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.defer(() => taker.kill('SIGKILL'));
  let output = '';
  taker.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const ended = new Promise((resolve) => taker.on('close', resolve));
  await eventually(() => existsSync(socket) && output.startsWith('ready\n'), 'the console socket');
  const bundle = t.bundle((config, folder) => {
    config.process.terminal = true;
    config.process.args = ['sh', '-c', script];
    mutate(config, folder);
  });
  const container = await t.create(bundle, '--console-socket', socket);
  await container.start();
  await ended;
  return output.replace('ready\n', '').replaceAll('\r', '').trimEnd();
}

process_.property(
  'terminal',
  'with terminal the standard streams are a terminal of the container',
  async (t) => {
    const said = await onTerminal(t, 'tty; tty <&1; tty <&2; echo /dev/pts/*');
    assert.equal(said, '/dev/pts/0\n/dev/pts/0\n/dev/pts/0\n/dev/pts/0 /dev/pts/ptmx');
  },
);

process_.property('terminal-default', 'without it they are none', async (t) => {
  assert.equal(await t.inside('tty || true'), 'not a tty');
});

process_.property('terminal-controls', 'the terminal is the controlling one', async (t) => {
  assert.equal(await onTerminal(t, 'echo said >/dev/tty'), 'said');
});

process_.property('consoleSize', 'consoleSize is the terminal’s size', async (t) => {
  const said = await onTerminal(t, 'stty size', (config) => {
    config.process.consoleSize = { height: 33, width: 99 };
  });
  assert.equal(said, '33 99');
});

process_.must('consoleSize-ignored', 'consoleSize is ignored without a terminal', async (t) => {
  await t.inside('true', (config) => {
    config.process.consoleSize = { height: 33, width: 99 };
  });
});

process_.property('console', '/dev/console is the terminal', async (t) => {
  const said = await onTerminal(t, 'test -c /dev/console && echo said >/dev/console');
  assert.equal(said, 'said');
});

process_.property('cwd', 'cwd is the working directory', async (t) => {
  const said = await t.inside('pwd', (config) => {
    config.process.cwd = '/tmp';
  });
  assert.equal(said, '/tmp');
});

process_.must('cwd-absolute', 'a relative cwd is an error', async (t) => {
  await t.refuses((config) => {
    config.process.cwd = 'tmp';
  });
});

process_.must('cwd-required', 'cwd is required', async (t) => {
  await t.refuses((config) => Reflect.deleteProperty(config.process, 'cwd'));
});

process_.property('env', 'the environment is env', async (t) => {
  const said = await t.inside('env', (config) => {
    config.process.env.push('HOME=/root', 'A=with = and space', 'EMPTY=');
  });
  const lines = said.split('\n').filter((line) => !/^(PWD|SHLVL|_|OLDPWD)=/.test(line));
  assert.deepEqual(
    lines.sort(),
    ['A=with = and space', 'EMPTY=', 'HOME=/root', 'PATH=/bin'].sort(),
  );
});

process_.property(
  'env-not-the-callers',
  'nothing of the caller’s environment gets in',
  async (t) => {
    const said = await t.inside('env', undefined, { env: { LEAKED: 'yes' } });
    assert.doesNotMatch(said, /LEAKED/);
  },
);

process_.property('args', 'args come as they are: empty ones, spaces, newlines', async (t) => {
  const args = ['one two', '', 'a\'b"c', 'line\nbreak', '-x'];
  const said = await t.inside('', (config) => {
    config.process.args = ['sh', '-c', 'for a in "$0" "$@"; do echo "<$a>"; done', ...args];
  });
  assert.equal(said, args.map((arg) => `<${arg}>`).join('\n'));
});

process_.must('args-required', 'at least one of args is required', async (t) => {
  await t.refuses((config) => {
    config.process.args = [];
  });
});

process_.property('args-path', 'args[0] without a slash is looked up in PATH', async (t) => {
  const said = await t.inside('', (config, bundle) => {
    writeFileSync(join(bundle, 'rootfs/data/special'), '#!/bin/sh\necho special "$0"\n');
    chmodSync(join(bundle, 'rootfs/data/special'), 0o755);
    config.process.env = ['PATH=/nowhere:/data:/bin'];
    config.process.args = ['special'];
  });
  assert.equal(said, 'special /data/special');
});

process_.property('args-slash', 'args[0] with a slash is a path from cwd', async (t) => {
  const said = await t.inside('', (config, bundle) => {
    symlinkSync('/bin/busybox', join(bundle, 'rootfs/data/echo'));
    config.process.cwd = '/data';
    config.process.args = ['./echo', 'found'];
  });
  assert.equal(said, 'found');
});

process_.property('args-missing', 'a program that is not there is an error', async (t) => {
  for (const name of ['no-such-program', '/no/such/program', './no-such-program']) {
    await t.refuses((config) => {
      config.process.args = [name];
    });
  }
});

process_.property(
  'args-not-executable',
  'a program that may not be executed is an error',
  async (t) => {
    await t.refuses((config, bundle) => {
      writeFileSync(join(bundle, 'rootfs/data/text'), '#!/bin/sh\necho the program ran\n');
      config.process.args = ['/data/text'];
    });
  },
);

process_.property('optional', 'process is optional until start', async (t) => {
  const container = await t.create((config) => {
    Reflect.deleteProperty(config, 'process');
  });
  assert.equal((await container.state()).status, 'created');
});

process_.property(
  'exit-code',
  'run in the foreground ends with the program’s status',
  async (t) => {
    assert.equal((await t.run('exit 42')).code, 42);
  },
);

const linux = section('config.md#configLinuxProcess', 'Linux process');

linux.property('noNewPrivileges', 'noNewPrivileges sets no_new_privs', async (t) => {
  const said = await t.inside('grep NoNewPrivs /proc/self/status', (config) => {
    config.process.noNewPrivileges = true;
  });
  assert.match(said, /\t1$/);
});

linux.property('noNewPrivileges-default', 'without it no_new_privs is not set', async (t) => {
  assert.match(await t.inside('grep NoNewPrivs /proc/self/status'), /\t0$/);
});

linux.must('oomScoreAdj', 'oomScoreAdj is set', async (t) => {
  const said = await t.inside('cat /proc/self/oom_score_adj', (config) => {
    config.process.oomScoreAdj = 321;
  });
  assert.equal(said, '321');
});

linux.mustNot('oomScoreAdj-unset', 'without it oom_score_adj stays the caller’s', async (t) => {
  const said = await t.inside('cat /proc/self/oom_score_adj', undefined, {
    prelude: 'echo 77 >/proc/self/oom_score_adj',
  });
  assert.equal(said, '77');
});

export const sections = [process_, linux];
