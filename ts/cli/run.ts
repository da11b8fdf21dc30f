import { runInForeground } from '../console/foreground.js';
import { interruptible } from '../console/interrupt.js';
import { callersWindowSize } from '../console/window-size.js';
import { TsruncError } from '../errors.js';
import type { CreateOptions } from '../lifecycle/options.js';
import type { Runtime } from '../lifecycle/runtime.js';
import { loadNative } from '../native/addon.js';
import type { Action } from './commands.js';
import { exitCode } from './exit.js';
import { createOptions, notifySocket, openRuntime } from './open-runtime.js';

export const action: Action<'run'> = async (call) => {
  const { flags } = call;
  const [id] = call.operands;
  const runtime = openRuntime(call);
  const options = createOptions(flags);
  if (flags.detach) return runDetached(runtime, id, options);
  if (options.consoleSocket !== undefined) {
    throw new TsruncError(
      "--console-socket needs --detach: in the foreground the terminal is the caller's own",
      {
        code: 'INVALID_ARGUMENT',
      },
    );
  }
  const native = loadNative();
  // What the container's process leaves behind becomes a child of this one and not of a process
  // that waits for its children by name.
  if (!flags['no-subreaper']) native.setSubreaper(true);
  const windowSize = callersWindowSize(native);
  const sized = windowSize === undefined ? {} : { windowSize };
  return exitCode(
    await runInForeground(
      native,
      (signal) => runtime.run(id, { ...options, ...sized, keep: flags.keep, signal }),
      { adopts: !flags['no-subreaper'] },
    ),
  );
};

/** Create and start, whose process outlives the call. */
async function runDetached(runtime: Runtime, id: string, options: CreateOptions): Promise<number> {
  await interruptible((signal) => runtime.create(id, { ...options, signal }));
  try {
    await runtime.start(id, notifySocket());
  } catch (error) {
    await runtime.delete(id, { force: true });
    throw error;
  }
  return 0;
}
