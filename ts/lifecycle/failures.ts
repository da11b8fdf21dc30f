/** Turns what init reports into the sentence and the facts that callers get. */
import { getSystemErrorMap } from 'node:util';
import { TsruncError } from '../errors.js';
import type { InitFailure } from '../native/messages.js';
import type { ExitStatus } from '../native/native.js';
import { operationNames } from '../native/operation-encoder.js';
import type { Operation, Program } from '../plan/operations.js';
import { rlimitTypes } from '../spec/names.js';

/** The name and the words of an errno. */
export function describeErrno(errno: number): { code: string; text: string } {
  const [code, text] = getSystemErrorMap().get(-errno) ?? [`E${errno}`, `error ${errno}`];
  return { code, text };
}

/** What an operation was about, in the words of the field. */
function describe(operation: Operation | undefined, name: string, path: string): string {
  switch (operation?.op) {
    case 'mount':
      return `mount "${operation.type}" on "${operation.target}"`;
    case 'openFileSystem':
      return `make file system "${operation.type}"`;
    case 'makeUserNamespace':
      return 'make the user namespace of a mount whose ids are mapped';
    case 'createTimeNamespace':
      return `set the clocks of the time namespace (${operation.offsets.trim().replaceAll('\n', ', ')})`;
    case 'bindMount':
      return `bind mount "${operation.source}" on "${operation.target}"`;
    case 'makeNode':
    case 'openNode':
    case 'bindNode':
      return `make device "${operation.path}"`;
    case 'setHostname':
      return `set hostname "${operation.name}"`;
    case 'setDomainname':
      return `set domainname "${operation.name}"`;
    case 'writeSysctl':
      return `write sysctl "${operation.name}" = "${operation.value}"`;
    case 'setUser':
      return `become user ${operation.uid}:${operation.gid}`;
    case 'setRlimit':
      return `set ${rlimitTypes[operation.resource]} to ${operation.soft}:${operation.hard}`;
    case 'raiseRlimit':
      return `raise the hard limit ${rlimitTypes[operation.resource]} to ${operation.hard}`;
    case 'setScheduler':
      return 'set process.scheduler';
    case 'setNice':
      return `set process.scheduler.nice to ${operation.value}`;
    case 'setIoPriority':
      return 'set process.ioPriority';
    case 'setMemoryPolicy':
      return 'set linux.memoryPolicy';
    case 'setPersonality':
      return 'set linux.personality';
    case 'setOomScoreAdj':
      return `set process.oomScoreAdj to ${operation.value}`;
    case 'writeAttribute':
      return `label the process "${operation.value}"`;
    case 'changeDirectory':
    case 'makeWorkingDirectory':
      return `enter working directory "${operation.path}"`;
    case 'clone':
      return 'make the namespaces';
    default: {
      const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
      return path === '' ? words : `${words} "${path}"`;
    }
  }
}

/** What to do about the errors that people run into. */
function hint(name: string, errno: string, syscall: string): string {
  if (syscall === 'mount_setattr' && /^open(Source|FileSystem)$/.test(name))
    return idMapHint(errno);
  if (name === 'createTimeNamespace' && errno === 'ERANGE')
    return ' (a clock can neither go below zero nor further than 146 years)';
  if (name === 'openTimeOffsets' && errno === 'ENOENT')
    return ' (this kernel has no time namespaces)';
  if (errno === 'EPERM' && (name === 'mount' || name === 'clone' || name === 'makeNode')) {
    return ' (run as root, or give the container a user namespace)';
  }
  if (errno === 'ENODEV' && (name === 'mount' || name === 'openFileSystem'))
    return ' (this kernel has no such file system)';
  if (errno === 'EPERM' && (name === 'setRlimit' || name === 'raiseRlimit'))
    return ' (raising a hard limit needs CAP_SYS_RESOURCE)';
  if (errno === 'EPERM' && (name === 'setScheduler' || name === 'setNice'))
    return ' (this needs CAP_SYS_NICE outside of any user namespace; real-time policies in a cgroup of the v1 cpu controller also need linux.resources.cpu.realtimeRuntime, SCHED_DEADLINE all CPUs)';
  if (errno === 'EPERM' && name === 'setIoPriority')
    return ' (the real-time class needs CAP_SYS_NICE or CAP_SYS_ADMIN outside of any user namespace)';
  if (errno === 'ENOTSUP' && name === 'setScheduler')
    return ' (this kernel is built without utilization clamping)';
  if (errno === 'EINVAL' && name === 'setMemoryPolicy')
    return " (does this kernel know the mode and its flags, and are the nodes there and among the cgroup's cpuset.mems?)";
  if (errno === 'EACCES' && name === 'setOomScoreAdj')
    return " (a value below the caller's own needs CAP_SYS_RESOURCE)";
  if (errno === 'ENOENT' && name === 'writeAttribute') return ' (is such a profile loaded?)';
  if (errno === 'EINVAL' && name === 'writeAttribute')
    return ' (does the loaded policy know such a label?)';
  if (errno === 'ENOSPC' && /^(clone|(make|create)UserNamespace)$/.test(name))
    return ' (see /proc/sys/user/max_*_namespaces)';
  return '';
}

function idMapHint(errno: string): string {
  if (errno === 'EINVAL')
    return " (this kernel can't map the ids of this kind of file system, or with ridmap of one that is mounted below)";
  return errno === 'EPERM'
    ? " (the ids of this mount are mapped already, or its file system is another user namespace's)"
    : '';
}

/** The error for a Program that failed. `program` gives the words; without it the operation's name has to do. */
export function initError(failure: InitFailure, stage: string, program?: Program): TsruncError {
  const name = operationNames()[failure.code] || 'init';
  const { code, text } = describeErrno(failure.errno);
  const facts = {
    // A hook's timeout comes with an errno, and is a failure of the hook like any other.
    code: name === 'runHook' ? 'HOOK_FAILED' : failure.errno === 0 ? 'INIT_FAILED' : code,
    stage,
    ...(failure.errno === 0 ? {} : { errno: failure.errno }),
    ...(failure.syscall === '' ? {} : { syscall: failure.syscall }),
    ...(failure.path === '' ? {} : { path: failure.path }),
  };
  if (name === 'runHook')
    return new TsruncError(`${failure.path}: ${failure.detail || text}`, facts);
  if (failure.syscall === 'exec')
    return new TsruncError(executableSentence(failure.path, code, text), facts);
  // Before it was init, or before its first operation.
  if (failure.code === 0 && failure.errno !== 0 && failure.detail !== '')
    return new TsruncError(`${failure.detail}: ${text} (${failure.syscall})`, facts);
  const operation =
    program && [...program.stage, ...program.create, ...program.start][failure.index];
  const subject = describe(operation, name, failure.path);
  const elsewhere =
    operation !== undefined && failure.path !== '' && !subject.includes(`"${failure.path}"`);
  const where = elsewhere ? ` (${failure.syscall} "${failure.path}")` : '';
  const reason =
    failure.errno === 0 ? failure.detail : `${text}${failure.detail && ` (${failure.detail})`}`;
  return new TsruncError(
    `${subject}: ${reason}${where}${hint(name, code, failure.syscall)}`,
    facts,
  );
}

/** Docker, Podman and others look for these very words, and take their exit codes from them. */
function executableSentence(program: string, code: string, text: string): string {
  if (program.includes('/')) return `exec ${program}: ${text}`;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return `exec: "${program}": executable file not found in $PATH`;
  return `exec: "${program}": ${text}`;
}

/** runtime.md, "Start": only creating a container is possible without `process`. */
export function nothingToStart(id: string): TsruncError {
  return new TsruncError(
    `cannot start "${id}": config.json has no process: name the program to run in process.args`,
    { code: 'INVALID_CONFIG', stage: 'start' },
  );
}

/** init ended without a word. How, only its parent knows. */
export function silentEnd(status: ExitStatus | undefined, stage: string): TsruncError {
  const how =
    status === undefined
      ? 'ended'
      : status.signal === undefined
        ? `exited with status ${status.code}`
        : `was ended by signal ${status.signal}`;
  const before = status === undefined ? 'before it ran its program' : 'before it was set up';
  const guess =
    status === undefined || status.signal === 9
      ? ': did its memory limit leave no room for it, or did somebody kill it?'
      : '';
  return new TsruncError(`the container's init ${how} ${before}${guess}`, {
    code: 'INIT_FAILED',
    stage,
  });
}
