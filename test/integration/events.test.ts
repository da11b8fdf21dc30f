/** events: what a container uses, and what happens to it, from the command and from the library. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ContainerEvent, Runtime } from '../../ts/index.js';
import { layout } from '../support/cgroups.js';
import { openDescriptors } from '../support/descriptors.js';
import { type Container, Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const test = suite('events');
const isRoot = process.geteuid?.() === 0;
const root = skipUnless(isRoot, 'root');
const lab = new Lab();
const runtime = new Runtime({ root: lab.root });

const controllers =
  layout.version === 'none'
    ? []
    : layout.version === 'v2'
      ? layout.controllers
      : layout.hierarchies.flatMap((each) => each.controllers);
const withMemory = skipUnless(
  isRoot && controllers.includes('memory'),
  'root and a memory controller',
);
const withPressure = skipUnless(
  isRoot &&
    ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].some((at) => existsSync(`${at}/cpu.stat`)) &&
    existsSync('/proc/pressure/cpu'),
  'root, a cgroup2 and a kernel that measures pressure',
);
const withRunc = skipUnless(
  isRoot && layout.version !== 'none' && spawnSync('runc', ['--version']).status === 0,
  'root and runc',
);

function running(script: string, mutate: Mutate = () => {}): Container {
  return lab.start(
    lab.bundle((spec, folder) => {
      spec.process.args = ['sh', '-c', `echo up; ${script}`];
      mutate(spec, folder);
    }),
  );
}

/** A container that uses more memory than it may as soon as it is told to, and outlives that. */
function hungry(): Container {
  const eat = 'dd if=/dev/zero of=/dev/null bs=100M count=1';
  return running(`trap '${eat}' USR1; while :; do sleep 1 & wait $!; done`, (spec) => {
    spec.linux.resources = { memory: { limit: 16 << 20, swap: 16 << 20 } };
  });
}

/** The types of all that is in a value; a list's are its first one's. */
function shape(value: unknown, path = ''): Record<string, string> {
  if (value === null) return {};
  if (Array.isArray(value)) return value.length === 0 ? {} : shape(value[0], `${path}[]`);
  if (typeof value !== 'object') return { [path]: typeof value };
  return Object.assign(
    {},
    ...Object.entries(value).map(([key, each]) => shape(each, `${path}.${key}`)),
  );
}

root(test)('--stats prints one line, and what is in it is true', () => {
  const { id, pid } = running('while :; do :; done', (spec) => {
    spec.linux.resources = { pids: { limit: 7 }, memory: { limit: 64 << 20 } };
  });
  const first = JSON.parse(lab.ok(['events', '--stats', id]));
  assert.equal([first.type, first.id], ['stats', id]);
  const second = JSON.parse(lab.ok(['events', '--stats', id]));
  const total = (event: typeof first): number => event.data.cpu.usage.total;
  assert.ok(total(second) > total(first) && total(first) > 0);
  if (controllers.includes('memory')) assert.is(first.data.memory.usage.limit, 64 << 20);
  if (controllers.includes('pids')) assert.equal(first.data.pids, { current: 1, limit: 7 });
  assert.equal(
    first.data.network_interfaces.map((each: { Name: string }) => each.Name),
    ['lo'],
  );
  assert.ok(pid > 0);
  lab.ok(['delete', '--force', id]);
});

withRunc(test)('all that runc prints of a container is there, of the same type', () => {
  const bundle = lab.bundle((spec) => {
    spec.ociVersion = '1.0.2';
    spec.process.args = ['sh', '-c', 'echo up; exec sleep 1000'];
    spec.linux.resources = {
      memory: { limit: 64 << 20 },
      pids: { limit: 7 },
      cpu: { quota: 50_000, period: 100_000 },
    };
  });
  const runc = (...args: string[]) =>
    spawnSync('runc', ['--root', `${lab.root}-runc`, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  const peer = lab.name();
  let theirs: unknown;
  try {
    // Its container would hold the pipe open.
    spawnSync('runc', ['--root', `${lab.root}-runc`, 'run', '-d', '-b', bundle, peer], {
      stdio: 'ignore',
    });
    theirs = JSON.parse(runc('events', '--stats', peer).stdout).data;
  } finally {
    runc('delete', '--force', peer);
  }
  const { id } = lab.start(bundle);
  const ours = shape(JSON.parse(lab.ok(['events', '--stats', id])).data);
  lab.ok(['delete', '--force', id]);
  for (const [path, type] of Object.entries(shape(theirs))) {
    // What a container has read from the disk is in no two the same.
    if (path.startsWith('.blkio.')) continue;
    assert.is(ours[path], type, path);
  }
});

root(test)('statistics every interval until the container ends, then nothing more', async () => {
  const { id } = running('exec sleep 1000');
  const events = lab.spawn(['events', '--interval', '20ms', id]);
  const ended = once(events, 'close');
  const lines: string[] = [];
  for await (const line of createInterface({ input: events.stdout as Readable })) {
    lines.push(line);
    if (lines.length === 3) lab.ok(['kill', id, 'KILL']);
  }
  assert.equal(await ended, [0, null]);
  assert.ok(lines.length >= 3);
  for (const line of lines) assert.is(JSON.parse(line).type, 'stats');
  lab.ok(['delete', id]);
});

root(test)('what can’t be watched is said', () => {
  const { id } = lab.create(lab.bundle());
  // A created container has its cgroup already.
  assert.is(JSON.parse(lab.ok(['events', '--stats', id])).type, 'stats');
  lab.ok(['kill', id, 'KILL']);
  while (lab.state(id).status !== 'stopped');
  assert.match(lab.fails(['events', '--stats', id]), /container not running/);
  assert.match(lab.fails(['events', id]), /container not running/);
  lab.ok(['delete', id]);
  assert.match(lab.fails(['events', id]), /container does not exist/);
  assert.match(lab.fails(['events', '--interval', '0s', id]), /--interval/);
});

withMemory(test)(
  'the command tells of each time that the container runs out of memory',
  async () => {
    const { id } = hungry();
    const events = lab.spawn(['events', '--interval', '20ms', id]);
    const lines = createInterface({ input: events.stdout as Readable })[Symbol.asyncIterator]();
    const next = async (type: string): Promise<unknown> => {
      for (;;) {
        const event = JSON.parse((await lines.next()).value as string);
        if (event.type === type) return event;
      }
    };
    // From the first statistics on it watches.
    await next('stats');
    for (let round = 0; round < 2; round++) {
      lab.ok(['kill', id, 'USR1']);
      assert.equal(await next('oom'), { type: 'oom', id });
    }
    const ended = once(events, 'close');
    lab.ok(['delete', '--force', id]);
    assert.equal(await ended, [0, null]);
  },
);

withMemory(test)('an end for want of memory is told before the end', async () => {
  const { id } = running(
    'read go < /mnt/go; exec dd if=/dev/zero of=/dev/null bs=100M count=1',
    (spec, folder) => {
      spawnSync('mkfifo', [`${folder}/go`]);
      spec.mounts.push({ destination: '/mnt', type: 'bind', source: folder, options: ['bind'] });
      spec.linux.resources = { memory: { limit: 16 << 20, swap: 16 << 20 } };
    },
  );
  const events = await runtime.events(id);
  const { bundle } = (await runtime.state(id)) as { bundle: string };
  spawnSync('sh', ['-c', `echo go > ${bundle}/go`]);
  const seen: string[] = [];
  for await (const { type } of events) seen.push(type);
  assert.is(seen[0], 'oom');
  assert.is((await runtime.state(id)).status, 'stopped');
  await runtime.delete(id);
});

withPressure(test)('the library tells of pressure', async () => {
  // Two that want the same processor wait for each other.
  const { id } = running('(while :; do :; done) & while :; do :; done', (spec) => {
    if (controllers.includes('cpuset')) spec.linux.resources = { cpu: { cpus: '0' } };
  });
  const trigger = { resource: 'cpu', stall: 50 } as const;
  const events = await runtime.events(id, { pressure: [trigger] });
  assert.equal((await events.next()).value, { type: 'pressure', id, data: trigger });
  await events.return?.();
  assert.equal(await events.next(), { done: true, value: undefined });
  const refused = await runtime
    .events(id, { pressure: [{ resource: 'cpu', stall: 0, window: 1 }] })
    .catch((error) => error);
  assert.is(refused.code, 'EINVAL');
  assert.ok((await runtime.stats(id)).cpu.psi?.some.total);
  lab.ok(['delete', '--force', id]);
});

root(test)(
  'the library’s iteration ends by break, by abortion and with the container, and keeps nothing',
  async () => {
    const { id } = running('exec sleep 1000');
    const take = async (signal?: AbortSignal): Promise<ContainerEvent | undefined> => {
      for await (const event of await runtime.events(id, {
        interval: 5,
        ...(signal && { signal }),
      }))
        return event;
      return undefined;
    };
    await take();
    const before = openDescriptors();
    for (let round = 0; round < 20; round++) assert.is((await take())?.type, 'stats');
    const abort = new AbortController();
    const quiet = await runtime.events(id, { signal: abort.signal });
    const pending = quiet.next().catch((error) => error);
    abort.abort(new Error('enough'));
    assert.is((await pending).message, 'enough');
    const last = await runtime.events(id);
    const end = last.next();
    lab.ok(['kill', id, 'KILL']);
    assert.equal(await end, { done: true, value: undefined });
    assert.equal(openDescriptors(), before);
    const gone = await runtime.events(id).catch((error) => error);
    assert.is(gone.code, 'CONTAINER_NOT_RUNNING');
    const silly = await runtime.events(id, { interval: 0 }).catch((error) => error);
    assert.is(silly.code, 'INVALID_ARGUMENT');
    lab.ok(['delete', id]);
  },
);

lab.finish(test);
