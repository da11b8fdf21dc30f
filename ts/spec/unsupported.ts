import type { Spec } from './types.js';
import type { Violation } from './violation.js';

/** What is legal and what this runtime doesn't do: it is refused, never ignored. */
export function findUnsupported(spec: Spec): Violation[] {
  // Another platform's part is ignored next to Linux's; alone it says that the container isn't one of Linux.
  if (spec.linux !== undefined) return [];
  const properties: Readonly<Record<string, unknown>> = { ...spec };
  return ['freebsd', 'solaris', 'vm', 'windows', 'zos']
    .filter((name) => properties[name] != null)
    .map((path) => ({ path, message: 'is not supported in this version of tsrunc' }));
}

/** Whether a part of a configuration wants anything: 0, false and what is empty (Docker writes many) don't. */
export function asksForSomething(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null)
    return Object.values(value).some(asksForSomething);
  return Boolean(value);
}
