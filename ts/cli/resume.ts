import type { Action } from './commands.js';
import { openRuntime } from './open-runtime.js';

export const action: Action<'resume'> = (call) => openRuntime(call).resume(call.operands[0]);
