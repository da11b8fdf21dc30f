/** Containers per second, and how long a Node program that makes them can't do anything else. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { makeBundle } from '../bundle.mjs';
import { contenders, timed, unlessFails } from './contenders.mjs';

const LEVELS = [1, 4, 16, 64, 256];
/** How many a shell loop runs at once. */
const BESIDE = 16;
/** How often each is measured, in turns. */
const TURNS = 3;
const MOST = 10 * 60_000;
const firstScript = fileURLToPath(new URL('./first.mjs', import.meta.url));

export async function measureConcurrency(place, { runs, rounds }) {
  console.error(`concurrency: ${runs} containers for each rate, ${TURNS} times`);
  const bundles = [];
  for (let i = 0; i < Math.max(runs, 2 * Math.max(...LEVELS)); ++i) {
    const path = `/${place.cgroup}/many/${i}`;
    bundles.push(await makeBundle(place.folder, `many-${i}`, ['/bin/true'], path));
  }
  const { commands, library, end } = await contenders(place);
  try {
    await library.run('bench-warm', bundles[0]);
    const levels = LEVELS.map((level) => ({ level, turns: [] }));
    const loops = commands.map((one) => ({ one, name: one.name, rates: [] }));
    for (let turn = 0; turn < TURNS; ++turn) {
      for (const { level, turns } of levels) {
        turns.push(await runAtOnce(library, level, bundles.slice(0, Math.max(runs, 2 * level))));
      }
      for (const loop of loops.filter(({ failed }) => !failed)) {
        const rate = await unlessFails(loop.name, 'concurrency', () =>
          shellLoop(place, loop.one, runs),
        );
        loop.failed = rate.length === 0;
        loop.rates.push(...rate);
      }
    }
    const done = loops.filter(({ failed }) => !failed).map(({ name, rates }) => ({ name, rates }));
    const first = firstContainers(place, bundles[0], rounds);
    return { concurrency: { levels, loops: done, beside: BESIDE, first } };
  } finally {
    end();
  }
}

/** A container for each bundle, `level` of them at any time. Delays and CPU time are this process's own, in ms. */
async function runAtOnce(library, level, bundles) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const cpu = process.cpuUsage();
  let next = 0;
  const loop = async () => {
    for (let i = next++; i < bundles.length; i = next++)
      await library.run(`bench-${i}`, bundles[i]);
  };
  delay.enable();
  const took = await timed(() => Promise.all(Array.from({ length: level }, loop)));
  delay.disable();
  const { user, system } = process.cpuUsage(cpu);
  return {
    rate: (bundles.length / took) * 1000,
    p99: delay.percentile(99) / 1e6,
    longest: delay.max / 1e6,
    cpu: (user + system) / 1000 / bundles.length,
  };
}

/** The same by commands: a shell loop has nothing between them that would cost time. */
async function shellLoop({ folder, call }, { command, env }, runs) {
  const run = [...command, 'run', '--bundle', join(folder, 'many-{}'), 'bench-{}'];
  const script = `seq 0 ${runs - 1} | xargs -P ${BESIDE} -I '{}' "$@"`;
  const took = await timed(() => call(['sh', '-c', script, 'sh', ...run], env, MOST));
  return (runs / took) * 1000;
}

/** From the import to the end of the first container, each time in a fresh process, in ms. */
function firstContainers({ folder }, bundle, rounds) {
  return Array.from({ length: rounds }, () =>
    Number(execFileSync(process.execPath, [firstScript, folder, bundle], { encoding: 'utf8' })),
  );
}
