/**
 * Two commands at once on one container: whichever comes first, it ends in a legal state, and the loser is told why
 * in one sentence. TSRUNC_ROUNDS says how often each pair is tried, at another distance in time each round.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { command, Lab } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const test = suite('pairs');
const root = skipUnless(process.geteuid?.() === 0, 'root')(test);

const bundle = lab.bundle((spec) => {
  spec.process.args = ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.1; done'];
});

interface Said {
  readonly code: number | null;
  readonly stderr: string;
}

const ok: Said = { code: 0, stderr: '' };
const succeeded = ({ code }: Said): boolean => code === 0;

/** What leads to each state that a pair begins in. */
const ways = {
  none: [],
  created: [['create', '--bundle', bundle]],
  running: [['create', '--bundle', bundle], ['start']],
  paused: [['create', '--bundle', bundle], ['start'], ['pause']],
} as const;

type Status = 'none' | 'created' | 'running' | 'paused' | 'stopped';

interface Pair {
  readonly from: keyof typeof ways;
  readonly commands: readonly [readonly string[], readonly string[]];
  /** What the commands may say when they fail; one without may not. */
  readonly failures: readonly [RegExp | undefined, RegExp | undefined];
  /** What is called when the second has ended, for the first to go on. */
  readonly afterwards?: readonly string[];
  /** In what it may end. */
  readonly to: readonly Status[];
  /** What else must be so. */
  readonly rule?: (first: Said, second: Said, status: Status) => boolean;
}

const create = ['create', '--bundle', bundle];
const run = ['run', '--detach', '--bundle', bundle];
const force = ['delete', '--force'];
const kill = (signal: string) => ['kill', 'ID', signal];
const exec = ['exec', 'ID', 'true'];
const update = ['update', '--pids-limit', '50'];

const absent = /container does not exist/;
const exists = /container with given ID already exists/;
const notRunning = /container not running/;
const exactlyOne = (first: Said, second: Said): boolean => succeeded(first) !== succeeded(second);

/** What create says when its container is taken away from it. */
const takenAway = /does not exist|ended|SIGKILL|killed/;

const pairs: Readonly<Record<string, Pair>> = {
  'create, create': {
    from: 'none',
    commands: [create, create],
    failures: [exists, exists],
    to: ['created'],
    rule: exactlyOne,
  },
  'run, run': {
    from: 'none',
    commands: [run, run],
    failures: [exists, exists],
    to: ['running'],
    rule: exactlyOne,
  },
  'create, delete --force': {
    from: 'none',
    commands: [create, force],
    failures: [takenAway, undefined],
    to: ['none', 'created'],
    rule: (first, _, status) => succeeded(first) || status === 'none',
  },
  'create, state': {
    from: 'none',
    commands: [create, ['state']],
    failures: [undefined, absent],
    to: ['created'],
  },
  'start, start': {
    from: 'created',
    commands: [['start'], ['start']],
    failures: [/cannot start/, /cannot start/],
    to: ['running'],
    rule: exactlyOne,
  },
  'start, kill': {
    from: 'created',
    commands: [['start'], kill('KILL')],
    failures: [/cannot start a stopped container|ended before (it ran|the start)/, undefined],
    to: ['stopped'],
  },
  'start, delete --force': {
    from: 'created',
    commands: [['start'], force],
    failures: [/does not exist|cannot start|ended before (it ran|the start)/, undefined],
    to: ['none'],
  },
  'start, delete': {
    from: 'created',
    commands: [['start'], ['delete']],
    failures: [
      /does not exist|cannot start|ended/,
      /cannot delete container .* not stopped: running/,
    ],
    to: ['none', 'running'],
    rule: (first, second, status) =>
      exactlyOne(first, second) && succeeded(second) === (status === 'none'),
  },
  'delete, delete': {
    from: 'created',
    commands: [['delete'], ['delete']],
    failures: [absent, absent],
    to: ['none'],
    rule: exactlyOne,
  },
  'delete --force, delete --force': {
    from: 'running',
    commands: [force, force],
    failures: [undefined, undefined],
    to: ['none'],
  },
  'exec, delete --force': {
    from: 'running',
    commands: [exec, force],
    failures: [/./, undefined],
    to: ['none'],
  },
  'exec, kill': {
    from: 'running',
    commands: [exec, kill('KILL')],
    failures: [/^$|./, undefined],
    to: ['stopped'],
  },
  'exec, pause': {
    from: 'running',
    commands: [exec, ['pause']],
    failures: [/cannot exec in a paused container/, undefined],
    // Who was frozen on the way in goes on, as with runc.
    afterwards: ['resume'],
    to: ['running'],
  },
  'pause, pause': {
    from: 'running',
    commands: [['pause'], ['pause']],
    failures: [/not running or created: paused/, /not running or created: paused/],
    to: ['paused'],
    rule: exactlyOne,
  },
  'pause, update': {
    from: 'running',
    commands: [['pause'], update],
    failures: [undefined, undefined],
    to: ['paused'],
  },
  'pause, delete --force': {
    from: 'running',
    commands: [['pause'], force],
    failures: [/does not exist|not running or created|cgroup/, undefined],
    to: ['none'],
  },
  'resume, delete --force': {
    from: 'paused',
    commands: [['resume'], force],
    failures: [/does not exist|container not paused|cgroup/, undefined],
    to: ['none'],
  },
  'resume, resume': {
    from: 'paused',
    commands: [['resume'], ['resume']],
    failures: [/container not paused/, /container not paused/],
    to: ['running'],
    rule: exactlyOne,
  },
  'update, delete --force': {
    from: 'running',
    commands: [update, force],
    failures: [/does not exist|container not running|cgroup/, undefined],
    to: ['none'],
  },
  'update, update': {
    from: 'running',
    commands: [update, ['update', '--pids-limit', '60']],
    failures: [undefined, undefined],
    to: ['running'],
  },
  'kill, kill': {
    from: 'running',
    commands: [kill('KILL'), kill('KILL')],
    failures: [notRunning, notRunning],
    to: ['stopped'],
    rule: (first, second) => succeeded(first) || succeeded(second),
  },
  'kill, delete': {
    from: 'running',
    commands: [kill('KILL'), ['delete']],
    failures: [absent, /cannot delete container .* not stopped: running/],
    to: ['none', 'stopped'],
    rule: (first, second, status) => succeeded(first) && succeeded(second) === (status === 'none'),
  },
  'state, delete --force': {
    from: 'running',
    commands: [['state'], force],
    failures: [absent, undefined],
    to: ['none'],
  },
  'ps, delete --force': {
    from: 'running',
    commands: [['ps', '--format', 'json'], force],
    failures: [/does not exist|container not running/, undefined],
    to: ['none'],
  },
};

/** The command's arguments, with the container's name where it belongs. */
const withId = (args: readonly string[], id: string): string[] =>
  args.includes('ID') ? args.map((word) => (word === 'ID' ? id : word)) : [...args, id];

/** Its standard error is a file: a container would hold a pipe open. */
async function call(args: readonly string[]): Promise<Said> {
  const file = join(lab.folder, lab.name());
  const stderr = openSync(file, 'w');
  const child = spawn(command, ['--root', lab.root, ...args], {
    stdio: ['ignore', 'ignore', stderr],
  });
  closeSync(stderr);
  const [code] = await once(child, 'exit');
  return { code, stderr: readFileSync(file, 'utf8') };
}

/** What the container is in once nothing is under way any more. */
function statusOf(id: string): Status {
  const { code, stdout, stderr } = lab.tsrunc(['state', id]);
  if (code === 0) return JSON.parse(stdout).status;
  assert.match(stderr, absent);
  return 'none';
}

/** A SIGKILL is on its way for a moment. */
async function settled(id: string, legal: readonly Status[]): Promise<Status> {
  for (let tries = 0; ; tries++) {
    const status = statusOf(id);
    if (legal.includes(status) || tries === 100) return status;
    await delay(20);
  }
}

const rounds = Number(process.env['TSRUNC_ROUNDS'] ?? 3);

async function tryPair(pair: Pair, id: string, distance: number): Promise<void> {
  const { from, commands, failures, to, rule, afterwards } = pair;
  for (const step of ways[from]) lab.ok(withId(step, id));
  const [first, second] = await Promise.all([
    delay(Math.max(0, -distance)).then(() => call(withId(commands[0], id))),
    delay(Math.max(0, distance))
      .then(() => call(withId(commands[1], id)))
      .finally(() => afterwards && lab.ok(withId(afterwards, id))),
  ]);
  const status = await settled(id, to);
  const seen = `${distance.toFixed(1)} ms apart: ${JSON.stringify([first, second, status])}`;
  for (const [index, said] of [first, second].entries()) {
    const may = failures[index];
    if (succeeded(said) || may === undefined) {
      assert.equal(said, ok, seen);
      continue;
    }
    assert.match(said.stderr, /^([^\n]+\n)?$/, seen);
    assert.match(said.stderr, may, seen);
  }
  assert.ok(to.includes(status), seen);
  assert.ok(rule?.(first, second, status) ?? true, seen);
}

for (const [name, pair] of Object.entries(pairs)) {
  root(`${name} at once, from ${pair.from}`, async () => {
    for (let round = 0; round < rounds; round++) {
      const id = lab.name();
      // From the second's being 40 ms ahead to its being 40 ms late, evenly for any number of rounds.
      const distance = 80 * ((round * 0.618) % 1) - 40;
      try {
        await tryPair(pair, id, distance);
      } finally {
        lab.ok(['delete', '--force', id]);
      }
      assert.equal(lab.traces(), [], `${distance.toFixed(1)} ms apart`);
    }
  });
}

lab.finish(test);
