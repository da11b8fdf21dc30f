/**
 * Each command, with one of its system calls failing, or killed before it: it ends, says why in a sentence, leaves
 * nothing that isn't there without it, and the next command works. TSRUNC_FAULTS says how many calls of each command
 * are tried, spread evenly, or `all`; TSRUNC_FAULTS_DOCUMENT where the table of them is written.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Runtime, TsruncError } from '../../ts/index.js';
import { loadNative } from '../../ts/native/addon.js';
import {
  type Fault,
  type FaultOutcome,
  Injector,
  likelyFault,
  type Point,
} from '../support/faults.js';
import { Lab } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const lab = new Lab();
const native = loadNative();
const runtime = new Runtime({ root: lab.root });
const test = suite('faults');
const able =
  process.geteuid?.() === 0 &&
  process.arch === 'x64' &&
  spawnSync('cc', ['--version']).status === 0;
const root = skipUnless(able, 'root on x86-64, and a C compiler')(test);

const bundle = lab.bundle((spec) => {
  spec.process.args = ['sleep', '1000'];
  // A map of ids: with a stage that does all that a stage may have to do.
  spec.linux.namespaces.push({ type: 'user' });
  spec.linux.uidMappings = [{ containerID: 0, hostID: 0, size: 65_536 }];
  spec.linux.gidMappings = [{ containerID: 0, hostID: 0, size: 65_536 }];
});
const ending = lab.bundle((spec) => {
  spec.process.args = ['true'];
});

type Status = 'none' | 'created' | 'running' | 'paused' | 'stopped';

interface Case {
  readonly from: 'none' | 'created' | 'running' | 'paused';
  readonly args: readonly string[];
  /** In what the container may be after a failure. */
  readonly after: readonly Status[];
  /** And after a success. */
  readonly success: Status;
  /** And after one, where init was hit once the command had its answer. */
  readonly later?: Status;
}

const cases: Readonly<Record<string, Case>> = {
  create: {
    from: 'none',
    args: ['create', '--bundle', bundle],
    after: ['none'],
    success: 'created',
    later: 'stopped',
  },
  run: {
    from: 'none',
    args: ['run', '--bundle', ending],
    after: ['none', 'stopped'],
    success: 'none',
  },
  start: {
    from: 'created',
    args: ['start'],
    after: ['created', 'running', 'stopped'],
    success: 'running',
  },
  exec: { from: 'running', args: ['exec', 'ID', 'true'], after: ['running'], success: 'running' },
  update: {
    from: 'running',
    args: ['update', '--pids-limit', '50', '--memory', '64m'],
    after: ['running'],
    success: 'running',
  },
  pause: { from: 'running', args: ['pause'], after: ['running', 'paused'], success: 'paused' },
  resume: { from: 'paused', args: ['resume'], after: ['running', 'paused'], success: 'running' },
  kill: { from: 'running', args: ['kill', 'ID', 'KILL'], after: ['running'], success: 'stopped' },
  delete: {
    from: 'running',
    args: ['delete', '--force'],
    after: ['none', 'running', 'stopped'],
    success: 'none',
  },
};

const wanted = process.env['TSRUNC_FAULTS'] ?? '8';
const most = wanted === 'all' ? Number.POSITIVE_INFINITY : Number(wanted);

/** So many of a list, evenly. */
function spread<T>(list: readonly T[], count: number): T[] {
  const step = Math.max(1, list.length / count);
  return Array.from(
    { length: Math.min(count, list.length) },
    (_, index) => list[Math.floor(index * step)] as T,
  );
}

async function prepare(from: Case['from'], id: string): Promise<void> {
  const stdio = ['ignore', 'ignore', 'ignore'] as const;
  if (from === 'none') return;
  await runtime.create(id, { bundle, stdio });
  if (from !== 'created') await runtime.start(id);
  if (from === 'paused') await runtime.pause(id);
}

async function statusOf(id: string): Promise<Status> {
  try {
    return (await runtime.state(id)).status as Status;
  } catch (error) {
    if (error instanceof TsruncError && error.code === 'CONTAINER_NOT_FOUND') return 'none';
    throw error;
  }
}

/** Children of a killed command come here, and the container's pid namespace ends when somebody has reaped them. */
async function remove(id: string): Promise<void> {
  const status = await statusOf(id);
  const pid = (status === 'none' ? 0 : (await runtime.state(id)).pid) || process.pid;
  const reaping = setInterval(() => native.reapOthers(pid), 10);
  try {
    await runtime.delete(id, { force: true });
  } finally {
    clearInterval(reaping);
  }
}

/** What is wrong with how a command took a fault. */
async function wrong(
  one: Case,
  id: string,
  hit: string,
  fault: Fault,
  outcome: FaultOutcome,
): Promise<string[]> {
  const { code, signal, stderr, late } = outcome;
  if (late) return ['did not end'];
  if (fault === 'kill' && signal === 'SIGKILL') return [];
  const problems: string[] = [];
  const failed = code !== 0;
  if (signal !== null || ![0, 1, one.args[0] === 'exec' ? 255 : 1].includes(code ?? -1))
    problems.push(`ended with ${code ?? signal}`);
  if (failed && !/^(tsrunc[^\n]*: [^\n]+\n)+$/.test(stderr)) problems.push('says no sentence');
  const status = await statusOf(id);
  const due = failed ? one.after : [one.success, hit === 'init' && one.later];
  // A signal may be on its way for a moment.
  if (!due.includes(status) && !(one.success === 'stopped' && status === 'running'))
    problems.push(`is ${status}`);
  if (one.after[0] === 'none' && one.from === 'none' && status === 'none')
    problems.push(...lab.traces());
  return problems.length === 0 ? [] : [...problems, JSON.stringify(outcome)];
}

interface Row {
  tried: number;
  errors: number;
  killed: number;
  /** What failed without any harm. */
  readonly harmless: Map<string, number>;
}

const rows = new Map<string, Row>();
const processes = ['tsrunc', 'stage', 'init'];
const nameOf = ({ process }: Point): string => processes[process] ?? 'another';

function note(name: string, point: Point, fault: Fault, { code, signal }: FaultOutcome): void {
  const key = `${name} | ${nameOf(point)}`;
  const row = rows.get(key) ?? { tried: 0, errors: 0, killed: 0, harmless: new Map() };
  rows.set(key, row);
  row.tried++;
  if (signal === 'SIGKILL') row.killed++;
  else if (code !== 0) row.errors++;
  else if (fault !== 'kill') row.harmless.set(point.call, (row.harmless.get(point.call) ?? 0) + 1);
}

for (const [name, one] of Object.entries(cases)) {
  root(`${name}: any call may fail, and it may be killed at any`, async () => {
    const injector = new Injector(lab.folder);
    const callOf = (id: string): string[] => {
      const words = one.args.map((word) => (word === 'ID' ? id : word));
      return ['--root', lab.root, ...words, ...(one.args.includes('ID') ? [] : [id])];
    };
    const measured = lab.name();
    await prepare(one.from, measured);
    const points = injector.points(callOf(measured));
    await remove(measured);
    assert.equal(lab.traces(), []);
    const problems: unknown[] = [];
    for (const [index, point] of spread(points, most).entries()) {
      const faults: Fault[] = [likelyFault(point), 'kill'];
      for (const fault of most === Number.POSITIVE_INFINITY
        ? faults
        : [faults[index % 2] as Fault]) {
        const id = lab.name();
        await prepare(one.from, id);
        const outcome = injector.inject(point, fault, callOf(id));
        const where = `${nameOf(point)}: ${point.call} ${point.nth}: ${fault}`;
        const found = await wrong(one, id, nameOf(point), fault, outcome);
        await remove(id);
        found.push(...lab.traces().map((trace) => `left behind: ${trace}`));
        if (outcome.injected) note(name, point, fault, outcome);
        if (found.length > 0) problems.push([where, ...found]);
      }
    }
    assert.equal(problems, []);
  });
}

root('no prctl of init fails unnoticed: what it takes away would stay', () => {
  const injector = new Injector(lab.folder);
  const callOf = (id: string): string[] => ['--root', lab.root, 'run', '--bundle', ending, id];
  const points = injector
    .points(callOf(lab.name()))
    .filter(({ process, call }) => processes[process] === 'init' && call === 'prctl');
  const wanted = most === Number.POSITIVE_INFINITY ? points.length : 10;
  for (const point of spread(points, wanted)) {
    const { code, stderr } = injector.inject(point, 'EPERM', callOf(lab.name()));
    assert.is(code, 1, `prctl ${point.nth}`);
    assert.match(stderr, /operation not permitted/);
  }
  assert.ok(points.length > 40);
});

function writeDocument(file: string): void {
  const lines = [...rows].map(([key, { tried, errors, killed, harmless }]) => {
    const calls = [...harmless].map(([call, count]) => `${call} ${count}`).join(', ');
    return `| ${key} | ${tried} | ${errors} | ${killed} | ${calls} |`;
  });
  const total = [...rows.values()].reduce((sum, { tried }) => sum + tried, 0);
  writeFileSync(
    file,
    `# Faults

Every command, with each of its system calls failing in turn with an error that it may well have, and killed just before
it. It ended each time; it said why in one sentence, left nothing behind, and the next command worked; after a kill
\`delete --force\` left nothing. Written by \`TSRUNC_FAULTS=all TSRUNC_FAULTS_DOCUMENT=docs/faults.md npm test -- faults\`;
\`npm test\` tries a few of them. ${total} faults in all; calls of Node's before the command's code runs are left out.

| command | in | tried | ended with an error | ended by the kill | failed without harm |
| --- | --- | --- | --- | --- | --- |
${lines.join('\n')}
`,
  );
}

test.after(() => {
  const file = process.env['TSRUNC_FAULTS_DOCUMENT'];
  if (file !== undefined) writeDocument(file);
});
lab.finish(test);
