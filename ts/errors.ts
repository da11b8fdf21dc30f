/**
 * What kind of failure this is. Failures of a system call carry the errno's name
 * (`EPERM`, `ENOENT`, …) as Node's own errors do; everything that tsrunc itself
 * refuses has one of these.
 */
export type ErrorCode =
  /** config.json breaks the specification. */
  | 'INVALID_CONFIG'
  /** A command line, an option or an argument of a library call is wrong. */
  | 'INVALID_ARGUMENT'
  /** The configuration is legal, but this version or this host can't carry it out. */
  | 'UNSUPPORTED'
  | 'CONTAINER_NOT_FOUND'
  | 'CONTAINER_EXISTS'
  /** The container is not in a state in which this is allowed. */
  | 'INVALID_STATE'
  | 'CONTAINER_NOT_RUNNING'
  | 'HOOK_FAILED'
  /** The init process broke off, or said something that it must not say. */
  | 'INIT_FAILED'
  /** The caller's AbortSignal fired. */
  | 'ABORTED'
  | (string & {});

export interface ErrorFacts {
  readonly code: ErrorCode;
  /** The errno as a positive number, when a system call failed. */
  readonly errno?: number;
  readonly syscall?: string;
  readonly path?: string;
  /** Where in the container's life it happened: `config`, `state`, `cgroup`, `stage`, `create`, `start`, `hooks` … */
  readonly stage?: string;
  readonly cause?: unknown;
}

/** Every failure that tsrunc reports. `message` is one sentence: what failed, on what, why, what to do. */
export class TsruncError extends Error {
  override readonly name = 'TsruncError';
  readonly code: ErrorCode;
  declare readonly errno?: number;
  declare readonly syscall?: string;
  declare readonly path?: string;
  declare readonly stage?: string;

  constructor(message: string, facts: ErrorFacts) {
    super(oneLine(message), facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = facts.code;
    if (facts.errno !== undefined) this.errno = facts.errno;
    if (facts.syscall !== undefined) this.syscall = facts.syscall;
    if (facts.path !== undefined) this.path = facts.path;
    if (facts.stage !== undefined) this.stage = facts.stage;
  }
}

/** A name that a message has from an image or a file neither begins another line of a log nor moves a terminal's cursor. */
function oneLine(message: string): string {
  return message.replace(/\p{Cc}/gu, (character) =>
    character === '\n' ? '\\n' : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** What Node's `fs` and the addon throw when a system call fails. */
export interface SystemError extends Error {
  readonly code: string;
  /** Node gives it negated, the addon too: one convention. */
  readonly errno: number;
  readonly syscall: string;
  readonly path?: string;
}

export function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && 'code' in error && 'errno' in error;
}
