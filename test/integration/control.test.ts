/** pause, resume, ps and update: what they do to a running container. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Runtime } from '../../ts/index.js';
import { limitOf, onVersion } from '../support/container-cgroup.js';
import { type Container, Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const test = suite('control');
const root = skipUnless(process.geteuid?.() === 0, 'root');
const lab = new Lab();

function running(script: string, mutate: Mutate = () => {}): Container {
  return lab.start(
    lab.bundle((spec, folder) => {
      spec.process.args = ['sh', '-c', `echo up; ${script}`];
      mutate(spec, folder);
    }),
  );
}

/** The time that a process has used, in ticks (proc(5)). */
function ticks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

root(test)('a paused container makes no progress until it is resumed', async () => {
  const { id, pid } = running('while :; do :; done');
  lab.ok(['pause', id]);
  assert.is(lab.state(id).status, 'paused');
  const before = ticks(pid);
  // Long enough for a busy process to use a tick of 10 ms many times over.
  lab.state(id);
  assert.is(ticks(pid), before);
  lab.ok(['resume', id]);
  assert.is(lab.state(id).status, 'running');
  while (ticks(pid) === before) await new Promise(setImmediate);
  lab.ok(['delete', '--force', id]);
});

root(test)('processes that fork meanwhile are caught too', () => {
  const { id } = running('while :; do (:) & wait; done');
  for (let round = 0; round < 5; round++) {
    lab.ok(['pause', id]);
    const pids = JSON.parse(lab.ok(['ps', '--format', 'json', id])) as number[];
    const used = pids.map(ticks);
    assert.is(lab.state(id).status, 'paused');
    assert.equal(pids.map(ticks), used);
    assert.equal(JSON.parse(lab.ok(['ps', '-f', 'json', id])), pids);
    lab.ok(['resume', id]);
  }
  lab.ok(['delete', '--force', id]);
});

root(test)('a paused container: exec waits for nobody, delete --force ends it', () => {
  const { id } = running('exec sleep 1000');
  lab.ok(['pause', id]);
  const { code, stderr } = lab.tsrunc(['exec', id, 'true']);
  assert.is(code, 255);
  assert.match(stderr, /cannot exec in a paused container/);
  assert.match(lab.fails(['pause', id]), /container not running or created: paused/);
  lab.ok(['delete', '--force', id]);
});

root(test)('what is not running is not paused, what is not paused not resumed', () => {
  const { id } = running('exec sleep 1000');
  assert.match(lab.fails(['resume', id]), /container not paused: running/);
  lab.ok(['kill', id, 'KILL']);
  for (;;) if (lab.state(id).status === 'stopped') break;
  assert.match(lab.fails(['pause', id]), /container not running or created: stopped/);
  assert.match(lab.fails(['update', '--pids-limit', '5', id]), /container not running/);
  assert.equal(JSON.parse(lab.ok(['ps', '-f', 'json', id])), []);
  lab.ok(['delete', id]);
  for (const verb of ['pause', 'resume', 'ps']) {
    assert.match(lab.fails([verb, id]), /container does not exist/, verb);
  }
});

root(test)('ps lists all processes, as pids and as ps does', () => {
  const { id, pid } = running('sleep 999 & exec sleep 1000');
  const pids = JSON.parse(lab.ok(['ps', '--format', 'json', id])) as number[];
  assert.is(pids.length, 2);
  assert.ok(pids.includes(pid));
  const [head, ...lines] = lab.ok(['ps', id]).trimEnd().split('\n');
  assert.match(head ?? '', /^UID\s+PID\s+PPID/);
  assert.equal(lines.map((line) => line.replace(/.* sleep/, 'sleep')).sort(), [
    'sleep 1000',
    'sleep 999',
  ]);
  const own = lab.ok(['ps', id, '-o', 'pid,comm', '-A']).trimEnd().split('\n');
  assert.equal(
    own.slice(1).map((line) => line.trim().split(/\s+/)[1]),
    ['sleep', 'sleep'],
  );
  assert.match(lab.fails(['ps', id, '-o', 'comm', '-A']), /no column PID/);
  assert.match(lab.fails(['ps', id, '--nonsense']), /ps --nonsense failed/);
  lab.ok(['delete', '--force', id]);
});

root(test)('update by flags, by a file and by stdin', () => {
  const { id, pid } = running('exec sleep 1000');
  lab.ok(['update', '--memory', '64m', '--pids-limit', '20', '--cpu-share', '512', id]);
  assert.is(limitOf(pid, 'memory.limit'), String(64 * 2 ** 20));
  assert.is(limitOf(pid, 'pids.limit'), '20');
  assert.is(limitOf(pid, 'cpu.shares'), onVersion('512', '59'));
  const file = join(lab.folder, lab.name());
  writeFileSync(file, JSON.stringify({ cpu: { quota: 20_000, period: 100_000 } }));
  lab.ok(['update', '--resources', file, '--cpu-quota', '30000', id]);
  assert.is(limitOf(pid, 'cpu.quota'), onVersion('30000', '30000 100000'));
  assert.is(limitOf(pid, 'cpu.shares'), onVersion('512', '59'));
  const input = JSON.stringify({ pids: { limit: -1 }, memory: { limit: 128 * 2 ** 20 } });
  lab.ok(['update', '--resources', '-', id], { input });
  assert.is(limitOf(pid, 'pids.limit'), 'max');
  assert.is(limitOf(pid, 'memory.limit'), String(128 * 2 ** 20));
  lab.ok(['delete', '--force', id]);
});

root(test)(
  'a limit below what is in use is refused with the numbers, and nobody dies of it',
  async () => {
    // 32 MiB of a tmpfs, which can't be reclaimed without swap.
    const { id, pid } = running('exec sleep 1000', (spec) => {
      spec.process.args = [
        'sh',
        '-c',
        'head -c 33554432 /dev/zero > /dev/shm/x; echo up; exec sleep 1000',
      ];
    });
    const limit = (): string => limitOf(pid, 'memory.limit');
    const before = limit();
    const error = await new Runtime({ root: lab.root })
      .update(id, { memory: { limit: 8 * 2 ** 20, checkBeforeUpdate: true } })
      .catch((failure) => failure);
    assert.is(error.code, 'EBUSY');
    assert.match(error.message, /cannot be lowered to 8388608 bytes: \d{8} bytes are in use/);
    assert.match(
      lab.fails(['update', '--memory', '8m', id]),
      onVersion(
        /EBUSY.*more than that is in use/,
        /cannot be lowered to 8388608 bytes: \d{8} bytes/,
      ),
    );
    assert.is(limit(), before);
    assert.is(lab.state(id).status, 'running');
    lab.ok(['delete', '--force', id]);
  },
);

root(test)('what update cannot take is refused with one sentence', () => {
  const { id, pid } = running('exec sleep 1000');
  const shares = limitOf(pid, 'cpu.shares');
  for (const [args, says] of [
    [[], /nothing to change/],
    [['--memory', 'much'], /--memory: "much" is no size/],
    [['--cpu-quota', '1e3'], /--cpu-quota: "1e3" is no whole number/],
    [['--cpuset-cpus', '3-1'], /resources\.cpu\.cpus/],
    [['--resources', '/no/file'], /cannot read \/no\/file/],
    [['--memory', '64m', '--memory-swap', '32m'], /resources\.memory\.swap/],
  ] as const) {
    assert.match(lab.fails(['update', ...args, id]), says);
  }
  assert.match(
    lab.fails(['update', '--resources', '-', id], { input: '{"cpu": {"shares": "x"}}' }),
    /resources\.cpu\.shares/,
  );
  assert.is(limitOf(pid, 'cpu.shares'), shares);
  lab.ok(['delete', '--force', id]);
});

root(test)('the library has the same verbs', async () => {
  const runtime = new Runtime({ root: lab.root });
  const { id, pid } = running('exec sleep 1000');
  await runtime.pause(id);
  assert.is((await runtime.state(id)).status, 'paused');
  await runtime.resume(id);
  assert.equal(await runtime.ps(id), [pid]);
  await runtime.update(id, { pids: { limit: 7 } });
  assert.is(limitOf(pid, 'pids.limit'), '7');
  await runtime.delete(id, { force: true });
});

lab.finish(test);
