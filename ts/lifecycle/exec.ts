import { TsruncError } from '../errors.js';
import { encode } from '../native/encode.js';
import { planExec } from '../plan/exec.js';
import { recallSpec } from '../spec/recall.js';
import type { Process, Spec } from '../spec/types.js';
import type { ContainerFolder } from '../state/folder.js';
import { openVerified } from '../state/process.js';
import type { StoredState } from '../state/state.js';
import { Undo } from '../undo.js';
import { listenFdNames, requireInherited } from './caller.js';
import { compileFilters } from './compile-filters.js';
import type { Context } from './context.js';
import { enterCgroup } from './exec-cgroup.js';
import { execProcessOf } from './exec-process.js';
import { type Inspected, inspect } from './inspect.js';
import { Launch } from './launch.js';
import type { ExecOptions, RunningProcess } from './options.js';
import { removePidFile, writePidFile } from './pid-file.js';
import { tellAgent } from './seccomp-agent.js';
import { signalNumber } from './signals.js';
import { openStreams, prepareStdio } from './stdio.js';

/** Starts another process in a container. Resolves when its program runs; whatever fails is undone. */
export async function execInContainer(
  context: Context,
  id: string,
  options: ExecOptions,
): Promise<RunningProcess> {
  const { stored, state, spec } = openContainer(context, id, options);
  const process = execProcessOf(spec, options);
  checkCall(context, process, options);
  const undo = new Undo();
  try {
    const running = await launch(context, { ...spec, process }, { stored, state }, options, undo);
    undo.commit();
    return running;
  } catch (error) {
    for (const { what, error: why } of await undo.run())
      context.warn(`could not ${what}: ${String(why)}`);
    options.signal?.throwIfAborted();
    throw error;
  }
}

/** The container and its configuration, if another process may join it. */
function openContainer(
  context: Context,
  id: string,
  options: ExecOptions,
): Inspected & { spec: Spec } {
  const folder = context.store.open(id);
  const { stored, state } = inspect(context, folder);
  if (state.status === 'stopped') throw refused('cannot exec in a stopped container');
  if (state.status === 'creating')
    throw refused('cannot exec in a container that is being created');
  if (state.status === 'paused' && options.ignorePaused !== true) {
    throw refused('cannot exec in a paused container: resume it, or use --ignore-paused');
  }
  return { stored, state, spec: recallSpec(readConfig(folder)) };
}

function readConfig(folder: ContainerFolder): string {
  const text = folder.readConfig();
  if (text !== undefined) return text;
  throw refused(
    'cannot exec: the container was made by a version of tsrunc that kept no configuration',
  );
}

function checkCall({ caller }: Context, { terminal }: Process, options: ExecOptions): void {
  if (terminal !== true && options.consoleSocket !== undefined) {
    throw new TsruncError('--console-socket is given, but the process has no terminal', {
      code: 'INVALID_ARGUMENT',
      stage: 'exec',
    });
  }
  const preserved = (options.listenFds ?? 0) + (options.preserveFds ?? 0);
  for (let fd = 3; fd < 3 + preserved; fd++) requireInherited(caller, fd);
}

async function launch(
  context: Context,
  spec: Spec,
  { stored, state }: Inspected,
  options: ExecOptions,
  undo: Undo,
): Promise<RunningProcess> {
  const { native, warn, caller } = context;
  const pidfd = stored.init && openVerified(native, stored.init);
  if (pidfd === undefined) throw refused('cannot exec in a stopped container');
  try {
    const { joinFiles, birthplace, attach } = enterCgroup(context, stored, options.cgroup ?? []);
    const preserveFds = (options.listenFds ?? 0) + (options.preserveFds ?? 0);
    const program = planExec(
      {
        spec,
        host: context.host,
        id: stored.id,
        bundle: stored.bundle,
        rootfs: stored.rootfs,
        folder: context.store.path(stored.id),
        pid: stored.init?.pid ?? 0,
        ...(attach === undefined ? {} : { awaitCgroup: 'systemd' as const }),
        joinFiles,
        noPivot: false,
        noNewKeyring: stored.noNewKeyring ?? false,
        preserveFds,
        listenFds: options.listenFds ?? 0,
        ...listenFdNames(options),
        awaitStart: false,
      },
      warn,
    );
    const filters = await compileFilters(context, program);
    caller.took([]);
    const stdio = prepareStdio(native, options.stdio);
    undo.add('close the pipes', () => stdio.close());
    const launched = new Launch(native, program, options, {
      stage: 'exec',
      undo,
      reap: context.reap,
      cloned: await joinResctrl(stored),
      deliver: (listener) => tellAgent(native, stored.seccompAgent, state, launched.pid, listener),
    });
    await launched.spawn(encode(program, filters), {
      stdio,
      preserved: preserveFds,
      given: pidfd,
      ...(birthplace === undefined ? {} : { birthplace }),
    });
    const cgroupDue = attach && (() => attach(launched.stagePid));
    await launched.lead(cgroupDue === undefined ? {} : { cgroupDue }, async () => {
      keepPid(options.pidFile, stored.id, launched.pid, undo);
      await launched.begin();
    });
    const { init } = launched;
    caller.atEnd(() => init.release());
    return {
      pid: init.pid,
      ...(await openStreams(stdio)),
      console: launched.console ?? null,
      wait: () => init.exited(),
      kill: (signal = 'SIGTERM') => init.signal(signalNumber(signal)),
    };
  } finally {
    native.close(pidfd);
  }
}

/** Another process of the container is in its class of service too. */
async function joinResctrl({ resctrl }: StoredState): Promise<(pid: number) => void> {
  if (resctrl === undefined) return () => {};
  const { joinGroups } = await import('../resctrl/index.js');
  return (pid) => joinGroups(resctrl, pid);
}

function keepPid(pidFile: string | undefined, id: string, pid: number, undo: Undo): void {
  if (pidFile === undefined) return;
  writePidFile(pidFile, id, pid);
  undo.add('remove the pid file', () => removePidFile(pidFile));
}

function refused(message: string): TsruncError {
  return new TsruncError(message, { code: 'INVALID_STATE', stage: 'exec' });
}
