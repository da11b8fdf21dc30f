/** The smallest memory.limit with which a container starts. */
import { makeBundle } from '../bundle.mjs';
import { contenders, unlessFails } from './contenders.mjs';

/** In KiB. The kernel counts pages. */
const PAGE = 4;
const ENOUGH = 64 * 1024;
/** How often a limit must do while it is looked for: it depends a little on what the kernel has at hand. */
const TRIES = 3;

export async function measureMemoryLimits(place, { rounds }) {
  console.error('memory: the smallest limit');
  const { commands, end } = await contenders(place);
  try {
    const rows = [];
    for (const one of commands) {
      const search = () => smallest((limit, times) => succeeds(place, one, limit, times), rounds);
      rows.push(
        ...(await unlessFails(one.name, 'memory', search)).map((limit) => ({
          name: one.name,
          limit,
        })),
      );
    }
    return { memory: rows };
  } finally {
    end();
  }
}

/** By bisection, and from there up to the first that does `rounds` times in a row. */
async function smallest(does, rounds) {
  if (!(await does(ENOUGH, TRIES))) throw new Error(`${ENOUGH} KiB aren't enough`);
  let [low, high] = [0, ENOUGH];
  while (high - low > PAGE) {
    const middle = Math.floor((low + high) / 2 / PAGE) * PAGE;
    if (await does(middle, TRIES)) high = middle;
    else low = middle;
  }
  while (!(await does(high, rounds))) high += PAGE;
  return high;
}

let count = 0;

async function succeeds({ folder, cgroup }, one, limit, times) {
  for (let time = 0; time < times; ++time) {
    const id = `bench-memory-${++count}`;
    const path = `/${cgroup}/memory/${id}`;
    const bundle = await makeBundle(folder, 'limited', ['/bin/true'], path, {
      memory: limit * 1024,
    });
    try {
      one.run(id, bundle);
    } catch {
      // What a runtime leaves behind that was itself ended by the limit.
      await one.remove(id).catch(() => {});
      return false;
    }
  }
  return true;
}
