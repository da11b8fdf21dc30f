/**
 * `npm run attacks [-- --runtime NAME=COMMAND …] [-- --rounds N]`: the attacks of compared.ts, each on tsrunc, runc and crun,
 * as a table. What an attack could harm are decoys of this program's own, and copies of the runtimes. Wants root.
 */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { attacks } from './compared.js';
import { Victim } from './victim.js';

const usual = ['tsrunc', 'runc=/usr/sbin/runc', 'crun=/usr/bin/crun'];

const { values } = parseArgs({
  options: {
    runtime: { type: 'string', multiple: true, default: usual },
    rounds: { type: 'string', default: '100' },
    only: { type: 'string', default: '' },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'attacks-'));
try {
  const victims = values.runtime.map((each) => {
    const [name = '', program = ''] = each.split('=');
    if (program === '') return new Victim(name, undefined, folder);
    // An attack that works writes over the program.
    const copy = join(folder, name);
    copyFileSync(program, copy);
    return new Victim(name, copy, folder);
  });
  console.log(`| attack | ${victims.map(({ version }) => version).join(' | ')} |`);
  console.log(`| --- |${' --- |'.repeat(victims.length)}`);
  for (const { name, attack } of attacks) {
    if (!name.includes(values.only)) continue;
    const cells: string[] = [];
    for (const victim of victims) {
      try {
        cells.push(await attack(victim, Number(values.rounds)));
      } catch (error) {
        cells.push(`not run: ${(error as Error).message.split('\n')[0]}`);
      }
      victim.clean();
    }
    console.log(`| ${[name, ...cells].map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
