/**
 * Builds the daemons that Debian doesn't have, or not yet, with Go, from its module proxy, into `.cache/newest`: for
 * `npm run daemons -- --newest`. Needs a network, Go, and for CRI-O a C compiler; `npm test` doesn't use it.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { executable } from './requirements.mjs';
import { root, run, StepError, step } from './steps.mjs';

const containerd = {
  module: 'github.com/containerd/containerd/v2',
  version: 'v2.1.4',
  programs: ['containerd', 'containerd-shim-runc-v2', 'ctr'],
  tags: 'no_btrfs,no_devmapper,no_zfs,no_tracing,urfave_cli_no_docs',
  cgo: '0',
};
const crio = {
  module: 'github.com/cri-o/cri-o',
  version: 'v1.34.0',
  programs: ['crio'],
  tags: 'containers_image_openpgp,exclude_graphdriver_btrfs',
  cgo: '1',
};

/** Resolves with the folders of the programs, to be put in front of PATH. */
export async function buildNewest() {
  if (executable('go') === undefined)
    throw new StepError('--newest needs Go: apt-get install golang-go.');
  return [await buildModule(containerd), await buildCrio()];
}

async function buildCrio() {
  const folder = await buildModule(crio);
  if (existsSync(join(folder, 'pinns'))) return folder;
  // The program that makes the namespaces of pods is in C.
  const sources = join(moduleFolder(folder, crio), 'pinns/src');
  const files = readdirSync(sources).filter((name) => name.endsWith('.c'));
  const args = ['-O2', '-o', 'pinns', ...files.map((name) => join(sources, name))];
  await step('building pinns', () => run('pinns', 'cc', args, { cwd: folder }));
  return folder;
}

async function buildModule({ module, version, programs, tags, cgo }) {
  const name = module.split('/')[2];
  const folder = join(root, '.cache/newest', `${name}-${version}`);
  mkdirSync(folder, { recursive: true });
  const missing = programs.filter((each) => !existsSync(join(folder, each)));
  if (missing.length === 0) return folder;
  // `go install` refuses a module with exclude directives; as a dependency of another it is built.
  const imports = programs.map((each) => `import _ "${module}/cmd/${each}"`).join('\n');
  writeFileSync(join(folder, 'go.mod'), `module newest\n\nrequire ${module} ${version}\n`);
  writeFileSync(join(folder, 'tools.go'), `//go:build tools\n\npackage newest\n\n${imports}\n`);
  // The module is checked against Go's database of checksums, and its own dependencies against what it says of them.
  copyFileSync(join(moduleFolder(folder, { module, version }), 'go.sum'), join(folder, 'go.sum'));
  const env = { ...goEnvironment(), CGO_ENABLED: cgo };
  for (const each of missing) {
    const args = ['build', '-tags', tags, '-o', each, `${module}/cmd/${each}`];
    await step(`building ${each} ${version}`, () =>
      run(`go-${each}`, 'go', args, { cwd: folder, env }),
    );
  }
  return folder;
}

/** Where Go keeps the module's sources; downloads them if need be. */
function moduleFolder(cwd, { module, version }) {
  const args = ['mod', 'download', '-json', `${module}@${version}`];
  const { stdout, stderr } = spawnSync('go', args, { cwd, env: goEnvironment(), encoding: 'utf8' });
  try {
    return JSON.parse(stdout).Dir;
  } catch {
    throw new StepError(`go mod download ${module}@${version}: ${stderr || stdout}`);
  }
}

const goEnvironment = () => ({ ...process.env, GOFLAGS: '-mod=mod -buildvcs=false' });
