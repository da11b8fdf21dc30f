import { TsruncError } from '../../errors.js';
import { ACCESS, ALL_ACCESS, type DeviceRule } from '../device-rules.js';
import type { Limit } from '../limits.js';

/** An entry of the kernel's list: what differs from the general rule. */
interface Exception {
  readonly type: 'c' | 'b';
  readonly major: number | undefined;
  readonly minor: number | undefined;
  access: number;
}

/**
 * The writes to devices.allow and devices.deny that make the kernel judge as `rules` do.
 *
 * The devices controller of cgroup v1 doesn't keep rules: it has one general answer, which a rule for all devices
 * sets, and a list of exceptions. A rule that goes against an exception only takes it back when type and numbers
 * are exactly the same; else the kernel says yes to the write and does nothing. So the list is worked out here,
 * and a rule that the kernel would ignore (deny c 10:200 after allow c 10:*) is an error.
 *
 * @throws TsruncError UNSUPPORTED for such a rule
 */
export function deviceLimits(rules: readonly DeviceRule[]): Limit[] {
  let general: boolean | undefined;
  let exceptions: Exception[] = [];
  for (const [index, rule] of rules.entries()) {
    if (isForAll(rule)) {
      general = rule.allow;
      exceptions = [];
      continue;
    }
    // A new cgroup begins with what its parent allows, usually everything.
    const isException = rule.allow !== (general ?? true);
    for (const type of rule.type === 'a' ? (['c', 'b'] as const) : [rule.type]) {
      if (isException) addException(exceptions, { ...rule, type });
      else takeBack(exceptions, { ...rule, type }, index);
    }
  }

  const list = (allow: boolean, value: string): Limit => ({
    name: 'devices',
    file: allow ? 'devices.allow' : 'devices.deny',
    value,
  });
  return [
    ...(general === undefined ? [] : [list(general, 'a')]),
    ...exceptions
      .filter(({ access }) => access !== 0)
      .map((exception) => list(!(general ?? true), format(exception))),
  ];
}

function isForAll({ type, major, minor, access }: DeviceRule): boolean {
  return type === 'a' && major === undefined && minor === undefined && access === ALL_ACCESS;
}

function addException(exceptions: Exception[], { type, major, minor, access }: Exception): void {
  const same = exceptions.find(
    (each) => each.type === type && each.major === major && each.minor === minor,
  );
  if (same === undefined) exceptions.push({ type, major, minor, access });
  else same.access |= access;
}

function takeBack(exceptions: readonly Exception[], rule: Exception, index: number): void {
  for (const exception of exceptions) {
    if (exception.type !== rule.type || (exception.access & rule.access) === 0) continue;
    if (!overlap(exception.major, rule.major) || !overlap(exception.minor, rule.minor)) continue;
    if (!covers(rule.major, exception.major) || !covers(rule.minor, exception.minor)) {
      throw new TsruncError(
        `linux.resources.devices[${index}] (${format(rule)}) can't be applied: it makes an exception from an earlier rule (${format(exception)}), which cgroup v1 can't express: name the devices of the earlier rule one by one, or use cgroup v2`,
        { code: 'UNSUPPORTED', stage: 'cgroup' },
      );
    }
    exception.access &= ~rule.access;
  }
}

function overlap(one: number | undefined, other: number | undefined): boolean {
  return one === undefined || other === undefined || one === other;
}

function covers(wide: number | undefined, narrow: number | undefined): boolean {
  return wide === undefined || wide === narrow;
}

/** As the kernel reads it: `c 1:3 rwm`. */
function format({ type, major, minor, access }: Exception): string {
  const letters = (['r', 'w', 'm'] as const)
    .filter((letter) => (access & ACCESS[letter]) !== 0)
    .join('');
  return `${type} ${major ?? '*'}:${minor ?? '*'} ${letters}`;
}
