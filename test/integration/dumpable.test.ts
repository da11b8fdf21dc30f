/** CVE-2016-9962: what the container's root may do to a process of ours that is about to become one of its own. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Lab } from '../support/lab.js';
import { SeccompAgent } from '../support/seccomp-agent.js';
import { skipUnless } from '../support/skip.js';

const test = suite('dumpable');
const lab = new Lab();
const python = skipUnless(
  process.geteuid?.() === 0 && spawnSync('python3', ['-V']).status === 0,
  'root and python3',
);

/** As soon as it is told to: which processes' secrets it can open, of all but its own. */
const spy = `
  echo up
  read go < /mnt/go
  for each in /proc/[0-9]*; do
    [ $each = /proc/1 ] && continue
    if true < $each/environ && true < $each/maps; then echo $each is open; else echo $each is closed; fi
  done > /mnt/seen 2>/dev/null
  echo done > /mnt/go
  read end < /mnt/go
`;

// The agent holds the process of exec in its last system call, where it has no more rights than the spy.
python(test)("the container's root can't look into what exec brings, up to its exec", async () => {
  const agent = await SeccompAgent.start(join(lab.folder, 'agent.sock'), 'hold');
  let folder = '';
  const { id } = lab.start(
    lab.bundle((spec, bundle) => {
      folder = join(bundle, 'shared');
      mkdirSync(folder);
      spawnSync('mkfifo', [join(folder, 'go')]);
      spec.mounts.push({ destination: '/mnt', type: 'bind', source: folder, options: ['bind'] });
      spec.process.args = ['/bin/sh', '-c', spy];
      spec.linux.seccomp = {
        defaultAction: 'SCMP_ACT_ALLOW',
        listenerPath: join(lab.folder, 'agent.sock'),
        syscalls: [{ names: ['execve', 'execveat'], action: 'SCMP_ACT_NOTIFY' }],
      };
    }),
  );
  const exec = lab.spawn(['exec', id, '/bin/true'], 'ignore');
  try {
    const ended = once(exec, 'exit');
    // Of either process its state and its exec.
    for (let heard = 0; heard < 4; ) heard += (await agent.next()) === undefined ? 4 : 1;
    writeFileSync(join(folder, 'go'), 'go\n');
    assert.is(await readFile(join(folder, 'go'), 'utf8'), 'done\n');
    assert.match(readFileSync(join(folder, 'seen'), 'utf8'), /^\/proc\/\d+ is closed\n$/);
    lab.ok(['delete', '--force', id]);
    await ended;
  } finally {
    exec.kill('SIGKILL');
    await agent.stop();
    lab.tsrunc(['delete', '--force', id]);
  }
});

lab.finish(test);
