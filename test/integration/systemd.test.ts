/** Containers whose cgroups systemd makes: this machine's own where it is process 1, else one in a world of its own. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noSystemdWorld, SystemdWorld } from '../../scripts/systemd-world.mjs';
import { onVersion } from '../support/container-cgroup.js';
import { command, Lab, type Mutate } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const test = suite('systemd');
const lab = new Lab();
const stateRoot = join(lab.folder, 'in-world');
const isRoot = process.geteuid?.() === 0;
const isFirst = existsSync('/run/systemd/system');
const tree = fileURLToPath(new URL('../..', import.meta.url));
const missing = isFirst ? undefined : noSystemdWorld();
const systemd = skipUnless(
  isRoot && missing === undefined,
  `root and ${missing ?? 'systemd'}`,
)(test);
const without = skipUnless(isRoot && !isFirst, 'root and no systemd')(test);

let world: SystemdWorld | undefined;

/** Runs a shell script where systemd is. */
function inside(
  script: string,
  ...args: string[]
): { code: number | null; out: string; err: string } {
  const shell = ['sh', '-c', script, 'sh', ...args];
  const [program = '', ...rest] = world?.service(shell) ?? shell;
  const { status, stdout, stderr } = spawnSync(program, rest, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { code: status, out: stdout, err: stderr };
}

function ok(script: string, ...args: string[]): string {
  const { code, out, err } = inside(script, ...args);
  assert.is(code, 0, `${script}: ${err}${out}`);
  return out.trimEnd();
}

/** The command with its cgroups made by systemd. What a container would hold open is left out. */
const tsrunc = (...args: string[]): string => {
  const flags = ['--systemd-cgroup', '--root', stateRoot];
  return ok('"$@" </dev/null', command, ...flags, ...args);
};
const quiet = (program: string, ...args: string[]): void => {
  ok(
    'log=$(mktemp); "$@" </dev/null >$log 2>&1; code=$?; cat $log >&2; rm $log; exit $code',
    program,
    ...args,
  );
};
const create = (bundle: string, id: string): void =>
  quiet(command, '--systemd-cgroup', '--root', stateRoot, 'create', '-b', bundle, id);
const refused = (bundle: string, id: string): string => {
  const { code, err } = inside(
    '"$@" </dev/null',
    command,
    '--systemd-cgroup',
    '--root',
    stateRoot,
    'create',
    '-b',
    bundle,
    id,
  );
  assert.is(code, 1, err);
  assert.match(err, /^tsrunc create: [^\n]+\n$/);
  return err;
};

function properties(unit: string, ...names: string[]): Record<string, string> {
  const lines = ok('systemctl show "$@"', unit, ...names.flatMap((name) => ['-p', name])).split(
    '\n',
  );
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

const MiB = 1 << 20;
const limited: Mutate = (spec) => {
  spec.process.args = ['sleep', '1000'];
  spec.linux.cgroupsPath = 'machine-tests.slice:unit:limited';
  spec.linux.resources = {
    memory: { limit: 64 * MiB },
    cpu: { shares: 512, quota: 50_000, period: 100_000 },
    pids: { limit: 33 },
    devices: [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' },
    ],
  };
};
const SCOPE = 'machine.slice/machine-tests.slice/unit-limited.scope';
/** To be compared with runc's. CPUWeight isn't: the formula, which is ours too, is another one since runc 1.4. */
const shown = [
  ...['Slice', 'ControlGroup', 'Delegate', 'DefaultDependencies', 'TasksMax', 'CPUShares'],
  ...['CPUQuotaPerSecUSec', 'CPUQuotaPeriodUSec', 'MemoryLimit', 'MemoryMax', 'DevicePolicy'],
];

test.before(async () => {
  if (!isRoot || isFirst || missing !== undefined) return;
  world = new SystemdWorld(tree, lab.folder);
  await world.booted();
});

systemd('a scope has the limits as its properties, as under runc', () => {
  const bundle = lab.bundle((spec, folder) => {
    limited(spec, folder);
    spec.ociVersion = '1.0.2';
  });
  create(bundle, 'a');
  const ours = properties('unit-limited.scope', ...shown);
  const { CPUWeight } = properties('unit-limited.scope', 'CPUWeight');
  const pid = JSON.parse(tsrunc('state', 'a')).pid;
  const groups = ok('cat /proc/$1/cgroup', String(pid));
  tsrunc('delete', 'a');
  assert.is(ours['ControlGroup'], `/${SCOPE}`);
  assert.is(ours['CPUQuotaPerSecUSec'], '500ms');
  assert.is(ours['TasksMax'], '33');
  assert.is(CPUWeight, onVersion('[not set]', '59'));
  assert.is(ours['DevicePolicy'], 'strict');
  assert.ok([ours['MemoryMax'], ours['MemoryLimit']].includes(String(64 * MiB)));
  for (const line of groups.split('\n')) assert.match(line, `/${SCOPE}`);
  if (spawnSync('runc', ['--version']).status !== 0) return;
  quiet('runc', '--systemd-cgroup', '--root', '/run/tsrunc-peer', 'create', '-b', bundle, 'peer');
  const theirs = properties('unit-limited.scope', ...shown);
  ok('runc --root /run/tsrunc-peer delete --force peer');
  assert.equal(ours, theirs);
});

systemd('what update sets is in the kernel, and stays when systemd reads its units again', () => {
  create(lab.bundle(limited), 'b');
  tsrunc('start', 'b');
  const files = (): string[] =>
    ok(
      `for each in pids.max memory.limit_in_bytes memory.max; do cat $(find /sys/fs/cgroup -path "*/${SCOPE}/$each"); done`,
    ).split('\n');
  assert.equal(files(), ['33', String(64 * MiB)]);
  tsrunc('update', '--memory', String(128 * MiB), '--pids-limit', '44', 'b');
  assert.equal(files(), ['44', String(128 * MiB)]);
  ok('systemctl daemon-reload');
  assert.equal(files(), ['44', String(128 * MiB)]);
  assert.is(properties('unit-limited.scope', 'TasksMax')['TasksMax'], '44');
  tsrunc('delete', '--force', 'b');
});

systemd(
  'the default is a scope named after the container in system.slice, in which all commands work',
  () => {
    const bundle = lab.bundle((spec) => {
      spec.process.args = ['sleep', '1000'];
      delete spec.linux.cgroupsPath;
    });
    create(bundle, 'c');
    tsrunc('start', 'c');
    assert.is(
      properties('tsrunc-c.scope', 'ControlGroup')['ControlGroup'],
      '/system.slice/tsrunc-c.scope',
    );
    tsrunc('pause', 'c');
    assert.is(JSON.parse(tsrunc('state', 'c')).status, 'paused');
    tsrunc('resume', 'c');
    assert.match(tsrunc('exec', 'c', 'cat', '/proc/self/cgroup'), /:\/$/m);
    assert.is(JSON.parse(tsrunc('ps', '--format', 'json', 'c')).length, 1);
    assert.match(refused(bundle, 'c'), /exists/);
    tsrunc('kill', 'c', 'KILL');
    ok('until "$@" | grep -q stopped; do :; done', command, '--root', stateRoot, 'state', 'c');
    tsrunc('delete', 'c');
    assert.is(ok('systemctl list-units --all --no-legend "tsrunc-*.scope"'), '');
    assert.is(ok('find /sys/fs/cgroup -name "tsrunc-c.scope"'), '');
  },
);

systemd('annotations are properties of the scope', () => {
  const annotated = (annotations: Record<string, string>) =>
    lab.bundle((spec) => {
      delete spec.linux.cgroupsPath;
      spec.annotations = annotations;
    });
  const bundle = annotated({
    'org.systemd.property.TimeoutStopSec': '7',
    'org.systemd.property.Description': "'it\\'s mine'",
    'org.systemd.property.After': '[\'basic.target\', "shutdown.target"]',
    other: 'kept',
  });
  create(bundle, 'd');
  const { After = '', ...others } = properties(
    'tsrunc-d.scope',
    'TimeoutStopUSec',
    'Description',
    'After',
  );
  assert.equal(others, { TimeoutStopUSec: '7s', Description: "it's mine" });
  assert.match(After, 'basic.target');
  tsrunc('delete', 'd');
  assert.match(
    refused(annotated({ 'org.systemd.property.TimeoutStopSec': 'soon' }), 'e'),
    /TimeoutStopSec/,
  );
  assert.match(refused(annotated({ 'org.systemd.property.no': '1' }), 'e'), /"no"/);
  assert.match(refused(annotated({ 'org.systemd.property.Nonsense': '1' }), 'e'), /Nonsense/);
  assert.is(ok('systemctl list-units --all --no-legend "tsrunc-*.scope"'), '');
});

systemd('names that are none, and one that is taken, are refused', () => {
  const named = (cgroupsPath: string) =>
    lab.bundle((spec) => {
      spec.linux.cgroupsPath = cgroupsPath;
    });
  for (const path of [
    '/a/b',
    'a:b',
    'a.slice:b:c:d',
    'a:b:c',
    'a--b.slice:x:y',
    'a.slice:x:y z',
    'a.slice:x:y.slice',
  ])
    assert.match(refused(named(path), 'f'), /linux\.cgroupsPath/, path);
  create(named(':x:taken'), 'g');
  assert.match(refused(named(':x:taken'), 'h'), /x-taken\.scope/);
  assert.is(JSON.parse(tsrunc('state', 'g')).status, 'created');
  tsrunc('delete', 'g');
});

without('without systemd it says so, and what to use', () => {
  const bundle = lab.bundle((spec) => {
    delete spec.linux.cgroupsPath;
  });
  const says = lab.fails(['--systemd-cgroup', 'run', '--bundle', bundle, lab.name()]);
  assert.match(says, /systemd could not ask for its cgroup: .*--cgroup-manager cgroupfs/);
});

systemd('containers have left no scope', async () => {
  // What systemd itself and its bus have is theirs.
  const left = (await world?.remove()) ?? [];
  assert.equal(
    left.filter((path) => path.endsWith('.scope')),
    [],
  );
});

lab.finish(test);
