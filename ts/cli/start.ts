import type { Action } from './commands.js';
import { openRuntime } from './open-runtime.js';

export const action: Action<'start'> = (call) => openRuntime(call).start(call.operands[0]);
