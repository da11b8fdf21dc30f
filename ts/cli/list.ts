import type { State } from '../state/state.js';
import { type Palette, paletteFor } from './colors.js';
import type { Action } from './commands.js';
import { openRuntime } from './open-runtime.js';
import { print } from './output.js';

export const action: Action<'list'> = async (call) => {
  const states = await openRuntime(call).list();
  if (call.flags.quiet) print(states.map(({ id }) => `${id}\n`).join(''));
  else if (call.flags.format === 'json') print(`${JSON.stringify(states)}\n`);
  else print(formatTable(states, await paletteFor(1)));
};

/** The columns of `runc list`, in its order and with its gaps, for scripts that cut them. */
export function formatTable(states: readonly State[], palette: Palette): string {
  const rows = states.map((state) => [
    state.id,
    String(state.pid),
    state.status,
    state.bundle,
    state.created,
    state.owner,
  ]);
  const head = ['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'];
  const widths = head.map((title, column) => {
    const longest = Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length));
    return column === head.length - 1 ? 0 : Math.max(longest + 3, 12, title.length);
  });
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('');
  return [palette.heading(line(head)), ...rows.map(line)].map((text) => `${text}\n`).join('');
}
