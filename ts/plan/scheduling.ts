import { TsruncError } from '../errors.js';
import { ioPriorityClasses, type schedulerFlags, type schedulerPolicies } from '../spec/names.js';
import type { LinuxIOPriority, Process, Scheduler } from '../spec/types.js';
import type { Namespaces } from './namespaces.js';
import type { Operation } from './operations.js';
import type { PlanRequest } from './request.js';

/** SCHED_* of linux/sched.h. The number of SCHED_ISO is reserved, and no kernel has ever had it. */
const policies: Readonly<Record<(typeof schedulerPolicies)[number], number | undefined>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: undefined,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};

const flagBits: Readonly<Record<(typeof schedulerFlags)[number], bigint>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01n,
  SCHED_FLAG_RECLAIM: 0x02n,
  SCHED_FLAG_DL_OVERRUN: 0x04n,
  SCHED_FLAG_KEEP_POLICY: 0x08n,
  SCHED_FLAG_KEEP_PARAMS: 0x10n,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20n,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40n,
};

/** IOPRIO_CLASS_* begin with 1, and lie above the level. */
const IOPRIO_CLASS_SHIFT = 13;

interface Scheduling {
  /** Done by the stage, and inherited by the container. */
  readonly early: readonly Operation[];
  /** Done after `start`. */
  readonly late: readonly Operation[];
}

/**
 * The scheduler and the I/O priority. They are properties of the process and so wait for `start`. What needs
 * CAP_SYS_NICE the kernel grants in the first user namespace only: with another one it is done before that is
 * entered, unless a child wouldn't inherit it.
 */
export function planScheduling(
  { scheduler, ioPriority }: Process,
  { host }: PlanRequest,
  namespaces: Namespaces,
): Scheduling {
  const losesPrivilege = host.privileged && namespaces.has('user');
  const early: Operation[] = [];
  const late: Operation[] = [];
  if (scheduler) {
    const soon = losesPrivilege && isPrivileged(scheduler) && isInherited(scheduler);
    (soon ? early : late).push(...schedule(scheduler));
  }
  if (ioPriority) {
    const soon = losesPrivilege && ioPriority.class === 'IOPRIO_CLASS_RT';
    (soon ? early : late).push(setIoPriority(ioPriority));
  }
  return { early, late };
}

/** The niceness is a parameter of these policies; the kernel ignores it with the others. */
const fair = ['SCHED_OTHER', 'SCHED_BATCH'];

function isPrivileged({ policy, nice = 0 }: Scheduler): boolean {
  return nice < 0 || !(fair.includes(policy) || policy === 'SCHED_IDLE');
}

function isInherited({ policy, flags = [] }: Scheduler): boolean {
  return policy !== 'SCHED_DEADLINE' && !flags.includes('SCHED_FLAG_RESET_ON_FORK');
}

function schedule(scheduler: Scheduler): Operation[] {
  const { nice = 0, priority = 0, flags = [], runtime = 0, deadline = 0, period = 0 } = scheduler;
  const policy = policies[scheduler.policy as keyof typeof policies];
  if (policy === undefined) {
    throw new TsruncError(
      `config.json: process.scheduler.policy: no Linux kernel implements ${scheduler.policy}: choose another one`,
      { code: 'UNSUPPORTED', stage: 'config' },
    );
  }
  const operations: Operation[] = [];
  // It counts again when the process returns to one of the policies that have it.
  if (nice !== 0 && !fair.includes(scheduler.policy))
    operations.push({ op: 'setNice', value: nice });
  operations.push({
    op: 'setScheduler',
    policy,
    flags: flags.reduce((bits, flag) => bits | flagBits[flag as keyof typeof flagBits], 0n),
    nice,
    priority,
    runtime: BigInt(runtime),
    deadline: BigInt(deadline),
    period: BigInt(period),
  });
  return operations;
}

function setIoPriority({ class: name, priority }: LinuxIOPriority): Operation {
  const number = ioPriorityClasses.indexOf(name as (typeof ioPriorityClasses)[number]) + 1;
  return { op: 'setIoPriority', priority: (number << IOPRIO_CLASS_SHIFT) | priority };
}
