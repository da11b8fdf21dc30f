/**
 * `main.ts [--runtime NAME|PATH]… [--format text|json|tap|markdown] [--jobs N] [--cgroups v1|v2|host] [PATTERN…]`
 *
 * Calls itself again inside namespaces of its own (view.ts), where the tests run. Ends with status 1 when a rule
 * fails, 2 when the suite itself can't run.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { patience } from '../support/patience.js';
import { type Format, formats, parseReport, report } from './report.js';
import { makeTools } from './rootfs.js';
import { allRules } from './rules/index.js';
import { runRules } from './runner.js';
import { findRuntime } from './runtime.js';
import { type CgroupView, defaultView, removeCgroups, runInView } from './view.js';

/** Seconds that one test may take. */
const PATIENCE = 60;

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runtime: { type: 'string', multiple: true, default: ['tsrunc'] },
      format: { type: 'string', default: 'text' },
      jobs: { type: 'string', default: String(Math.min(4, availableParallelism())) },
      cgroups: { type: 'string' },
      progress: { type: 'boolean', default: process.stderr.isTTY === true },
      bail: { type: 'boolean', default: false },
      from: { type: 'string' },
      except: { type: 'string', multiple: true, default: [] },
    },
  });
  const format = values.format as Format;
  if (!formats.includes(format)) throw new Error(`--format is one of ${formats.join(', ')}.`);
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < 1) throw new Error('--jobs takes a number from 1.');
  const cgroups = (values.cgroups ?? defaultView()) as CgroupView;
  if (!['v1', 'v2', 'host'].includes(cgroups)) throw new Error('--cgroups is v1, v2 or host.');
  return { ...values, format, jobs, cgroups, patterns: positionals };
}

/** Makes a folder and the view, and takes both away again. */
async function outside(): Promise<number> {
  const { cgroups, from, format } = options();
  if (from !== undefined) {
    const { results, runtimes } = parseReport(readFileSync(from, 'utf8'));
    console.log(report(format, results, runtimes));
    return 0;
  }
  if (process.geteuid?.() !== 0)
    throw new Error('The suite makes namespaces of its own: it wants root.');
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
  // Users that are mapped into a container's user namespace must get to its root.
  chmodSync(folder, 0o755);
  const env = {
    ...process.env,
    CONFORMANCE_FOLDER: folder,
    CONFORMANCE_NAME: basename(folder),
  };
  const self = [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)];
  try {
    return await runInView([...self, ...process.argv.slice(2)], cgroups, env);
  } finally {
    removeCgroups(env.CONFORMANCE_NAME);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function inside(folder: string, name: string): Promise<number> {
  const { runtime: wanted, format, jobs, patterns, progress, bail, except } = options();
  const matches = (id: string): boolean =>
    patterns.length === 0 || patterns.some((pattern) => id.includes(pattern));
  const rules = allRules.filter(({ id }) => matches(id) && !except.includes(id));
  if (rules.length === 0) throw new Error(`No rule's name contains ${patterns.join(' or ')}.`);
  const runtimes = [];
  for (const each of wanted) runtimes.push(await findRuntime(each, folder));
  const place = { folder, cgroup: basename(name), tools: makeTools(join(folder, 'tools')) };
  let done = 0;
  const results = await runRules(rules, runtimes, place, {
    jobs,
    patience: patience(PATIENCE),
    onResult: ({ status, rule, runtime }) => {
      const count = `${++done}/${rules.length * runtimes.length}`;
      if (progress) process.stderr.write(`\r\x1b[K${count} ${status} ${runtime} ${rule.id}`);
      return bail && status === 'FAIL';
    },
  });
  if (progress) process.stderr.write('\r\x1b[K');
  // Written to the end before the process ends, also into a pipe.
  const text = `${report(format, results, runtimes)}\n`;
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
  return results.some(({ status }) => status === 'FAIL') ? 1 : 0;
}

const { CONFORMANCE_FOLDER: folder, CONFORMANCE_NAME: name } = process.env;
try {
  const code = folder && name ? await inside(folder, name) : await outside();
  process.exit(code);
} catch (error) {
  console.error((error as Error).message);
  process.exit(2);
}
