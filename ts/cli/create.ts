import { interruptible } from '../console/interrupt.js';
import type { Action } from './commands.js';
import { createOptions, openRuntime } from './open-runtime.js';

export const action: Action<'create'> = async (call) => {
  const [id] = call.operands;
  await interruptible(call.caller.signals, (signal) =>
    openRuntime(call).create(id, { ...createOptions(call), signal }),
  );
};
