import { TsruncError } from '../errors.js';
import { noProcess } from '../spec/no-process.js';
import { parseProcess } from '../spec/parse.js';
import type { Process, Spec } from '../spec/types.js';
import type { ExecOptions } from './options.js';

/** The process that `exec` is to start: one given whole, or the container's own with other arguments and changes. */
export function execProcessOf(spec: Spec, options: ExecOptions): Process {
  const process =
    options.process === undefined
      ? derive(spec.process ?? noProcess, options)
      : { ...options.process };
  return parseProcess(process);
}

function derive(base: Process, options: ExecOptions): Process {
  const {
    args,
    cwd,
    env = [],
    terminal = false,
    user,
    additionalGids = [],
    capabilities = [],
  } = options;
  if (args === undefined || args.length === 0) {
    throw new TsruncError('exec needs a command to run, or a process', {
      code: 'INVALID_ARGUMENT',
      stage: 'exec',
    });
  }
  return {
    ...base,
    args: [...args],
    terminal,
    cwd: cwd ?? base.cwd,
    env: [...(base.env ?? []), ...env],
    user: {
      ...base.user,
      ...user,
      additionalGids: [...(base.user.additionalGids ?? []), ...additionalGids],
    },
    // Only ever more: what the container promised of its processes holds for this one too.
    noNewPrivileges: base.noNewPrivileges === true || options.noNewPrivileges === true,
    capabilities: withCapabilities(base.capabilities ?? {}, capabilities),
    ...(options.apparmorProfile === undefined ? {} : { apparmorProfile: options.apparmorProfile }),
    ...(options.selinuxLabel === undefined ? {} : { selinuxLabel: options.selinuxLabel }),
  };
}

/** Not in the inheritable set: what is there survives the exec of any program (CVE-2022-29162). */
function withCapabilities(
  base: NonNullable<Process['capabilities']>,
  more: readonly string[],
): NonNullable<Process['capabilities']> {
  const add = (set: readonly string[] = []): string[] => [...new Set([...set, ...more])];
  return {
    ...base,
    bounding: add(base.bounding),
    effective: add(base.effective),
    permitted: add(base.permitted),
  };
}
