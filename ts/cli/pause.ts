import type { Action } from './commands.js';
import { openRuntime } from './open-runtime.js';

export const action: Action<'pause'> = (call) => openRuntime(call).pause(call.operands[0]);
