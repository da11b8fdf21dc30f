import type { Action } from './commands.js';
import { openRuntime } from './open-runtime.js';
import { printJson } from './output.js';

export const action: Action<'state'> = async (call) => {
  printJson(await openRuntime(call).state(call.operands[0]), call.caller.write);
};
