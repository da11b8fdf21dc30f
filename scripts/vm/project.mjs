/** The built project as a tar archive, which the virtual machine gets as a disk. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { root, run } from '../steps.mjs';
import { cache } from './image.mjs';

/** What the tests load; the tree's own `node_modules` has much more, for checks and bundling. */
const wanted = ['tsx', 'uvu', 'kleur', 'node-gyp-build', 'fast-check'];

const parts = [
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'binding.gyp', 'README.md'],
  ...[
    'scripts',
    'bench',
    'ts',
    'cpp',
    'test',
    'docs',
    'dist',
    'build/Release/tsrunc.node',
    'build/Release/tsrunc',
  ],
  ...['bundle-fixtures', '.cache/asan/subreaper', '.cache/stamps'],
];

/** The packages and all that they need, as far as it is there: of esbuild's, only this platform's is. */
function closure(modules, names) {
  const found = new Set();
  const add = (name) => {
    const file = join(modules, name, 'package.json');
    if (found.has(name) || !existsSync(file)) return;
    found.add(name);
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(file, 'utf8'));
    for (const other of Object.keys({ ...dependencies, ...optionalDependencies })) add(other);
  };
  names.forEach(add);
  return [...found];
}

/**
 * Writes the archive, with the job that scripts/vm/job.sh runs in it.
 *
 * @param job a shell script
 */
export async function projectArchive(archive, job) {
  mkdirSync(cache, { recursive: true });
  const script = join(cache, `${process.pid}.job`);
  writeFileSync(script, job);
  // It may be a link to another tree's.
  const modules = realpathSync(join(root, 'node_modules'));
  const names = closure(modules, wanted).map((name) => join('node_modules', name));
  const there = parts.filter((name) => existsSync(join(root, name)));
  const natives = join(root, '.cache/asan/tests');
  if (existsSync(natives))
    there.push(...readdirSync(natives).map((name) => `.cache/asan/tests/${name}`));
  const args = ['-cf', archive, '--owner=0', '--group=0', `--transform=s,^.*\\.job$,.vm-job,`];
  const rooms = ['-C', root, ...there, '-C', dirname(modules), ...names];
  await run('vm-project', 'tar', [...args, ...rooms, '-C', cache, `${process.pid}.job`]);
  rmSync(script);
}
