/** Makes a fresh clone on a fresh machine ready to build. Plain Node: it runs before there is a node_modules. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { nodePrefix, packageManager, requirements } from './requirements.mjs';
import { isMain, main, root, run, StepError, step } from './steps.mjs';

const commands = {
  'apt-get': { refresh: ['update'], install: ['install', '-y', '--no-install-recommends'] },
  dnf: { refresh: ['makecache'], install: ['install', '-y'] },
  apk: { refresh: ['update'], install: ['add'] },
};

function checkNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (process.platform !== 'linux') throw new StepError('tsrunc runs on Linux only.');
  if (major < 20) throw new StepError(`tsrunc needs Node 20 or newer, this is ${process.version}.`);
  if (nodePrefix() === undefined) {
    throw new StepError(
      `The headers of Node are not beside ${process.execPath} (../include/node/node_api.h): ` +
        'install Node from nodejs.org or NodeSource, or the package with its headers (libnode-dev on Debian).',
    );
  }
}

/** npm writes node_modules/.package-lock.json when an installation is complete. */
function modulesAreFresh() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  const lock = join(root, 'package-lock.json');
  if (!existsSync(installed)) return false;
  return !existsSync(lock) || statSync(installed).mtimeMs >= statSync(lock).mtimeMs;
}

async function installModules() {
  // Not `npm ci`: it refuses a lock that lacks the packages for other platforms, and a registry that
  // doesn't have them all makes such a lock. Either way the locked versions are what is installed.
  // Nobody needs the packages' own scripts, and ours would compile before there is a compiler.
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', 'npm', ['install', '--no-save', ...quiet]);
}

async function installPackages(manager, names) {
  const { refresh, install } = commands[manager];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const installNames = () => run('packages', manager, [...install, ...names], { env });
  // A fresh image has no package index yet, and an old index names packages that are gone.
  const indexed =
    manager !== 'apt-get' ||
    readdirSync('/var/lib/apt/lists').some((name) => name.includes('_Packages'));
  if (indexed) {
    try {
      await installNames();
      return;
    } catch {
      // Once more, with a new index.
    }
  }
  await run('package-index', manager, refresh, { env });
  await installNames();
}

const missing = () => requirements.filter((requirement) => !requirement.present());
const listOf = (absent) => absent.map((requirement) => requirement.what).join(', ');

/** Installs what is missing of npm's and of the system's packages; throws a StepError that says what to do. */
export async function setup() {
  checkNode();
  if (!modulesAreFresh()) await step('installing npm packages', installModules);
  const absent = missing();
  if (absent.length === 0) return;
  const manager = packageManager();
  if (manager === undefined) {
    throw new StepError(`Missing: ${listOf(absent)}. Please install it and try again.`);
  }
  const names = [...new Set(absent.flatMap((requirement) => requirement.names[manager]))];
  if (process.getuid() !== 0) {
    const command = [manager, ...commands[manager].install, ...names].join(' ');
    throw new StepError(`Missing: ${listOf(absent)}. Please run as root: ${command}`);
  }
  await step(`installing ${names.join(' ')} (${manager})`, () => installPackages(manager, names));
  const left = missing();
  if (left.length > 0) {
    throw new StepError(
      `Still missing after the installation: ${listOf(left)}. Please install it by hand.`,
    );
  }
}

if (isMain(import.meta.url)) await main(setup);
