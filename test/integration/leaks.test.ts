/**
 * Many containers through one process leave nothing in it. TSRUNC_ROUNDS says how many; what they cost is told then,
 * the longest time that the event loop stood still included, and how much of such a time the thread had a core.
 */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Runtime } from '../../ts/index.js';
import { Lab } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';
import { mountTargets } from '../support/traces.js';

const lab = new Lab();
const runtime = new Runtime({ root: lab.root });
const test = suite('leaks');
const root = skipUnless(process.geteuid?.() === 0, 'root')(test);

/** One for each of those that run at once: each has a cgroup of its own. */
const bundles = Array.from({ length: 4 }, () =>
  lab.bundle((spec) => {
    spec.process.args = ['true'];
  }),
);

async function one(bundle: string): Promise<void> {
  const container = await runtime.run(lab.name(), { bundle, stdio: ['pipe', 'pipe', 'pipe'] });
  const { stdin, stdout, stderr } = container;
  const closed = [stdin, stdout, stderr].map((stream) => stream && once(stream, 'close'));
  stdout?.resume();
  stderr?.resume();
  stdin?.end();
  assert.equal(await container.wait(), { code: 0 });
  await Promise.all(closed);
}

async function many(count: number): Promise<void> {
  let left = count;
  const worker = async (bundle: string): Promise<void> => {
    while (left-- > 0) await one(bundle);
  };
  await Promise.all(bundles.map(worker));
}

/** What this process holds. */
function held(): Record<string, unknown> {
  const { Threads } = Object.fromEntries(
    [...readFileSync('/proc/self/status', 'utf8').matchAll(/^(\w+):\s+(.*)$/gm)].map(
      ([, key, value]) => [key, value],
    ),
  );
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    threads: Threads,
    resources: process.getActiveResourcesInfo().sort(),
    mounts: mountTargets().length,
    children: readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').length,
  };
}

/** Looks every millisecond how long the event loop has stood still. The result ends it: milliseconds, the longest ones. */
function watchLoop(): () => { still: number; onCore: number } {
  let longest = { still: 0, onCore: 0 };
  const core = (): number =>
    Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ', 1)[0]) / 1e6;
  let last = { still: performance.now(), onCore: core() };
  const timer = setInterval(() => {
    const now = { still: performance.now(), onCore: core() };
    longest = {
      still: Math.max(longest.still, now.still - last.still),
      onCore: Math.max(longest.onCore, now.onCore - last.onCore),
    };
    last = now;
  }, 1);
  return () => {
    clearInterval(timer);
    return longest;
  };
}

/** Bytes in use once all garbage is collected, and what was to be freed with it. */
async function memory(): Promise<{ heap: number; rss: number }> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let round = 0; round < 5; round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

root('many containers leave nothing in the process that ran them', async () => {
  const rounds = Number(process.env['TSRUNC_ROUNDS'] ?? 300);
  await many(100);
  const before = { ...held(), ...(await memory()) };
  const endWatch = watchLoop();
  const since = performance.now();
  await many(rounds);
  const seconds = (performance.now() - since) / 1000;
  const loop = endWatch();
  const after = { ...held(), ...(await memory()) };
  if (process.env['TSRUNC_ROUNDS'] !== undefined) {
    const rate = (rounds / seconds).toFixed(0);
    console.log({ rounds, rate, loop, before, after });
  }
  const { heap: heapBefore, rss: rssBefore, ...heldBefore } = before;
  const { heap, rss, ...heldAfter } = after;
  assert.equal(heldAfter, heldBefore);
  assert.ok(heap - heapBefore < 4 << 20, `${heapBefore} bytes of the heap became ${heap}`);
  assert.ok(rss - rssBefore < 48 << 20, `${rssBefore} bytes in memory became ${rss}`);
  assert.equal(lab.traces(), []);
});

lab.finish(test);
