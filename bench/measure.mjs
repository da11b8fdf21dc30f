/** measure.mjs FOLDER CGROUP RESULT ROUNDS: takes the times, in the view that run.mjs made, and writes them to RESULT. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/steps.mjs';
import { callers } from './calls.mjs';
import { floorCommand } from './floor.mjs';
import { memoryOf } from './memory.mjs';
import { runtimes, startHost } from './peers.mjs';

const [folder = '', cgroup = '', result = '', rounds = ''] = process.argv.slice(2);
const WARM_UP = 2;
let count = 0;

const { call, callBeside } = callers(folder);

/** Until `remove` finds that a killed container has ended. */
function retry(remove) {
  for (let left = 100; ; --left) {
    try {
      return remove();
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

/** A row: `act` is timed, unless it says itself how many milliseconds it took; `before` and `after` each time are not. */
function processCases(runtime) {
  const { name, command, env } = runtime;
  const does = (...args) => call([...command, ...args], env);
  const bundle = (of) => ['--bundle', join(folder, of)];
  const remove = (id) => does('delete', '--force', id);
  const create = (id) => does('create', ...bundle('sleep'), id);
  const start = (id) => {
    create(id);
    does('start', id);
  };
  return [
    {
      group: 'run /bin/true',
      name,
      act: (id) => does('run', ...bundle('true'), id),
    },
    {
      group: 'create + start + delete --force (of a running container)',
      name,
      act: (id) => {
        start(id);
        remove(id);
      },
    },
    {
      group: 'create + start + kill + delete',
      name,
      act: (id) => {
        start(id);
        does('kill', id, 'KILL');
        retry(() => does('delete', id));
      },
    },
    {
      group: 'run /bin/true, by two callers at once',
      name,
      act: async (id) => {
        const one = (of) => callBeside([...command, 'run', ...bundle(of), `${id}-${of}`], env);
        await Promise.all([one('true'), one('true-2')]);
      },
    },
    {
      group: 'exec /bin/true',
      name,
      before: start,
      act: (id) => does('exec', id, '/bin/true'),
      after: remove,
    },
    {
      group: 'state',
      name,
      before: create,
      act: (id) => does('state', id),
      after: remove,
    },
  ];
}

/** The library in this process: what a Node program pays that has it loaded. */
async function libraryCase() {
  const { Runtime } = await import(join(root, 'dist/index.js'));
  const runtime = new Runtime({ root: join(folder, 'run/library') });
  const stdio = ['ignore', 'ignore', 'ignore'];
  return {
    group: 'run /bin/true',
    name: 'tsrunc as a library, warm',
    act: async (id) => {
      const container = await runtime.run(id, { bundle: join(folder, 'true'), stdio });
      const { code } = await container.wait();
      if (code !== 0) throw new Error(`the library's container ended with status ${code}`);
    },
  };
}

function referenceCases() {
  const floor = floorCommand(folder, cgroup);
  const group = 'run /bin/true';
  const clock = join(folder, 'clock');
  const floors = [
    { group, name: 'floor: the bare system calls, in C', act: () => call(floor) },
    {
      group,
      name: 'floor, by its own clock',
      act: () => {
        call([...floor, clock]);
        return Number(readFileSync(clock, 'utf8'));
      },
    },
    { group, name: 'floor without cgroups', act: () => call(floor.slice(0, 2)) },
  ];
  return [
    ...(floor === undefined ? [] : floors),
    {
      group: 'state',
      name: 'node empty.js',
      act: () => call([process.execPath, join(folder, 'empty.js')]),
    },
    { group: 'state', name: 'spawning /bin/true, measured so', act: () => call(['/bin/true']) },
  ];
}

/** One measurement in ms, or undefined once the case has failed: said once, then left out. */
async function measure(one, timed) {
  const id = `bench-${++count}`;
  try {
    one.before?.(id);
    const since = process.hrtime.bigint();
    const own = await one.act(id);
    const took = own ?? Number(process.hrtime.bigint() - since) / 1e6;
    one.after?.(id);
    if (timed) one.times.push(took);
  } catch (error) {
    console.error(`${one.name} is left out of "${one.group}": ${error.message}.`);
    one.failed = true;
  }
}

const host = await startHost(folder);
const library = await libraryCase();
await library.act('bench-first');
const all = runtimes(folder, host.socket);
const cases = [...referenceCases(), library, ...all.flatMap(processCases)];
for (const one of cases) one.times = [];
for (let round = -WARM_UP; round < Number(rounds); ++round) {
  for (const one of cases) {
    if (!one.failed) await measure(one, round >= 0);
  }
}
const memory = all.flatMap((runtime) => {
  try {
    return [
      {
        name: runtime.name,
        ...memoryOf(runtime.command, (line) => call(line, runtime.env), folder),
      },
    ];
  } catch (error) {
    console.error(`${runtime.name} is left out of the memory table: ${error.message}.`);
    return [];
  }
});
const rows = cases
  .filter(({ failed }) => !failed)
  .map(({ group, name, times }) => ({ group, name, times }));
writeFileSync(result, JSON.stringify({ rows, memory }));
host.end();
