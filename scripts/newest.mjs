/**
 * Builds the newest daemons that Debian doesn't have yet, with Go, from its module proxy, into `.cache/newest`: for
 * `npm run daemons -- --newest`. Needs a network and a Go compiler; `npm test` doesn't use it.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { executable } from './requirements.mjs';
import { root, run, StepError, step } from './steps.mjs';

const containerd = 'v2.1.4';
const programs = ['containerd', 'containerd-shim-runc-v2', 'ctr'];
const tags = 'no_btrfs,no_devmapper,no_zfs,no_tracing,urfave_cli_no_docs';

/** Resolves with the folder of the programs, to be put in front of PATH. */
export async function buildNewest() {
  if (executable('go') === undefined)
    throw new StepError('--newest needs Go: apt-get install golang-go.');
  const folder = join(root, '.cache/newest', containerd);
  mkdirSync(folder, { recursive: true });
  const module = 'github.com/containerd/containerd/v2';
  // `go install` refuses a module with exclude directives; as a dependency of another it is built.
  const imports = programs.map((name) => `import _ "${module}/cmd/${name}"`).join('\n');
  writeFileSync(join(folder, 'go.mod'), `module newest\n\nrequire ${module} ${containerd}\n`);
  writeFileSync(join(folder, 'tools.go'), `//go:build tools\n\npackage newest\n\n${imports}\n`);
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod -buildvcs=false' };
  for (const name of programs.filter((each) => !existsSync(join(folder, each)))) {
    const args = ['build', '-tags', tags, '-o', name, `${module}/cmd/${name}`];
    await step(`building ${name} ${containerd}`, () =>
      run(`go-${name}`, 'go', args, { cwd: folder, env }),
    );
  }
  return folder;
}
