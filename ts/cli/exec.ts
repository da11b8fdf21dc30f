import { readFileSync } from 'node:fs';
import { runInForeground } from '../console/foreground.js';
import { interruptible } from '../console/interrupt.js';
import { callersWindowSize } from '../console/window-size.js';
import { isSystemError, TsruncError } from '../errors.js';
import type { ExecOptions } from '../lifecycle/options.js';
import { parseExactJson } from '../spec/json.js';
import type { Process } from '../spec/types.js';
import type { Action, Call, CommandFlags } from './commands.js';
import { exitCode } from './exit.js';
import { activation, openRuntime } from './open-runtime.js';

type Flags = CommandFlags<'exec'>;

export const action: Action<'exec'> = async (call) => {
  const { flags, caller } = call;
  const { native, signals } = caller;
  const [id, ...args] = call.operands as readonly [string, ...string[]];
  const runtime = openRuntime(call);
  const options = { ...execOptions(flags, args), ...commonOptions(call) };
  const terminal = options.process?.terminal ?? options.terminal ?? false;
  if (flags.detach) {
    if (terminal && options.consoleSocket === undefined) {
      throw invalid(
        'the process wants a terminal: name the socket that takes it with --console-socket, or leave --detach out',
      );
    }
    await interruptible(signals, (signal) => runtime.exec(id, { ...options, signal }));
    return 0;
  }
  if (options.consoleSocket !== undefined) {
    throw invalid(
      "--console-socket needs --detach: in the foreground the terminal is the caller's own",
    );
  }
  if (terminal) caller.alone('the terminal');
  const windowSize = terminal ? callersWindowSize(native) : undefined;
  const sized = windowSize === undefined ? {} : { windowSize };
  return exitCode(
    await runInForeground(native, (signal) => runtime.exec(id, { ...options, ...sized, signal }), {
      signals,
      running: (pid) => caller.running(pid, []),
    }),
  );
};

function commonOptions({ flags, caller }: Call<'exec'>): ExecOptions {
  return {
    preserveFds: flags['preserve-fds'],
    ...activation(caller),
    cgroup: flags.cgroup,
    ignorePaused: flags['ignore-paused'],
    ...given('pidFile', flags['pid-file']),
    ...given('consoleSocket', flags['console-socket']),
    ...given('pidfdSocket', flags['pidfd-socket']),
  };
}

/** What is to be run: a file's process, or a command and what else the flags say. */
function execOptions(flags: Flags, args: readonly string[]): ExecOptions {
  if (flags.process !== undefined) {
    if (args.length > 0) throw invalid('--process names the command already: leave the other out');
    refuseBeside(flags);
    return { process: readProcess(flags.process) };
  }
  if (args.length === 0) throw invalid('there is no command to run: name one, or use --process');
  return {
    args,
    env: flags.env,
    terminal: flags.tty,
    capabilities: flags.cap,
    noNewPrivileges: flags['no-new-privs'],
    additionalGids: flags['additional-gids'].map((gid) => parseId('--additional-gids', gid)),
    ...given('cwd', flags.cwd),
    ...given('user', flags.user === undefined ? undefined : parseUser(flags.user)),
    ...given('apparmorProfile', flags.apparmor),
    ...given('selinuxLabel', flags['process-label']),
  };
}

/** conmon gives --tty beside --process, which says the same. The others would be lost. */
function refuseBeside(flags: Flags): void {
  const lost = (
    [
      'cwd',
      'env',
      'user',
      'additional-gids',
      'cap',
      'no-new-privs',
      'apparmor',
      'process-label',
    ] as const
  ).find((name) => {
    const value = flags[name];
    return Array.isArray(value) ? value.length > 0 : Boolean(value);
  });
  if (lost === undefined) return;
  throw invalid(`--${lost} has no effect beside --process: say it in the file`);
}

function readProcess(file: string): Process {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new TsruncError(`--process: cannot read ${file}: ${error.code}`, {
      code: error.code,
      path: file,
      stage: 'exec',
      cause: error,
    });
  }
  try {
    // exec checks that it is one.
    return parseExactJson(text) as Process;
  } catch (error) {
    const why = (error as Error).message.replace(/\s+/g, ' ');
    throw new TsruncError(`--process: ${file} is not JSON: ${why}`, {
      code: 'INVALID_CONFIG',
      path: file,
      stage: 'exec',
    });
  }
}

function parseUser(text: string): { uid: number; gid?: number } {
  const [uid = '', gid, ...more] = text.split(':');
  if (more.length > 0) throw invalid(`--user ${text}: the form is UID or UID:GID`);
  return {
    uid: parseId('--user', uid),
    ...given('gid', gid === undefined ? undefined : parseId('--user', gid)),
  };
}

/** Digits and nothing else: CVE-2026-30892 was a lenient parser that made another user of what was asked for. */
function parseId(flag: string, text: string): number {
  const id = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (id < 0xffff_ffff) return id;
  throw invalid(`${flag}: "${text}" is no user or group ID: give a number below 4294967295`);
}

function given<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { [N in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [N in Name]?: Value });
}

function invalid(message: string): TsruncError {
  return new TsruncError(message, { code: 'INVALID_ARGUMENT', stage: 'exec' });
}
