import type { Action } from './commands.js';
import { openRuntime } from './open-runtime.js';

export const action: Action<'delete'> = (call) =>
  openRuntime(call).delete(call.operands[0], { force: call.flags.force });
