/** What is printed, logged and changed, with runc and the runtime under test. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Bed, type Outcome } from './bed.js';
import { limitOf } from './cgroups.js';
import { found, shapeOf, sidesOf } from './sides.js';

const bed = new Bed({ runc: 'runc' });
const { same } = sidesOf(bed);

same('the log file: JSON and text, and stderr beside it', (side) => {
  const line = (format: string): [string, Outcome] => {
    const file = join(side.folder, `log.${format}`);
    const outcome = side.call(['--log', file, '--log-format', format, 'start', 'none']);
    return [readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '', outcome];
  };
  const [json, first] = line('json');
  const { level, msg, time, ...more } = JSON.parse(json);
  const [text, second] = line('text');
  return [
    [
      level,
      found(msg),
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(time),
      more,
    ],
    /^time="\d{4}-\d\d-\d\dT[^"]*" level=error msg="[^\n]*"$/.test(text),
    [first, second].map(({ code, stdout, stderr }) => [code, stdout, found(stderr)]),
  ];
});

same('list: table, JSON, names', (side) => {
  const seen: unknown[] = [
    side.success('list'),
    side.success('list', '--quiet'),
    JSON.parse(side.call(['list', '--format', 'json']).stdout || 'null') ?? [],
  ];
  const pid = side.running('listed');
  const rows = side
    .call(['list'])
    .stdout.trim()
    .split('\n')
    .map((row) => row.trim().split(/\s{2,}/));
  seen.push(rows[0], rows[1]?.[0], rows[1]?.[1] === String(pid), rows[1]?.[2], rows[1]?.at(-1));
  seen.push(
    shapeOf(JSON.parse(side.call(['list', '--format', 'json']).stdout)),
    side.success('list', '-q'),
  );
  side.call(['delete', '--force', 'listed']);
  return seen;
});

same(
  'ps: table and JSON',
  (side) => {
    const pid = side.running('ps');
    const json = JSON.parse(side.call(['ps', '--format', 'json', 'ps']).stdout);
    const table = side.call(['ps', 'ps']).stdout.split('\n');
    const seen = [
      shapeOf(json),
      json.includes(pid),
      table[0]?.trim().split(/\s+/),
      table.some((row) => row.includes('trap')),
    ];
    side.call(['delete', '--force', 'ps']);
    return seen;
  },
  ['ps'],
);

same(
  "ps: the host's ps with options of its own, and only the container's lines",
  (side) => {
    const pid = side.running('ps-options');
    const rows = (...options: string[]): unknown => {
      const { code, stdout } = side.call(['ps', 'ps-options', ...options]);
      const [head = [], ...lines] = stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.trim().split(/\s+/));
      const own = lines.filter((line) => line[head.indexOf('PID')] === String(pid));
      // Its sleep of a moment may be there, or not, or be a new one.
      return [code, head, own.length, lines.length <= 2];
    };
    const seen = [
      rows('aux'),
      rows('-e'),
      rows('-o', 'pid,comm'),
      rows('-e', '-o', 'ppid,pid,args'),
      ...[['-o', 'comm'], ['--no-such-option']].map((options) =>
        side.failure('ps', 'ps-options', ...options),
      ),
      side.failure('ps', '--format', 'xml', 'ps-options'),
      shapeOf(JSON.parse(side.call(['ps', '-f', 'json', 'ps-options', 'aux']).stdout)),
    ];
    side.call(['delete', '--force', 'ps-options']);
    return seen;
  },
  ['ps'],
);

same(
  'pause, resume',
  (side) => {
    side.running('paused');
    const seen = [
      side.success('pause', 'paused'),
      side.status('paused'),
      side.failure('exec', 'paused', 'true'),
      side.failure('delete', 'paused'),
      side.success('resume', 'paused'),
      side.status('paused'),
      (side.call(['resume', 'paused']).code ?? 0) === 0,
      side.success('pause', 'paused'),
      side.success('delete', '--force', 'paused'),
    ];
    return seen;
  },
  ['pause'],
);

same(
  'update',
  (side) => {
    const seen: unknown[] = [];
    side.running('updated', (spec) => {
      spec.linux = { ...spec.linux, cgroupsPath: `/diff/updated-${side.folder.split('/').at(-1)}` };
    });
    const name = `updated-${side.folder.split('/').at(-1)}`;
    seen.push(side.success('update', '--pids-limit', '20', 'updated'), limitOf(name, 'pids.max'));
    const update = side.call(['update', '--resources', '-', 'updated'], {
      input: JSON.stringify({ memory: { limit: 67108864 }, pids: { limit: 30 } }),
    });
    seen.push(
      update,
      limitOf(name, 'pids.max'),
      limitOf(name, 'memory.limit_in_bytes', 'memory.max'),
    );
    side.call(['delete', '--force', 'updated']);
    seen.push(side.failure('update', '--pids-limit', '20', 'updated'));
    return seen;
  },
  ['update'],
);

same(
  'events --stats',
  (side) => {
    side.running('events');
    const { code, stdout } = side.call(['events', '--stats', 'events']);
    const { type, id, data } = JSON.parse(stdout);
    side.call(['delete', '--force', 'events']);
    return [
      code,
      type,
      id,
      Object.keys(data)
        .filter((key) => ['cpu', 'memory', 'pids', 'blkio'].includes(key))
        .sort(),
    ];
  },
  ['events'],
);

bed.finish();
