/**
 * `node test/conformance/mutation.mjs [--known REPORT] [OPERATION…]`: is each operation of the planner tested? In a copy of the tree
 * the encoder leaves one kind of operation out; then a rule of this suite, or else an integration test, must fail.
 * REPORT is what `--format json` has printed for this tree; else the suite runs first to see what fails anyway.
 * Prints a table for docs/spec-conformance.md; ends with status 1 when an operation can be left out unseen.
 *
 * A mutant may do to the machine what a container should do to itself: signal its processes, write its files. So all
 * runs in namespaces of its own, pids among them, where only the copy's folder can be written.
 */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const tree = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'mutation-'));
const copy = join(folder, 'tree');
/** The same without any mutation. */
const pristine = join(folder, 'pristine');
const temporary = join(folder, 'tmp');

/** Whether this process has a capability, capabilities(7). */
const mayDo = (number) => {
  const mask = /CapEff:\t(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> BigInt(number)) & 1n) === 1n;
};

/** Where a mutant is seen soonest. Without a word here, the whole suite looks, then the integration tests. */
const hints = {
  setDumpable: { tests: ['dumpable'] },
  setOomScoreAdj: { rules: ['oomScoreAdj'] },
  raiseRlimit: { tests: ['process'], capability: 24 },
  enterRootfs: { rules: ['UserNamespace'] },
  openSource: { rules: ['UserNamespace', 'idmap'], tests: ['mounts', 'namespaces'] },
  becomeRoot: { rules: ['UserNamespace'], tests: ['namespaces'] },
  newSession: { rules: ['configProcess/terminal'], tests: ['terminal', 'process'] },
  joinSessionKeyring: { tests: ['process', 'namespaces', 'interference'] },
  setHostname: { rules: ['configHostname'] },
  setDomainname: { rules: ['Domainname'] },
  joinNamespaces: { rules: ['configLinuxNamespaces/ipc/path', 'configLinuxNamespaces/pid/path'] },
  createUserNamespace: { rules: ['UserNamespace'] },
  setAffinity: { rules: ['execCPUAffinity'] },
  openFileSystem: { rules: ['configPOSIXMounts'], tests: ['id-mapped-mounts'] },
  makeUserNamespace: { rules: ['configPOSIXMounts'] },
  openNamespace: { rules: ['configLinuxNamespaces'] },
  openTimeOffsets: { rules: ['TimeOffset'] },
  createTimeNamespace: { rules: ['TimeOffset'] },
  takeRootOf: { rules: ['execCPUAffinity'] },
  joinProcess: { rules: ['execCPUAffinity'] },
  prepareExec: { tests: ['seccomp', 'exec', 'process'] },
  announceExec: { rules: ['execCPUAffinity', 'runtimeStart'] },
  awaitNetDevices: { rules: ['NetworkDevices'] },
  adoptRoot: { rules: ['configLinuxNamespaces/mount'], tests: ['exec'] },
  setMemoryPolicy: { rules: ['MemoryPolicy'] },
  setPersonality: { rules: ['Personality'] },
  findHome: { tests: ['process'] },
  setNice: { tests: ['scheduling'] },
  setScheduler: { rules: ['scheduler.'], tests: ['scheduling'] },
  setIoPriority: { rules: ['ioPriority'], tests: ['scheduling'] },
  awaitCgroup: { tests: ['systemd'] },
  setSoftLimit: { rules: ['rlimits.none'] },
  clone: { rules: ['runtimeLifecycle'] },
  openRoot: { rules: ['runtimeLifecycle'] },
  mount: { rules: ['configLinuxDefaultFilesystems'] },
  makeNode: { rules: ['configLinuxDevices'] },
  symlink: { rules: ['runtime-linux'] },
  awaitHooks: { rules: ['configHooks/createRuntime'] },
  changeRoot: { rules: ['runtimeLifecycle', 'runtimeCreate'] },
  awaitStart: { rules: ['runtimeLifecycle'] },
  exec: { rules: ['runtimeStart'] },
  loopbackUp: { rules: ['network'], tests: ['namespaces'] },
  writeSysctl: { rules: ['Sysctl'] },
  setMountPropagation: { rules: ['Propagation', 'mount/'], tests: ['root', 'mounts'] },
  bindMount: { rules: ['configMounts'] },
  bindNode: { rules: ['configLinuxDevices'] },
  openConsole: { rules: ['configProcess/terminal'] },
  runHook: { rules: ['configHooks/createContainer'] },
  setRootPropagation: { rules: ['Propagation'] },
  remount: { rules: ['configRoot', 'remount'] },
  maskPath: { rules: ['MaskedPaths'] },
  readonlyPath: { rules: ['ReadonlyPaths'] },
  makeWorkingDirectory: { tests: ['process'] },
  changeDirectory: { rules: ['configProcess/cwd'] },
  findExecutable: { rules: ['configProcess/args'] },
  setRlimit: { rules: ['rlimits'] },
  setUmask: { rules: ['umask'] },
  setNoNewPrivileges: { rules: ['noNewPrivileges'] },
  loadSeccomp: { rules: ['configLinuxSeccomp/action'] },
  setBoundingSet: { rules: ['capabilities'] },
  setUser: { rules: ['POSIXUser'] },
  setCapabilities: { rules: ['capabilities'] },
};

/** Runs Node in the copy with nothing of the machine in reach: its processes, mounts, devices and files. */
function run(where, args, timeout = 600) {
  // The shell stays: it is the first of its pid namespace and reaps.
  const script = `mount --bind '${folder}' '${folder}'; mount -o remount,bind,ro /; set +e; "$@"; exit $?`;
  const env = { ...process.env, TMPDIR: temporary };
  for (const name of ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS']) delete env[name];
  const own = ['--mount', '--propagation', 'private', '--pid', '--net', '--uts', '--ipc'];
  const flags = [...own, '--fork', '--kill-child', '--mount-proc'];
  const command = ['--pdeathsig', 'KILL', 'unshare', ...flags, 'sh', '-ec', script, 'sh'];
  return spawnSync('setpriv', [...command, process.execPath, ...args], {
    cwd: where,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    timeout: timeout * 1000,
    // unshare(1) ignores the usual one.
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const suite = (...args) =>
  run(copy, ['--import', 'tsx', 'test/conformance/main.ts', '--format', 'json', ...args]);

/** The first rule that fails, if any does. */
function firstFailure(...args) {
  const { stdout } = suite(...args);
  const results = stdout.startsWith('{') ? JSON.parse(stdout).results : [];
  return results.find(({ status }) => status === 'FAIL')?.id;
}

function build() {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/build.mjs'], {
    cwd: copy,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the mutant can't be built: ${stdout}${stderr}`);
}

const encoder = join(copy, 'ts/native/encode.ts');

const integrationTest = (where, name) =>
  run(where, ['--import', 'tsx', `test/integration/${name}.test.ts`], 300);

/** Whether a test passes in here without any mutation; else it kills no mutant. */
const sound = new Map();
function isSound(name) {
  if (!sound.has(name)) sound.set(name, integrationTest(pristine, name).status === 0);
  return sound.get(name);
}

/** What fails when this kind of operation is left out; undefined when nothing does. */
function killer(operation, original, known, integration) {
  const line = 'const all = [...program.stage, ...program.create, ...program.start]';
  if (!original.includes(line))
    throw new Error('the encoder has another form: mutation.mjs must follow it');
  writeFileSync(
    encoder,
    original.replace(line, `${line}.filter((one) => one.op !== '${operation}')`),
  );
  build();
  const { rules, tests = [] } = hints[operation] ?? {};
  const inSuite = (...patterns) => {
    const failure = firstFailure('--bail', ...known, ...patterns);
    // Once more: a busy machine also makes tests fail.
    return failure && firstFailure(failure);
  };
  const seen = (rules && inSuite(...rules)) ?? (tests.length === 0 ? inSuite() : undefined);
  if (seen) return seen;
  for (const name of [...tests, ...integration.filter((each) => !tests.includes(each))]) {
    const { status, stdout } = integrationTest(copy, name);
    if (status === 0 || !isSound(name)) continue;
    if (integrationTest(copy, name).status !== 0)
      return `test/integration/${name}: ${/FAIL.*"(.*)"/.exec(stdout)?.[1] ?? 'ended'}`;
  }
  return tests.length === 0 ? undefined : inSuite();
}

function main({ values, positionals: wanted }) {
  const options = { recursive: true, preserveTimestamps: true, verbatimSymlinks: true };
  for (const name of readdirSync(tree)) {
    if (['node_modules', '.git'].includes(name)) continue;
    for (const each of [copy, pristine]) cpSync(join(tree, name), join(each, name), options);
  }
  for (const each of [copy, pristine])
    symlinkSync(join(tree, 'node_modules'), join(each, 'node_modules'));
  mkdirSync(temporary);
  const original = readFileSync(encoder, 'utf8');
  const table = readFileSync(join(copy, 'ts/plan/operations.ts'), 'utf8');
  const body = table.slice(
    table.indexOf('export const operations = {'),
    table.indexOf('export type OperationName'),
  );
  const all = [...body.matchAll(/^ {2}(\w+): \{/gm)].map(([, name]) => name);
  build();
  // What fails without any mutation kills no mutant.
  const report = values.known === undefined ? suite().stdout : readFileSync(values.known, 'utf8');
  const before = JSON.parse(report).results.filter(
    ({ status, runtime }) => status === 'FAIL' && runtime === 'tsrunc',
  );
  const known = before.flatMap(({ id }) => ['--except', id]);
  const integration = readdirSync(join(copy, 'test/integration'))
    .map((name) => name.replace('.test.ts', ''))
    .filter((name) => name !== 'conformance');
  console.log('| operation left out | what fails |\n|---|---|');
  let survivors = 0;
  for (const operation of wanted.length > 0 ? wanted : all) {
    const { capability } = hints[operation] ?? {};
    if (capability !== undefined && !mayDo(capability)) {
      console.log(`| ${operation} | can’t be told: this machine lacks capability ${capability} |`);
      continue;
    }
    const found = killer(operation, original, known, integration);
    if (found === undefined) ++survivors;
    console.log(`| ${operation} | ${found ?? '**nothing**'} |`);
  }
  return survivors;
}

try {
  process.exitCode =
    main(parseArgs({ allowPositionals: true, options: { known: { type: 'string' } } })) === 0
      ? 0
      : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
