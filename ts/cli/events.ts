import type { Stats } from '../events/stats.js';
import type { ContainerEvent } from '../events/stream.js';
import type { Action } from './commands.js';
import { parseDuration } from './duration.js';
import { openRuntime } from './open-runtime.js';
import { print } from './output.js';

export const action: Action<'events'> = async (call) => {
  const [id] = call.operands;
  const interval = parseDuration('--interval', call.flags.interval);
  const runtime = openRuntime(call);
  if (call.flags.stats) {
    print(line({ type: 'stats', id, data: await runtime.stats(id) }));
    return;
  }
  for await (const event of await runtime.events(id, { interval })) print(line(event));
};

/** As the kernel says it of cgroup v1: the number of whole pages that a signed number can hold. */
const NO_LIMIT = '9223372036854771712';

/** One line of JSON. JSON has no word for what isn't limited, runc a number; it leaves out the one of pids. */
function line(event: ContainerEvent): string {
  const shown = event.type === 'stats' ? { ...event, data: plain(event.data) } : event;
  const text = JSON.stringify(shown, (_, value) =>
    value === Number.POSITIVE_INFINITY ? '\0unlimited' : value,
  );
  return `${text.replaceAll('"\\u0000unlimited"', NO_LIMIT)}\n`;
}

function plain({ pids, ...others }: Stats): object {
  const { current, limit } = pids;
  return { ...others, pids: Number.isFinite(limit) ? pids : { current } };
}
