/**
 * `npm run bench`: tsrunc beside crun and runc, in one run and in turns, so that what the machine does
 * meanwhile hits all alike. `-- --rounds 30` (default 20), `-- --bundle spec` (what `tsrunc spec` writes; default
 * docker, what Docker asks for), `-- --json`. Needs root and a build.
 *
 * This process makes what is needed and takes it away again; the measuring is done by bench/measure.mjs in
 * namespaces of its own, with the cgroups that crun accepts (see view.mjs).
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { main, StepError } from '../scripts/steps.mjs';
import { makeBundle, origins } from './bundle.mjs';
import { compileFloor, makeTargets } from './floor.mjs';
import { machine } from './machine.mjs';
import { measureInPlace } from './place.mjs';
import { printReport } from './report.mjs';

const measure = fileURLToPath(new URL('./measure.mjs', import.meta.url));

function options() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '20' },
      bundle: { type: 'string', default: 'docker' },
      json: { type: 'boolean', default: false },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new StepError(`--rounds takes a number from 1, not "${values.rounds}".`);
  if (!origins.includes(values.bundle))
    throw new StepError(`--bundle takes ${origins.join(' or ')}, not "${values.bundle}".`);
  return { rounds, origin: values.bundle, json: values.json };
}

await main(async () => {
  const { rounds, origin, json } = options();
  const result = await measureInPlace(measure, [String(rounds)], async (folder, cgroup) => {
    await makeBundle(folder, 'true', ['/bin/true'], `/${cgroup}/true`, { origin });
    await makeBundle(folder, 'true-2', ['/bin/true'], `/${cgroup}/true-2`, { origin });
    await makeBundle(folder, 'sleep', ['/bin/sleep', '1000'], `/${cgroup}/sleep`, { origin });
    writeFileSync(join(folder, 'empty.js'), '');
    makeTargets(folder);
    // It does what Docker's bundle asks for.
    if (origin === 'docker') compileFloor(folder);
  });
  printReport(result, machine(), rounds, json);
});
