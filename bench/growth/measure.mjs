/** growth/measure.mjs FOLDER CGROUP RESULT OPTIONS: measures the parts that OPTIONS names, and writes them to RESULT. */
import { writeFileSync } from 'node:fs';
import { callers } from '../calls.mjs';
import { measureConcurrency } from './concurrency.mjs';
import { measureCrowds } from './crowds.mjs';
import { measureMemoryLimits } from './memory-limits.mjs';
import { measureMounts } from './mounts.mjs';

const [folder = '', cgroup = '', result = '', given = ''] = process.argv.slice(2);
const options = JSON.parse(given);
const place = { folder, cgroup, ...callers(folder) };
const parts = [
  { names: ['mounts'], measure: measureMounts },
  // The list of 1,000 containers is taken of those that were made one by one.
  { names: ['live', 'list'], measure: measureCrowds },
  { names: ['memory'], measure: measureMemoryLimits },
  { names: ['concurrency'], measure: measureConcurrency },
];

const results = {};
for (const { names, measure } of parts) {
  const asked = names.filter((name) => options.only.includes(name));
  if (asked.length === 0) continue;
  try {
    Object.assign(results, await measure(place, options));
  } catch (error) {
    console.error(`${asked.join(', ')}: left out: ${error.message}.`);
  }
}
writeFileSync(result, JSON.stringify(results));
