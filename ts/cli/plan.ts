import { formatProgram, programToJson } from '../plan/format.js';
import type { Action } from './commands.js';
import { openRuntime } from './open-runtime.js';
import { print } from './output.js';

export const action: Action<'plan'> = async (call) => {
  const program = await openRuntime(call).plan(call.operands[0]);
  const text = call.flags.format === 'json' ? programToJson(program) : formatProgram(program);
  print(text.endsWith('\n') ? text : `${text}\n`);
};
