import { runInForeground } from '../console/foreground.js';
import { interruptible } from '../console/interrupt.js';
import { callersWindowSize } from '../console/window-size.js';
import { TsruncError } from '../errors.js';
import type { CreateOptions } from '../lifecycle/options.js';
import type { Runtime } from '../lifecycle/runtime.js';
import type { Action, Call } from './commands.js';
import { exitCode } from './exit.js';
import { createOptions, notifySocket, openRuntime } from './open-runtime.js';

export const action: Action<'run'> = async (call) => {
  const { flags, caller } = call;
  const { native, signals } = caller;
  const [id] = call.operands;
  const runtime = openRuntime(call);
  const options = createOptions(call);
  if (flags.detach) return runDetached(call, runtime, options);
  if (options.consoleSocket !== undefined) {
    throw new TsruncError(
      "--console-socket needs --detach: in the foreground the terminal is the caller's own",
      {
        code: 'INVALID_ARGUMENT',
      },
    );
  }
  // What the container's process leaves behind becomes a child of this one and not of a process
  // that waits for its children by name.
  if (!flags['no-subreaper']) native.setSubreaper(true);
  const windowSize = callersWindowSize(native);
  const sized = windowSize === undefined ? {} : { windowSize };
  // For when nobody is there any more who would delete it: not by force, since it may be another of its name by then.
  const finish = flags.keep ? [] : ['--root', runtime.root, 'delete', '--', id];
  return exitCode(
    await runInForeground(
      native,
      (signal) => runtime.run(id, { ...options, ...sized, keep: flags.keep, signal }),
      {
        adopts: !flags['no-subreaper'],
        signals,
        running: (pid) => caller.running(pid, finish),
      },
    ),
  );
};

/** Create and start, whose process outlives the call. */
async function runDetached(
  { caller, operands: [id] }: Call<'run'>,
  runtime: Runtime,
  options: CreateOptions,
): Promise<number> {
  await interruptible(caller.signals, (signal) => runtime.create(id, { ...options, signal }));
  try {
    await runtime.start(id, notifySocket(caller));
  } catch (error) {
    await runtime.delete(id, { force: true });
    throw error;
  }
  return 0;
}
