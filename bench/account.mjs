/**
 * `npm run bench:account`: where the time of `run /bin/true` goes. Which system calls it takes, of the floor, tsrunc, crun
 * and runc (strace); and how long the library is at what (V8's profiler). `-- --rounds 200` for the latter. Needs root,
 * a build, and strace for the former.
 */

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { main, StepError } from '../scripts/steps.mjs';
import { makeBundle } from './bundle.mjs';
import { compileFloor, makeTargets } from './floor.mjs';
import { machine } from './machine.mjs';
import { measureInPlace } from './place.mjs';
import { printMachine, printTable } from './report.mjs';

const measure = fileURLToPath(new URL('./account/measure.mjs', import.meta.url));

function printCalls(calls) {
  const most = calls.flatMap(({ kinds }) => Object.entries(kinds).filter(([, count]) => count > 9));
  const names = [...new Set(most.map(([name]) => name))];
  const of = (name) => calls.map(({ kinds }) => kinds[name] ?? 0);
  const sum = (name) => of(name).reduce((all, count) => all + count, 0);
  names.sort((a, b) => sum(b) - sum(a));
  console.log(
    '\nsystem calls of run /bin/true; those of Node before it runs any code of tsrunc aside',
  );
  printTable(
    ['', ...calls.map(({ name }) => name)],
    [
      ['all', ...calls.map(({ kinds }) => Object.values(kinds).reduce((a, b) => a + b, 0))],
      ...names.map((name) => [name, ...of(name)]),
    ].map((row) => row.map(String)),
  );
}

function printParts(parts) {
  console.log('\nthe library, warm: ms of its thread for one container');
  printTable(
    ['', 'ms'],
    parts.map(([name, ms]) => [name, ms.toFixed(2)]),
  );
}

await main(async () => {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '200' } } });
  if (!/^[1-9]\d*$/.test(values.rounds))
    throw new StepError(`--rounds takes a number from 1, not "${values.rounds}".`);
  const { calls, parts } = await measureInPlace(
    measure,
    [values.rounds],
    async (folder, cgroup) => {
      await makeBundle(folder, 'true', ['/bin/true'], `/${cgroup}/true`);
      makeTargets(folder);
      compileFloor(folder);
    },
  );
  printMachine(machine());
  printParts(parts);
  if (calls.length > 0) printCalls(calls);
});
