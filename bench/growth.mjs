/**
 * `npm run bench:growth`: what becomes slower when there is more of it, tsrunc beside crun and runc. Needs root and a
 * build; in full it takes ten minutes and more.
 *
 * - `-- --only mounts,live,list,memory,concurrency`: these parts alone
 * - `-- --rounds 20`: of how many measurements each median is
 * - `-- --mounts 10000`: how many there are, a multiple of 100
 * - `-- --containers 1000`: how many live ones
 * - `-- --runs 200`: how many containers for a rate
 * - `-- --json`
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { main, StepError } from '../scripts/steps.mjs';
import { printGrowth } from './growth/report.mjs';
import { machine } from './machine.mjs';
import { measureInPlace } from './place.mjs';

const PARTS = ['mounts', 'live', 'list', 'memory', 'concurrency'];
const measure = fileURLToPath(new URL('./growth/measure.mjs', import.meta.url));

function options() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: PARTS.join() },
      rounds: { type: 'string', default: '20' },
      mounts: { type: 'string', default: '10000' },
      containers: { type: 'string', default: '1000' },
      runs: { type: 'string', default: '200' },
      json: { type: 'boolean', default: false },
    },
  });
  const number = (name, step) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= step && value % step === 0) return value;
    const wanted = step === 1 ? 'a number from 1' : `a multiple of ${step}`;
    throw new StepError(`--${name} takes ${wanted}, not "${values[name]}".`);
  };
  const only = values.only.split(',');
  const unknown = only.find((part) => !PARTS.includes(part));
  if (unknown !== undefined)
    throw new StepError(`--only takes some of ${PARTS.join()}, not "${unknown}".`);
  return {
    json: values.json,
    only,
    rounds: number('rounds', 1),
    mounts: number('mounts', 100),
    containers: number('containers', 10),
    runs: number('runs', 1),
  };
}

await main(async () => {
  const { json, ...wanted } = options();
  const results = await measureInPlace(measure, [JSON.stringify(wanted)], () => {});
  if (json) console.log(JSON.stringify({ machine: machine(), ...wanted, ...results }, null, 2));
  else printGrowth(results, machine(), wanted);
});
