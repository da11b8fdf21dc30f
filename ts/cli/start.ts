import type { Action } from './commands.js';
import { notifySocket, openRuntime } from './open-runtime.js';

export const action: Action<'start'> = (call) =>
  openRuntime(call).start(call.operands[0], notifySocket(call.caller));
