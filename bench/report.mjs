/** The tables, or the same as JSON. */

export function printReport({ rows, memory }, machine, rounds, json) {
  const medians = rows.map(({ group, name, times }) => ({ group, name, ...summary(times) }));
  if (json) {
    console.log(JSON.stringify({ machine, rounds, times: medians, memory }, null, 2));
    return;
  }
  printMachine(machine);
  console.log(`\nMedians of ${rounds} rounds in ms, and the quartiles. Use the ratios.`);
  for (const group of new Set(medians.map((row) => row.group))) printGroup(group, medians);
  console.log('\na created container, KiB');
  printTable(
    ['', 'RSS', 'its own', 'memfds'],
    memory.map(({ name, rss, own, memfd }) => [name, rss, own, memfd].map(String)),
  );
}

export function printMachine(machine) {
  for (const [name, value] of Object.entries(machine)) if (value) console.log(`${name}: ${value}`);
}

/** Each row's ratio is to crun, the fastest of the peers; to the first row where crun is missing. */
function printGroup(group, medians) {
  const rows = medians.filter((row) => row.group === group).sort((a, b) => a.median - b.median);
  const base = rows.find(({ name }) => name === 'crun') ?? rows[0];
  console.log(`\n${group}`);
  printTable(
    ['', 'median', '25 %', '75 %', `÷ ${base.name}`],
    rows.map(({ name, median, low, high }) => [
      name,
      ...[median, low, high].map((ms) => ms.toFixed(1)),
      (median / base.median).toFixed(2),
    ]),
  );
}

/** Median and quartiles. */
export function summary(times) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))] ?? Number.NaN;
  return { median: at(0.5), low: at(0.25), high: at(0.75) };
}

export function printTable(head, rows) {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column].length)),
  );
  for (const row of [head, ...rows]) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]),
    );
    console.log(`  ${cells.join('  ')}`);
  }
}
