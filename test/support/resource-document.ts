/** docs/resources.md: one column for each kind of host, each written by a run on such a one. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';

export const columns = ['v1', 'v2', 'systemd'] as const;
export type Column = (typeof columns)[number];

const titles: Readonly<Record<Column, string>> = {
  v1: 'cgroup v1',
  v2: 'cgroup v2',
  systemd: 'systemd on v2',
};

type Table = Map<string, Partial<Record<Column, string>>>;

/** The row that says where a column comes from. */
const origin = '_measured on_';

const head = `# Resources

What each property of \`linux.resources\` becomes: the file, and what the kernel shows in it after \`create\` → after
\`update\`. Written by \`test/integration/resource-table.test.ts\`, which asserts every cell:
\`TSRUNC_RESOURCES_DOCUMENT=docs/resources.md npm test -- resource-table\` writes the columns of the machine that it runs
on, and leaves the others, and what it lacks itself but another has shown; \`npm run vm -- --resources\` does so for
cgroup v2, \`npm run vm -- --v1 --resources\` for v1. MiB are powers of two; \`D\` is a disk.
`;

function read(file: string): Table {
  const table: Table = new Map();
  if (!existsSync(file)) return table;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    // The formatter pads the cells.
    const [key = '', ...values] = line
      .replace(/^\| | \|$/g, '')
      .split(' | ')
      .map((cell) => cell.trim());
    if (!line.startsWith('| ') || key === 'resource' || key.startsWith('---')) continue;
    table.set(
      key,
      Object.fromEntries(columns.flatMap((column, index) => [[column, values[index] ?? '']])),
    );
  }
  return table;
}

const better = (before = '', now: string): string =>
  now.startsWith('refused:') && before !== '' && !before.startsWith('refused:') ? before : now;

/**
 * Puts cells into a column of the document; the other columns stay as they are, and so does what another machine has shown
 * where this one lacks what it takes.
 */
export function writeColumn(
  file: string,
  column: Column,
  cells: ReadonlyMap<string, string>,
): void {
  const before = read(file);
  const all: Table = new Map();
  const machines = [...(before.get(origin)?.[column] ?? '').split(', '), `Linux ${release()}`];
  const from = [...new Set(machines.filter((machine) => machine !== ''))].join(', ');
  for (const [name, text] of [...cells, [origin, from] as const])
    all.set(name, { ...before.get(name), [column]: better(before.get(name)?.[column], text) });
  const line = (texts: readonly string[]): string => `| ${texts.join(' | ')} |`;
  const lines = [
    line(['resource', ...columns.map((each) => titles[each])]),
    line(['---', ...columns.map(() => '---')]),
    ...[...all].map(([name, texts]) => line([name, ...columns.map((each) => texts[each] || ' ')])),
  ];
  writeFileSync(file, `${head}\n${lines.join('\n')}\n`);
}
