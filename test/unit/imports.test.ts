import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

/**
 * ARCHITECTURE.md, "Where things are": what a room may import from other rooms. Types are free, as
 * they are gone at run time; only the command line's are nobody's. `errors`, `undo`, `cancellation`, `recent` and `index` are files.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  index: ['errors', 'lifecycle', 'spec'],
  cli: ['console', 'errors', 'lifecycle', 'native', 'plan', 'resident', 'spec'],
  lifecycle: [
    'cancellation',
    'cgroup',
    'console',
    'errors',
    'events',
    'hooks',
    'host',
    'native',
    'network',
    'plan',
    'recent',
    'resctrl',
    'spec',
    'state',
    'undo',
  ],
  console: ['cancellation', 'errors', 'native'],
  hooks: ['errors', 'native', 'spec'],
  events: ['cgroup', 'errors', 'native'],
  network: ['errors', 'native', 'undo'],
  resctrl: ['errors', 'spec', 'undo'],
  resident: ['errors', 'native', 'plan/operations'],
  state: ['errors', 'native'],
  host: ['cgroup', 'errors', 'native'],
  cgroup: ['errors', 'native', 'spec'],
  plan: ['errors', 'spec'],
  spec: ['errors', 'recent'],
  // The table of messages is what the wire format is made from; it imports nothing.
  native: ['errors', 'plan/messages'],
  undo: ['errors'],
  cancellation: [],
  recent: [],
  errors: [],
};

/** Modules of Node that compute and do nothing else. */
const pure = new Set(['node:path']);

const tree = fileURLToPath(new URL('../..', import.meta.url));

function filesOf(folder: string): string[] {
  return readdirSync(join(tree, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(tree, join(entry.parentPath, entry.name)));
}

const text = (file: string): string => readFileSync(join(tree, file), 'utf8');
const sources = filesOf('ts').filter((file) => file.endsWith('.ts'));

/** What each file imports that is there at run time, by the bundler that ships it: paths in the tree, or names of packages. */
const graph: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries(
    buildSync({
      entryPoints: sources,
      absWorkingDir: tree,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
      outdir: 'unused',
      write: false,
      metafile: true,
      logLevel: 'silent',
    }).metafile.inputs,
  ).map(([file, { imports }]) => [file, imports.map(({ path }) => path)]),
);
const importsOf = (file: string): readonly string[] => graph.get(file) ?? [];

const isOurs = (path: string): boolean => path.startsWith('ts/');
/** `plan/mounts` of `ts/plan/mounts.ts`. */
const moduleOf = (file: string): string => file.replace(/^ts\//, '').replace(/\.ts$/, '');
const roomOf = (file: string): string => moduleOf(file).split('/')[0] ?? '';

test('the bundler sees every file', () => {
  assert.equal(
    sources.filter((file) => !graph.has(file)),
    [],
  );
  assert.ok(importsOf('ts/cli/carry-out.ts').includes('ts/cli/create.ts'));
});

test('rooms import one way', () => {
  const wrong: string[] = [];
  for (const file of sources) {
    for (const imported of importsOf(file).filter(isOurs)) {
      if (roomOf(file) === roomOf(imported)) continue;
      const allowed = mayImport[roomOf(file)] ?? [];
      if (allowed.includes(roomOf(imported)) || allowed.includes(moduleOf(imported))) continue;
      wrong.push(`${file} imports ${imported}`);
    }
  }
  assert.equal(wrong, []);
});

test('no file imports itself, by whatever way', () => {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) {
      circles.push([...way.slice(way.indexOf(file)), file].join(' → '));
    } else if (!done.has(file)) {
      for (const imported of importsOf(file).filter(isOurs)) visit(imported, [...way, file]);
      done.add(file);
    }
  };
  for (const file of sources) visit(file, []);
  assert.equal(circles, []);
});

test('spec and plan do no I/O, nor does anything that they import', () => {
  const impure: string[] = [];
  const visit = (file: string, way: readonly string[], seen: Set<string>): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const imported of importsOf(file)) {
      if (isOurs(imported)) visit(imported, [...way, imported], seen);
      else if (!pure.has(imported)) impure.push([...way, imported].join(' → '));
    }
  };
  const planning = sources.filter((file) => ['spec', 'plan'].includes(roomOf(file)));
  for (const file of planning) {
    visit(file, [file], new Set());
    if (/getBuiltinModule|createRequire|\brequire\(|\bfetch\(/.test(text(file)))
      impure.push(`${file} loads a module by a back door`);
  }
  assert.ok(planning.length > 10);
  assert.equal(impure, []);
});

test('nobody imports the command line, not even its types', () => {
  const others = sources.filter((file) => roomOf(file) !== 'cli');
  assert.equal(
    others.filter((file) => /['"](\.\.?\/)+cli\//.test(text(file))),
    [],
  );
});

test('only ts/native loads the addon', () => {
  assert.equal(
    sources.filter((file) => /\bdlopen\(|node-gyp-build['"]|\.node['"]/.test(text(file))),
    ['ts/native/addon.ts', 'ts/native/load.ts'],
  );
});

test('only cpp/addon includes napi.h', () => {
  const including = filesOf('cpp').filter((file) =>
    /#\s*include\s*[<"](napi|node_api|node)\.h/.test(text(file)),
  );
  assert.ok(including.length > 0);
  assert.equal(
    including.filter((file) => !file.startsWith(`cpp${sep}addon${sep}`)),
    [],
  );
});

const ours = ['ts', 'cpp', 'test', 'scripts', 'bench'].flatMap(filesOf);

test('no file has more than 400 lines', () => {
  const generated = 'cpp/core/operations.h';
  const long = ours
    .filter((file) => /\.(ts|mjs|cc|h|c|S)$/.test(file) && file !== generated)
    .map((file) => ({ file, lines: text(file).trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > 400)
    .map(({ file, lines }) => `${file}: ${lines}`);
  assert.equal(long, []);
});

test('no folder or file is called for having no subject', () => {
  const rooms = ours.flatMap((file) => file.split(sep)).map((part) => part.replace(/\..*$/, ''));
  assert.equal(
    rooms.filter((name) => /^(utils?|helpers?|common|misc)$/.test(name)),
    [],
  );
});

test.run();
