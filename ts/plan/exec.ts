import { MOST_CPUS, parseNumberList } from '../spec/number-list.js';
import type { Process } from '../spec/types.js';
import { awaitCgroup } from './cgroup-join.js';
import { planExecutionDomain } from './execution-domain.js';
import { CLONE_FLAGS } from './kernel.js';
import { labelProgram, requireLabels } from './labels.js';
import { becomeContainerRoot, type Namespaces, readNamespaces } from './namespaces.js';
import type { Operation, Program } from './operations.js';
import { planConsole, planSession } from './plan.js';
import { becomeProgram, checkProgram, raiseLimits } from './process.js';
import type { PlanRequest, Warn } from './request.js';
import { planScheduling } from './scheduling.js';

/** What another process in a container is planned from. */
export interface ExecRequest extends PlanRequest {
  /** The first process, as the host numbers it. */
  readonly pid: number;
}

/**
 * Compiles the start of another process in a container that is there: `spec` is the container's, with `process`
 * being the new one's. Pure, as `plan` is.
 */
export function planExec(request: ExecRequest, warn: Warn = () => {}): Program {
  const process = request.spec.process as Process;
  const namespaces = readNamespaces(request);
  requireLabels(process, request.host);
  return {
    stage: [...joinContainer(request, namespaces, process), { op: 'clone', flags: 0 }],
    create: [
      ...planSession(request, process),
      enterRoot(namespaces),
      // The container's /dev/console stays the first process's.
      ...planConsole(process, true),
      ...planExecutionDomain(request.spec.linux),
      ...checkProgram(process),
      ...labelProgram(process, request.host),
      { op: 'awaitStart', listen: false },
    ],
    start: becomeProgram(process, request, namespaces, warn),
  };
}

function joinContainer(
  request: ExecRequest,
  namespaces: Namespaces,
  process: Process,
): Operation[] {
  const operations: Operation[] = [{ op: 'openProc' }];
  if (process.oomScoreAdj !== undefined)
    operations.push({ op: 'setOomScoreAdj', value: process.oomScoreAdj });
  // config.md, "execCPUAffinity": first where it may run on its way, then, in the container's cgroup, for good.
  const { initial = '', final = '' } = process.execCPUAffinity ?? {};
  if (initial !== '') operations.push(setAffinity(initial));
  operations.push(...awaitCgroup(request));
  if (request.joinFiles.length > 0)
    operations.push({ op: 'joinCgroups', files: request.joinFiles });
  operations.push(setAffinity(final));
  // Before the container's processes can see this one (CVE-2016-9962).
  operations.push({ op: 'setDumpable', value: false });
  operations.push(
    ...planScheduling(process, request, namespaces).early,
    ...raiseLimits(process, request, namespaces),
  );
  // The container was chrooted there. Should the number be another process's by now, the join that follows
  // fails, for the pidfd is of the right one.
  if (!namespaces.created.has('mount')) operations.push({ op: 'takeRootOf', pid: request.pid });
  const types = [...namespaces.created, ...namespaces.joined.keys()];
  const flags = types.reduce((bits, type) => bits | CLONE_FLAGS[type], 0) >>> 0;
  if (flags !== 0) operations.push({ op: 'joinProcess', flags });
  if (namespaces.has('user')) operations.push(becomeContainerRoot(request, namespaces));
  return operations;
}

/** An empty list is all that the cgroup has, whatever the caller was confined to. */
function setAffinity(list: string): Operation {
  return { op: 'setAffinity', cpus: parseNumberList(list, MOST_CPUS) ?? [] };
}

function enterRoot({ created }: Namespaces): Operation {
  return created.has('mount') ? { op: 'adoptRoot' } : { op: 'changeRoot', method: 'chroot' };
}
