/** What a user gets: the packed package, installed where there is no compiler and no registry. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { skipUnless } from '../support/skip.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const test = suite('package');
const asRoot = skipUnless(process.getuid?.() === 0, 'root')(test);

let folder = '';
let installed = '';

/** A PATH with node, npm and the shell in it, and no compiler. */
function poorPath(): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  const npm = execFileSync('/bin/sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim();
  symlinkSync(npm, join(bin, 'npm'));
  for (const name of ['sh', 'env']) {
    symlinkSync(
      execFileSync('/bin/sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim(),
      join(bin, name),
    );
  }
  return bin;
}

function pack(source: string, scripts: boolean): void {
  const args = [
    'pack',
    source,
    '--pack-destination',
    folder,
    ...(scripts ? [] : ['--ignore-scripts']),
  ];
  execFileSync('npm', args, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
}

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'package-'));
  // The package itself with its prepack; its dependencies as they are, in place of a registry.
  pack('.', true);
  for (const name of ['kleur', 'node-gyp-build']) pack(`./node_modules/${name}`, false);
  const archives = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  assert.is(archives.length, 3);

  const project = join(folder, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{"private":true}');
  const PATH = poorPath();
  execFileSync(
    'npm',
    [
      'install',
      '--offline',
      '--no-audit',
      '--no-fund',
      ...archives.map((name) => join(folder, name)),
    ],
    {
      cwd: project,
      env: { PATH, HOME: folder, npm_config_cache: join(folder, 'cache') },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  installed = join(project, 'node_modules');
});

test.after(() => rmSync(folder, { recursive: true }));

/** Runs the installed command as daemons may: with no environment at all. */
function tsrunc(args: readonly string[]): string {
  return execFileSync(join(installed, '.bin/tsrunc'), args, {
    encoding: 'utf8',
    env: {},
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

test('the package holds what is run, and no sources', () => {
  const names = readdirSync(join(installed, 'tsrunc')).sort();
  assert.equal(names, [
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'dist',
    'package.json',
    'prebuilds',
    'systemd',
  ]);
});

test('the addon needs nothing but libc', () => {
  const addon = join(installed, 'tsrunc', 'prebuilds', `linux-${process.arch}`, 'tsrunc.node');
  const dynamic = execFileSync('readelf', ['-d', addon], { encoding: 'utf8' });
  const needed = [...dynamic.matchAll(/NEEDED.*\[(.+)\]/g)].map((match) => match[1] ?? '');
  assert.ok(needed.includes('libc.so.6'), dynamic);
  const others = needed.filter(
    (name) => !/^(libc|libm|libpthread|libdl|ld-linux-[a-z0-9-]+)\.so\.\d$/.test(name),
  );
  assert.equal(others, []);
});

test('the addon exports nothing but its registration', () => {
  const addon = join(installed, 'tsrunc', 'prebuilds', `linux-${process.arch}`, 'tsrunc.node');
  const symbols = execFileSync('nm', ['-D', '--defined-only', addon], { encoding: 'utf8' })
    .trim()
    .split('\n');
  for (const symbol of symbols) assert.match(symbol, / T (napi|node_api)_/);
});

test('the installed command says its version', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  assert.ok(tsrunc(['--version']).includes(version));
});

test('the installed command is the launcher, linked with nothing', () => {
  const program = realpathSync(join(installed, '.bin/tsrunc'));
  const place = join(installed, 'tsrunc', 'prebuilds', `linux-${process.arch}`, 'tsrunc');
  assert.is(program, realpathSync(place));
  const segments = execFileSync('readelf', ['-lW', program], { encoding: 'utf8' });
  assert.match(segments, /LOAD/);
  assert.not.match(segments, /INTERP|DYNAMIC/);
});

test('the packed command runs where no script of the package was', () => {
  const bare = join(folder, 'bare');
  mkdirSync(bare);
  const archive = readdirSync(folder).find((name) => /^tsrunc-.*\.tgz$/.test(name)) ?? '';
  execFileSync('tar', ['-xf', join(folder, archive), '-C', bare]);
  symlinkSync(join(bare, 'package/dist/tsrunc'), join(bare, 'runc'));
  const output = execFileSync(join(bare, 'runc'), ['--version'], { encoding: 'utf8' });
  assert.match(output, /^runc version /);
});

asRoot('the installed command runs a container', () => {
  const bundle = join(root, 'bundle-fixtures/busybox');
  const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'));
  config.root.path = join(bundle, 'rootfs');
  config.process.terminal = false;
  config.process.args = ['sh', '-c', 'hostname; echo $$'];
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const state = join(folder, 'state');
  const output = tsrunc(['--root', state, 'run', '--bundle', folder, `package-${process.pid}`]);
  assert.is(output, 'tsrunc\n1\n');
  assert.not.ok(existsSync(join(state, `package-${process.pid}`)));
});

asRoot('the installed library lists containers', () => {
  const script =
    "import { Runtime } from 'tsrunc'; console.log(JSON.stringify(await new Runtime({ root: process.argv[1] }).list()));";
  const output = execFileSync(
    process.execPath,
    ['--input-type=module', '-e', script, join(folder, 'state')],
    {
      cwd: dirname(installed),
      encoding: 'utf8',
    },
  );
  assert.is(output, '[]\n');
});

test.run();
