/** account/measure.mjs FOLDER CGROUP RESULT ROUNDS: counts and measures for account.mjs, and writes it to RESULT. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { callers } from '../calls.mjs';
import { floorCommand } from '../floor.mjs';
import { library } from '../growth/contenders.mjs';
import { firstLine, runtimes, startHost } from '../peers.mjs';

const [folder = '', cgroup = '', result = '', rounds = ''] = process.argv.slice(2);
const bundle = join(folder, 'true');
const { call } = callers(folder);

/** What the library does, by the innermost of these functions; the last two are V8's words. */
const parts = [
  ['reads and checks the configuration', 'loadBundle'],
  ['plans', 'plan'],
  ['finds the compiled filter', 'compileFilters'],
  ['encodes the Program', 'encode'],
  ['makes the cgroups', 'setUpCgroup'],
  ['starts the stage', 'spawn'],
  ['writes the state', 'write', 'record', '#record'],
  ['talks to init', 'awaitCreated', 'awaitExec', 'begin', 'reply', 'lead'],
  ['removes the container', 'deleteOwn', 'destroy', 'removeCgroups'],
  ['collects garbage', '(garbage collector)'],
  ['waits for init and the program', '(idle)'],
];
const REST = 'all else';

/** Milliseconds of each part, per container. */
async function profile(one, count) {
  for (let round = 0; round < 100; ++round) await one.run(`warm-${round}`, bundle);
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 100 });
  await session.post('Profiler.start');
  for (let round = 0; round < count; ++round) await one.run(`bench-${round}`, bundle);
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  const partOf = new Map(parts.flatMap(([part, ...names]) => names.map((name) => [name, part])));
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const found = new Map();
  const visit = (node, part) => {
    const own = partOf.get(node.callFrame.functionName) ?? part;
    found.set(node.id, own ?? REST);
    for (const id of node.children ?? []) visit(nodes.get(id), own);
  };
  visit(profile.nodes[0], undefined);
  const sums = new Map();
  for (const [at, id] of profile.samples.entries()) {
    const part = found.get(id);
    sums.set(part, (sums.get(part) ?? 0) + profile.timeDeltas[at] / 1000 / count);
  }
  return [...parts.map(([part]) => part), REST].map((part) => [part, sums.get(part) ?? 0]);
}

/** How often each system call is made by a command and all that it starts. */
function count({ name, command, env }) {
  const file = join(folder, 'strace');
  call(['strace', '-f', '-qq', '-o', file, ...command], env, 60_000);
  const lines = readFileSync(file, 'utf8').split('\n');
  // Node's own start ends where it opens the command's code.
  const first = lines.findIndex((line) => /openat\(.*\/dist\/tsrunc\.cjs"/.test(line));
  const kinds = {};
  for (const line of lines.slice(first + 1)) {
    const [, syscall] = /^\d+ +(\w+)\(/.exec(line) ?? [];
    if (syscall !== undefined) kinds[syscall] = (kinds[syscall] ?? 0) + 1;
  }
  return { name, kinds };
}

const host = await startHost(folder);
try {
  const one = await library(folder);
  const measured = await profile(one, Number(rounds));
  const run = (peer) => ({ ...peer, command: [...peer.command, 'run', '--bundle', bundle, 'x'] });
  // What a host does for its launcher is not in the launcher's trace.
  const peers = runtimes(folder, host.socket).filter(({ name }) => name !== 'tsrunc with host');
  const floor = floorCommand(folder, cgroup);
  const counted = [
    ...(floor === undefined ? [] : [{ name: 'floor', command: floor, env: process.env }]),
    ...peers.map(run),
  ];
  const able = firstLine('strace') !== undefined;
  if (!able) console.error("The system calls are left out: strace isn't installed.");
  // The first call of each is one that finds everything as it will be.
  for (const { command, env } of able ? counted : []) call(command, env);
  writeFileSync(result, JSON.stringify({ parts: measured, calls: able ? counted.map(count) : [] }));
} finally {
  host.end();
}
