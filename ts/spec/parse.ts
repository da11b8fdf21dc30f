import { TsruncError } from '../errors.js';
import { parseExactJson } from './json.js';
import { checkLinux } from './rules/linux.js';
import { checkMemoryPolicy } from './rules/memory-policy.js';
import { checkMounts } from './rules/mounts.js';
import { checkOneProcess, checkProcess } from './rules/process.js';
import { checkResources } from './rules/resources.js';
import { checkSeccomp } from './rules/seccomp.js';
import { checkVersion } from './rules/version.js';
import { findViolations } from './schema.js';
import { processShape, resourcesShape, shape } from './shape.js';
import type { LinuxResources, Process, Spec } from './types.js';
import type { Violation } from './violation.js';

const rules = [
  checkVersion,
  checkProcess,
  checkMounts,
  checkLinux,
  checkMemoryPolicy,
  checkSeccomp,
  checkResources,
];

/**
 * Every way in which a value breaks the specification: of the types first; of the rules that connect
 * properties only when all the types are right. Nulls are taken out of `value`.
 */
export function validateSpec(value: unknown): Violation[] {
  const violations = findViolations(shape, value);
  if (violations.length > 0) return violations;
  const spec = value as Spec;
  for (const rule of rules) rule(spec, (path, message) => violations.push({ path, message }));
  return violations;
}

/** The configuration in the text of a config.json. Throws INVALID_CONFIG with all that is wrong, each with its path. */
export function parseSpec(text: string): Spec {
  const value = parseJson(text);
  const violations = validateSpec(value);
  if (violations.length === 0) return value as Spec;
  throw invalid(
    violations
      .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
      .join('; '),
  );
}

/** A process that comes by itself, for `exec`; `value` is checked. Throws INVALID_CONFIG with all that is wrong. */
export function parseProcess(value: unknown): Process {
  const violations: Violation[] = [];
  const report = (path: string, message: string): void => void violations.push({ path, message });
  processShape(value, 'process', report);
  if (violations.length === 0) checkOneProcess(value as Process, report);
  if (violations.length === 0) return value as Process;
  throw new TsruncError(violations.map(({ path, message }) => `${path}: ${message}`).join('; '), {
    code: 'INVALID_CONFIG',
    stage: 'exec',
  });
}

/** Limits that come by themselves, for `update`; `value` is checked. Throws INVALID_CONFIG with all that is wrong. */
export function parseResources(value: unknown): LinuxResources {
  const violations: Violation[] = [];
  const report = (path: string, message: string): void => void violations.push({ path, message });
  const resources = value as LinuxResources;
  resourcesShape(value, 'resources', report);
  if (violations.length === 0) checkResources({ ociVersion: '', linux: { resources } }, report);
  if (violations.length === 0) return resources;
  throw new TsruncError(violations.map(({ path, message }) => `${path}: ${message}`).join('; '), {
    code: 'INVALID_CONFIG',
    stage: 'update',
  });
}

function parseJson(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch (error) {
    const why = error instanceof RangeError ? 'it is nested too deeply' : (error as Error).message;
    throw invalid(`this is not JSON: ${why.replace(/\s+/g, ' ')}`);
  }
}

function invalid(reason: string): TsruncError {
  return new TsruncError(`config.json: ${reason}`, { code: 'INVALID_CONFIG', stage: 'config' });
}
