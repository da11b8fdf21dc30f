/**
 * `npm run vm [-- PATTERN]`: the integration tests, or the test files whose path contains PATTERN, in a virtual machine
 * with a full Linux: cgroup v2 with all controllers, systemd as PID 1, AppArmor. Under emulation, so many times slower.
 * `npm run vm -- --exec COMMAND` runs a shell command there, in a copy of this tree; `--shell` is a shell. `--resources`
 * writes the columns of docs/resources.md that such a machine has.
 * `--v1` boots with cgroup v1 instead, as systemd has it.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from './build.mjs';
import { busyboxBundle } from './busybox-bundle.mjs';
import { buildNativeTests } from './native-tests.mjs';
import { main, root, StepError, step } from './steps.mjs';
import { cache, image } from './vm/image.mjs';
import { boot } from './vm/machine.mjs';
import { projectArchive } from './vm/project.mjs';

/** Longer than the longest test file may take: the runner ends it and says so. */
const silence = 3600;

const v1 = 'systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1';

const document = 'docs/resources.md';
const resources = `mkdir -p .vm-out/docs; cp ${document} .vm-out/docs
TSRUNC_RESOURCES_DOCUMENT=/tsrunc/.vm-out/${document} node scripts/test.mjs --built resource-table`;

function jobFor(options, [pattern = 'test/integration/', ...more]) {
  const { exec, shell } = options;
  if (more.length > 0) throw new StepError('One PATTERN at most; commands go behind --exec.');
  if (shell) return 'exec sh -i </dev/ttyS1 2>&1';
  if (exec !== undefined) return exec;
  if (options.resources) return resources;
  return `exec node scripts/test.mjs --built '${pattern.replaceAll("'", '')}'`;
}

/** What runs have left that were killed. */
function removeStale() {
  for (const name of readdirSync(cache)) {
    const pid = /^(?:run|half)-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      rmSync(join(cache, name), { recursive: true });
  }
}

await main(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      exec: { type: 'string' },
      shell: { type: 'boolean' },
      resources: { type: 'boolean' },
      v1: { type: 'boolean' },
    },
  });
  const job = jobFor(values, positionals);
  await build();
  await step('assembling the busybox bundle', busyboxBundle);
  await step('building the native tests', buildNativeTests);
  const folder = await image();
  removeStale();
  const scratch = join(cache, `run-${process.pid}`);
  mkdirSync(scratch);
  // The default of these signals would leave the folder.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.once(signal, () => {
      rmSync(scratch, { recursive: true, force: true });
      process.exit(1);
    });
  try {
    const project = join(scratch, 'project.tar');
    await step('packing the project', () => projectArchive(project, job));
    console.log('- booting the virtual machine');
    const { status, files } = await boot({
      folder,
      project,
      scratch,
      console: join(cache, 'console.log'),
      kernelOptions: values.v1 ? v1 : '',
      interactive: values.shell === true,
      silence,
    });
    for (const [name, content] of files) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), content);
      console.log(`- written: ${name}`);
    }
    process.exitCode = status;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});
