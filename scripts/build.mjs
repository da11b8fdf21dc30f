/** `npm run build`: addon, bundles and type declarations; each only when its inputs have changed. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { setup } from './setup.mjs';
import { isMain, main, root, run, StepError, step } from './steps.mjs';

/** A hash of the contents of files and folders: times differ between clones, contents don't. */
function hashOf(paths) {
  const hash = createHash('sha256').update(process.version + process.arch);
  const add = (path) => {
    hash.update(`${relative(root, path)}\0`).update(readFileSync(path));
  };
  for (const path of paths.map((name) => join(root, name))) {
    if (!existsSync(path)) continue;
    for (const file of filesIn(path)) add(file);
  }
  return hash.digest('hex');
}

function filesIn(path) {
  try {
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      .sort();
  } catch (error) {
    if (error.code === 'ENOTDIR') return [path];
    throw error;
  }
}

/** Runs `make` as a step unless the inputs are those of last time and all the outputs are there. */
async function unlessFresh(title, { inputs, outputs }, make) {
  const stamp = join(root, '.cache', 'stamps', title.replaceAll(' ', '-'));
  const hash = hashOf(inputs);
  const fresh = outputs.every((name) => existsSync(join(root, name)));
  if (fresh && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  await step(title, make);
  mkdirSync(join(root, '.cache', 'stamps'), { recursive: true });
  writeFileSync(stamp, hash);
}

const typescript = [
  'ts',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

async function native() {
  await run('native', process.execPath, ['scripts/node-gyp.mjs', 'rebuild']);
}

/** One bundle; a warning of the bundler is an error. */
async function bundleOne(options) {
  const { build: esbuild, formatMessages } = await import('esbuild');
  const { errors, warnings } = await esbuild({
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node20',
    minifySyntax: true,
    logLevel: 'silent',
    ...options,
  }).catch((failure) => failure);
  const messages = [...errors, ...warnings];
  if (messages.length === 0) return;
  throw new StepError((await formatMessages(messages, { kind: 'error' })).join('\n'));
}

async function bundle() {
  const dist = join(root, 'dist');
  const stale = existsSync(dist) ? readdirSync(dist).filter((name) => name.endsWith('.cache')) : [];
  for (const name of stale) rmSync(join(dist, name));
  await bundleOne({
    entryPoints: ['ts/cli/main.ts'],
    outfile: 'dist/cli.cjs',
    format: 'cjs',
    // Node reads and scans the whole file at every start: half the bytes save a millisecond.
    minify: true,
    define: { 'import.meta.filename': '__filename', LOADED_ADDON: 'addon' },
    // The loader runs it as a Script, where there is no import().
    supported: { 'dynamic-import': false },
    banner: { js: '(function (require, __filename, addon) {const module = { exports: {} };' },
    footer: { js: '})' },
  });
  const text = readFileSync(join(root, 'dist/cli.cjs'));
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const define = { BUNDLE_HASH: JSON.stringify(hash) };
  await bundleOne({
    entryPoints: ['ts/cli/loader.ts'],
    outfile: 'dist/tsrunc.cjs',
    format: 'cjs',
    define,
  });
  await bundleOne({
    entryPoints: ['ts/cli/install.ts'],
    outfile: 'dist/install.cjs',
    format: 'cjs',
    define,
  });
  await run('install', process.execPath, ['dist/install.cjs']);
  await bundleOne({
    entryPoints: ['ts/index.ts'],
    outfile: 'dist/index.js',
    format: 'esm',
    // Found in the user's node_modules, once for all who need them.
    packages: 'external',
  });
}

async function declarations() {
  await run('types', join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json']);
}

/** Builds what is out of date. Set-up comes first, so a fresh clone works. */
export async function build() {
  await setup();
  await unlessFresh(
    'compiling the addon',
    {
      inputs: [
        'cpp/addon',
        'cpp/core',
        'cpp/init',
        'cpp/launcher',
        'cpp/freestanding.gypi',
        'cpp/sources.txt',
        'cpp/exports.map',
        'binding.gyp',
      ],
      outputs: ['build/Release/tsrunc.node', 'build/Release/tsrunc'],
    },
    native,
  );
  await unlessFresh(
    'bundling the TypeScript',
    { inputs: [...typescript, 'scripts/build.mjs'], outputs: ['dist/tsrunc', 'dist/index.js'] },
    bundle,
  );
  await unlessFresh(
    'writing type declarations',
    { inputs: typescript, outputs: ['dist/types/index.d.ts'] },
    declarations,
  );
}

/** Puts a stripped addon and the launcher for this platform into prebuilds/, where an installed package has them. */
export async function prebuild() {
  await build();
  await step('making the prebuilt addon', () =>
    run('prebuild', join(root, 'node_modules/.bin/prebuildify'), [
      '--napi',
      '--strip',
      `--cache=${join(root, '.cache/prebuildify')}`,
      `--target=${process.versions.node}`,
      `--node-gyp=${join(root, 'scripts/node-gyp.mjs')}`,
    ]),
  );
  // prebuildify moves the addon away; the tree keeps its own.
  await build();
  const place = join(root, 'prebuilds', `linux-${process.arch}`, 'tsrunc');
  copyFileSync(join(root, 'build/Release/tsrunc'), place);
  chmodSync(place, 0o755);
  // What is packed runs on every machine; `postpack` gives the tree its launcher back.
  rmSync(join(root, 'dist/tsrunc'), { force: true });
  copyFileSync(join(root, 'scripts/tsrunc.sh'), join(root, 'dist/tsrunc'));
  chmodSync(join(root, 'dist/tsrunc'), 0o755);
}

if (isMain(import.meta.url)) await main(process.argv.includes('--prebuild') ? prebuild : build);
