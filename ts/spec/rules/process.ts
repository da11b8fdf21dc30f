import { type Report, show } from '../schema.js';
import type { Process, Spec } from '../types.js';
import { checkScheduler } from './scheduler.js';

/** NGROUPS_MAX of the kernel. */
const MOST_GROUPS = 65536;

/** config.md, "Root" and "Process". */
export function checkProcess({ root, process }: Spec, report: Report): void {
  if (root === undefined) report('root', 'is required on Linux');
  if (process !== undefined) checkOneProcess(process, report);
}

/** The same of a process that comes without a container, for `exec`. */
export function checkOneProcess(process: Process, report: Report): void {
  if ((process.args ?? []).length === 0) report('process.args', 'must name the program to run');
  else if (process.args?.[0] === '') report('process.args[0]', 'must not be empty');
  for (const [index, variable] of (process.env ?? []).entries()) {
    if (variable.indexOf('=') < 1)
      report(`process.env[${index}]`, `must have the form NAME=value, is ${show(variable)}`);
  }
  const seen = new Set<string>();
  for (const [index, { type, soft, hard }] of (process.rlimits ?? []).entries()) {
    const path = `process.rlimits[${index}]`;
    if (seen.has(type)) report(`${path}.type`, `${type} is there twice`);
    seen.add(type);
    if (soft > hard) report(`${path}.soft`, `must not be above the hard limit ${hard}, is ${soft}`);
  }
  const groups = process.user.additionalGids?.length ?? 0;
  if (groups > MOST_GROUPS) {
    report(
      'process.user.additionalGids',
      `must not have more than ${MOST_GROUPS} entries, has ${groups}`,
    );
  }
  if (process.scheduler) checkScheduler(process.scheduler, report);
}
