/** The time of a create among more and more containers, and that of a list of them all. */
import { makeBundle } from '../bundle.mjs';
import { contenders, timed, unlessFails } from './contenders.mjs';

/** Around which numbers of live containers creates are measured, and how many to either side. */
const COUNTS = [10, 100, 1000, 10_000];
const AROUND = 10;
const REMOVED_AT_ONCE = 4;

/** One crowd after the other, each removed before the next. */
export async function measureCrowds(place, options) {
  const { commands, library, end } = await contenders(place);
  const cold = commands.find(({ name }) => name === 'tsrunc');
  const warm = commands.find(({ name }) => name === 'tsrunc with host');
  // The same containers for both: the cold command would only make them more slowly.
  const listers = { [warm.name]: [{ ...cold, list: listOf(place, warm, cold.env) }, warm] };
  const results = { live: [], list: [] };
  try {
    for (const one of [library, ...commands.filter((command) => command !== cold)]) {
      const crowd = new Crowd(place, one, options);
      try {
        await unlessFails(one.name, 'live, list', () =>
          crowd.measure(listers[one.name] ?? [one], results),
        );
      } finally {
        await crowd.remove();
      }
    }
  } finally {
    end();
  }
  return Object.fromEntries(
    Object.entries(results).filter(([part]) => options.only.includes(part)),
  );
}

function listOf({ call }, { command }, env) {
  return () => call([...command, 'list'], env);
}

class Crowd {
  #place;
  #one;
  #options;
  #ids = [];

  constructor(place, one, options) {
    this.#place = place;
    this.#one = one;
    this.#options = options;
  }

  /** Adds to `results` what was measured of this crowd. */
  async measure(listers, results) {
    const { containers, only } = this.#options;
    console.error(`live, list: ${containers} containers of ${this.#one.name}`);
    const times = [];
    while (times.length < containers) times.push(await this.#add());
    if (only.includes('list')) results.list.push(...(await this.#list(listers)));
    if (!only.includes('live')) return;
    while (times.length < containers + AROUND) times.push(await this.#add());
    const counts = COUNTS.filter((count) => count <= containers);
    const around = (count) => times.slice(count - AROUND, count + AROUND);
    results.live.push({
      name: this.#one.name,
      counts: counts.map((count) => ({ count, times: around(count) })),
    });
  }

  /** Adds a container that sleeps; what its creation took is the result. */
  async #add() {
    const { folder, cgroup } = this.#place;
    const id = `bench-${this.#ids.length}`;
    const line = ['/bin/sleep', '100000'];
    const bundle = await makeBundle(folder, 'crowd', line, `/${cgroup}/crowd/${id}`);
    this.#ids.push(id);
    const took = await timed(() => this.#one.create(id, bundle));
    // A created one of runc holds ten megabytes.
    await this.#one.start(id);
    return took;
  }

  /** In turns, where there are several who can list it. */
  async #list(listers) {
    const rows = listers.map((one) => ({ one, times: [] }));
    for (let round = -1; round < this.#options.rounds; ++round) {
      for (const { one, times } of rows) {
        const took = await timed(() => one.list());
        if (round >= 0) times.push(took);
      }
    }
    return rows.map(({ one, times }) => ({ name: one.name, times }));
  }

  async remove() {
    const remove = async () => {
      for (let id = this.#ids.pop(); id !== undefined; id = this.#ids.pop()) {
        await this.#one.remove(id).catch((error) => console.error(`${id}: ${error.message}`));
      }
    };
    await Promise.all(Array.from({ length: REMOVED_AT_ONCE }, remove));
  }
}
