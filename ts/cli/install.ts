/**
 * What an installed package gets beyond what was packed, all of it for this machine and this Node. Run by the
 * build, and once more when the package is installed. That something can't be written costs time, no more.
 */
import {
  accessSync,
  constants,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { cacheFile, readBundle, WHOLE } from './bundle-files.js';

/** Compiles the command for this Node, and keeps the result beside it. */
function keepCompiled(): void {
  const { file, source } = readBundle(__dirname, (path) => readFileSync(path, 'latin1'));
  // V8 refuses what was made under other flags than it runs with: so these are the launcher's, and the one
  // by which functions are compiled that were not run yet is taken back.
  setFlagsFromString('--no-rehash-snapshot');
  setFlagsFromString('--no-verify-snapshot-checksum');
  setFlagsFromString('--no-sparkplug');
  setFlagsFromString('--min-semi-space-size=4');
  setFlagsFromString('--no-lazy');
  const script = new Script(source, { filename: file });
  setFlagsFromString('--lazy');
  const target = cacheFile(__dirname, WHOLE);
  writeFileSync(`${target}.new`, script.createCachedData());
  renameSync(`${target}.new`, target);
}

/** The launcher runs the command with the Node that it was installed with: it finds this link beside the code. */
function recordNode(): void {
  link(process.execPath, join(__dirname, 'node'));
}

/** Puts the launcher in the place of the script that was packed, where there is one for this machine. */
function useLauncher(): void {
  const places = ['build/Release/tsrunc', `prebuilds/linux-${process.arch}/tsrunc`];
  const place = places.find((path) => isProgram(join(dirname(__dirname), path)));
  if (place !== undefined) link(join('..', place), join(__dirname, 'tsrunc'));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Makes a link, in one step when something is in its place: the command may be called meanwhile. */
function link(target: string, path: string): void {
  rmSync(`${path}.new`, { force: true });
  symlinkSync(target, `${path}.new`);
  renameSync(`${path}.new`, path);
}

for (const [what, act] of [
  ['the compiled form of the command', keepCompiled],
  ['the path of Node', recordNode],
  ['the launcher', useLauncher],
] as const) {
  try {
    act();
  } catch (error) {
    console.error(`tsrunc: ${what} can't be written: ${String(error)}`);
  }
}
