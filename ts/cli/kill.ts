import type { Action } from './commands.js';
import { openRuntime } from './open-runtime.js';

export const action: Action<'kill'> = (call) => {
  const [id, signal] = call.operands;
  return openRuntime(call).kill(id, signal, { all: call.flags.all });
};
