/**
 * `node test/conformance/mutation.mjs [OPERATION…]`: is each operation of the planner tested? In a copy of the tree
 * the encoder leaves one kind of operation out; then a rule of this suite, or else an integration test, must fail.
 * Prints a table for docs/spec-conformance.md; ends with status 1 when an operation can be left out unseen.
 *
 * A mutant may do to the machine what a container should do to itself. So everything runs in a mount namespace where
 * only the copy's folder can be written, and the suite makes its other namespaces in there.
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

const tree = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'mutation-'));
const copy = join(folder, 'tree');
const temporary = join(folder, 'tmp');

/** Where a mutant is seen soonest. Without a word here, the whole suite looks, then the integration tests. */
const hints = {
  setDumpable: { tests: ['parentage', 'interference', 'namespaces', 'rootless'] },
  setOomScoreAdj: { rules: ['oomScoreAdj'] },
  raiseRlimit: { rules: ['rlimits'], tests: ['process'] },
  enterRootfs: { rules: ['UserNamespace'] },
  openSource: { rules: ['UserNamespace', 'idmap'], tests: ['mounts', 'namespaces'] },
  becomeRoot: { rules: ['UserNamespace'], tests: ['namespaces'] },
  newSession: { rules: ['configProcess/terminal'], tests: ['terminal', 'process'] },
  joinSessionKeyring: { tests: ['process', 'namespaces', 'interference'] },
  setHostname: { rules: ['configHostname'] },
  setDomainname: { rules: ['Domainname'] },
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

function inCopy(args, timeout = 600) {
  // The suite and the tests get no tty, no network's name and no file of the machine to write.
  const script = `mount --bind '${folder}' '${folder}'; mount -o remount,bind,ro /; exec "$@"`;
  const env = { ...process.env, TMPDIR: temporary };
  for (const name of ['NODE_EXTRA_CA_CERTS', 'NODE_OPTIONS']) delete env[name];
  const command = [
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-ec',
    script,
    'sh',
    process.execPath,
  ];
  return spawnSync('unshare', [...command, ...args], {
    cwd: copy,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    timeout: timeout * 1000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const suite = (...args) =>
  inCopy(['--import', 'tsx', 'test/conformance/main.ts', '--format', 'json', ...args]);

function build() {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/build.mjs'], {
    cwd: copy,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the mutant can't be built: ${stdout}${stderr}`);
}

const encoder = join(copy, 'ts/native/encode.ts');

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
  const runs = [...(rules ? [rules] : []), ...(tests.length > 0 ? [] : [[]])];
  for (const patterns of runs) {
    const { stdout } = suite('--bail', ...known, ...patterns);
    const found = stdout.startsWith('{') ? JSON.parse(stdout).results : [];
    const failure = found.find(({ status }) => status === 'FAIL');
    if (failure) return failure.id;
  }
  for (const name of [...tests, ...integration.filter((each) => !tests.includes(each))]) {
    const { status, stdout } = inCopy(['--import', 'tsx', `test/integration/${name}.test.ts`], 300);
    if (status !== 0)
      return `test/integration/${name}: ${/FAIL.*"(.*)"/.exec(stdout)?.[1] ?? 'ended'}`;
  }
  if (tests.length === 0) return undefined;
  const { stdout } = suite('--bail', ...known);
  return JSON.parse(stdout).results.find(({ status }) => status === 'FAIL')?.id;
}

function main(wanted) {
  for (const name of readdirSync(tree)) {
    if (['node_modules', '.git'].includes(name)) continue;
    cpSync(join(tree, name), join(copy, name), {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
    });
  }
  symlinkSync(join(tree, 'node_modules'), join(copy, 'node_modules'));
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
  const before = JSON.parse(suite().stdout).results.filter(({ status }) => status === 'FAIL');
  const known = before.flatMap(({ id }) => ['--except', id]);
  const integration = readdirSync(join(copy, 'test/integration'))
    .map((name) => name.replace('.test.ts', ''))
    .filter((name) => name !== 'conformance')
    .filter(
      (name) => inCopy(['--import', 'tsx', `test/integration/${name}.test.ts`], 300).status === 0,
    );
  console.log('| operation left out | what fails |\n|---|---|');
  let survivors = 0;
  for (const operation of wanted.length > 0 ? wanted : all) {
    const found = killer(operation, original, known, integration);
    if (found === undefined) ++survivors;
    console.log(`| ${operation} | ${found ?? '**nothing**'} |`);
  }
  return survivors;
}

try {
  process.exitCode = main(process.argv.slice(2)) === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
