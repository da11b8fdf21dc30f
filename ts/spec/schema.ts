/**
 * The pieces that a shape is put together from. Each is a function that looks at one value and reports what
 * is wrong with it; there is nothing to compile at the start.
 */
import type { Violation } from './violation.js';

export type Report = (path: string, message: string) => void;

/** Looks at the value of the property at `path`. */
export type Check = (value: unknown, path: string, report: Report) => void;

/** All that is wrong with a value. */
export function findViolations(check: Check, value: unknown): Violation[] {
  const violations: Violation[] = [];
  check(value, '', (path, message) => violations.push({ path, message }));
  return violations;
}

/** How a value looks in a message. */
export function show(value: unknown): string {
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** A string. The kernel ends strings at a NUL, so what follows one would be lost unseen. */
export const text: Check = (value, path, report) => {
  if (typeof value !== 'string') report(path, `must be a string, is ${show(value)}`);
  else if (value.includes('\0')) report(path, 'must not contain a NUL character');
};

export const filled: Check = (value, path, report) => {
  text(value, path, report);
  if (value === '') report(path, 'must not be empty');
};

export const absolutePath: Check = (value, path, report) => {
  text(value, path, report);
  if (typeof value === 'string' && !value.startsWith('/'))
    report(path, `must be an absolute path, is ${show(value)}`);
};

export const flag: Check = (value, path, report) => {
  if (typeof value !== 'boolean') report(path, `must be true or false, is ${show(value)}`);
};

/** A whole number from `least` to `most`. */
export function integer(least: number | bigint, most: number | bigint): Check {
  return (value, path, report) => {
    const number = typeof value === 'number' || typeof value === 'bigint';
    if (number && (value < least || value > most)) {
      report(path, `must be from ${least} to ${most}, is ${show(value)}`);
    } else if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) {
      // 1e18, say: a double that many whole numbers are rounded to.
      const rounded = Number.isInteger(value) ? ' written in digits' : '';
      report(path, `must be a whole number${rounded}, is ${show(value)}`);
    }
  };
}

export const uint16 = integer(0, 0xffff);
export const uint32 = integer(0, 0xffff_ffff);
export const int32 = integer(-0x8000_0000, 0x7fff_ffff);
/** A user or group: the last number means "none" to the kernel. */
export const id = integer(0, 0xffff_fffe);
export const uint64 = integer(0, 0xffff_ffff_ffff_ffffn);
export const int64 = integer(-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn);

export function oneOf(names: readonly string[]): Check {
  return (value, path, report) => {
    if (typeof value === 'string' && names.includes(value)) return;
    report(path, `must be one of ${names.join(', ')}, is ${show(value)}`);
  };
}

/** A check of what few configurations have: it is put together when one has it. */
export function later(make: () => Check): Check {
  let made: Check | undefined;
  return (value, path, report) => {
    made ??= make();
    made(value, path, report);
  };
}

/** A string of a form; `expected` completes "must be …". */
export function matching(form: RegExp, expected: string): Check {
  return (value, path, report) => {
    text(value, path, report);
    if (typeof value === 'string' && !form.test(value))
      report(path, `must be ${expected}, is ${show(value)}`);
  };
}

export function list(item: Check): Check {
  return (value, path, report) => {
    if (!Array.isArray(value)) return report(path, `must be an array, is ${show(value)}`);
    for (const [index, element] of value.entries()) item(element, `${path}[${index}]`, report);
  };
}

/** An object whose keys are the user's, and must pass `key`. */
export function map(item: Check, key: Check = text): Check {
  return (value, path, report) => {
    if (!isObject(value)) return report(path, `must be an object, is ${show(value)}`);
    for (const [name, element] of Object.entries(value)) {
      const at = `${path}[${JSON.stringify(name)}]`;
      key(name, at, (where, message) => report(where, `its name ${message}`));
      item(element, at, report);
    }
  };
}

/**
 * An object with these properties, of which `required` must be there. Others are ignored, as the
 * specification demands ("Extensibility"). A null stands for a property that isn't there: it is taken out.
 */
export function record(
  properties: Readonly<Record<string, Check>>,
  ...required: readonly string[]
): Check {
  return (value, path, report) => {
    if (!isObject(value)) return report(path, `must be an object, is ${show(value)}`);
    const prefix = path === '' ? '' : `${path}.`;
    for (const name in properties) {
      const property = Object.hasOwn(value, name) ? value[name] : undefined;
      if (property === null) delete value[name];
      if (property !== undefined && property !== null)
        (properties[name] as Check)(property, prefix + name, report);
      else if (required.includes(name)) report(prefix + name, 'is required');
    }
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
