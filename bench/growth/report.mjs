/** The tables of growth. */
import { printMachine, printTable, summary } from '../report.mjs';

const median = (times) => summary(times).median;
const ms = (value) => value.toFixed(1);
const ratio = (value) => value.toFixed(2);

export function printGrowth(results, machine, options) {
  printMachine(machine);
  console.log('Medians; times are in ms. Use the ratios.');
  for (const [part, print] of Object.entries(tables)) {
    if (results[part] !== undefined) print(results[part], options);
  }
}

const tables = {
  mounts(rows, { mounts }) {
    console.log(`\nrun /bin/true with ${mounts} mounts on the host`);
    printTable(
      ['', 'without', 'with', 'with ÷ without'],
      rows.map((row) => {
        const [without, many] = [median(row.without), median(row.with)];
        return [row.name, ms(without), ms(many), ratio(many / without)];
      }),
    );
  },

  live(rows) {
    console.log('\ncreate among so many live containers, and ÷ the first');
    const counts = rows[0]?.counts.map(({ count }) => count) ?? [];
    printTable(
      ['', ...counts.flatMap((count) => [String(count), '÷'])],
      rows.map(({ name, counts }) => {
        const medians = counts.map(({ times }) => median(times));
        return [name, ...medians.flatMap((value) => [ms(value), ratio(value / medians[0])])];
      }),
    );
  },

  list(rows, { containers }) {
    console.log(`\nlist of ${containers} running containers`);
    const values = rows.map(({ name, times }) => ({ name, ...summary(times) }));
    const base = values.find(({ name }) => name === 'runc') ?? values[0];
    printTable(
      ['', 'median', '25 %', '75 %', `÷ ${base?.name}`],
      values.map(({ name, median, low, high }) => [
        name,
        ...[median, low, high].map(ms),
        ratio(median / base.median),
      ]),
    );
  },

  memory(rows) {
    console.log('\nsmallest memory.limit with which /bin/true runs, KiB');
    printTable(
      ['', 'limit'],
      rows.map(({ name, limit }) => [name, String(limit)]),
    );
  },

  concurrency({ levels, loops, beside, first }) {
    console.log(
      '\nthe library: run /bin/true, so many at once; CPU time and event-loop delay of its process',
    );
    printTable(
      ['', 'per second', 'CPU each', 'delay 99 %', 'longest'],
      levels.map(({ level, turns }) => {
        const of = (key) => median(turns.map((turn) => turn[key]));
        const longest = Math.max(...turns.map((turn) => turn.longest));
        return [String(level), ...[of('rate'), of('cpu'), of('p99'), longest].map(ms)];
      }),
    );
    const library = levels.find(({ level }) => level === beside);
    const rates = [
      { name: 'tsrunc as a library', rate: median(library.turns.map(({ rate }) => rate)) },
      ...loops.map(({ name, rates }) => ({ name, rate: median(rates) })),
    ];
    const base = rates.find(({ name }) => name === 'crun') ?? rates[0];
    console.log(`\nrun /bin/true, ${beside} at once, commands from a shell loop`);
    printTable(
      ['', 'per second', `÷ ${base.name}`],
      rates.map(({ name, rate }) => [name, ms(rate), ratio(rate / base.rate)]),
    );
    console.log(
      `\nthe library's first container in a fresh process, import included: ${ms(median(first))}`,
    );
  },
};
