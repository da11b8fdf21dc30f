import { type Report, show } from '../schema.js';
import type { Scheduler } from '../types.js';

/** What the kernel takes (sched(7)). */
const realTime = ['SCHED_FIFO', 'SCHED_RR'];
const LEAST_RUNTIME = 1024;

/** config.md, "scheduler": each policy has parameters of its own. */
export function checkScheduler(scheduler: Scheduler, report: Report): void {
  const path = 'process.scheduler';
  const { policy, priority = 0 } = scheduler;
  if (realTime.includes(policy)) {
    if (priority < 1 || priority > 99)
      report(`${path}.priority`, `must be from 1 to 99 for ${policy}, is ${priority}`);
  } else if (priority !== 0) {
    report(`${path}.priority`, `is only for ${realTime.join(' and ')}`);
  }
  if (policy === 'SCHED_DEADLINE') checkDeadline(scheduler, path, report);
  else {
    for (const name of ['runtime', 'deadline', 'period'] as const) {
      if (scheduler[name]) report(`${path}.${name}`, 'is only for SCHED_DEADLINE');
    }
  }
}

function checkDeadline(
  { runtime = 0, deadline = 0, period = 0 }: Scheduler,
  path: string,
  report: Report,
): void {
  if (runtime < LEAST_RUNTIME)
    report(`${path}.runtime`, `must be at least ${LEAST_RUNTIME} nanoseconds, is ${show(runtime)}`);
  if (deadline < runtime || Number(deadline) === 0)
    report(`${path}.deadline`, `must not be below the runtime ${runtime}, is ${show(deadline)}`);
  // 0 stands for the deadline.
  if (Number(period) !== 0 && period < deadline)
    report(`${path}.period`, `must not be below the deadline ${deadline}, is ${show(period)}`);
}
