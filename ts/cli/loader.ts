/**
 * What Node begins with, which the launcher (cpp/launcher) has found. Compiling the command's code costs a third of a call, so V8's compiled form of
 * it is kept beside it: of all of it (install.ts), and, for the commands that daemons call all the time, of
 * what such a call has used. The first call that may write there keeps that; it's a fourth of the
 * whole, and to take it over costs as much less. V8 itself checks that it made the form, of a text
 * of this length; where it didn't (another Node), or where there is none, the text is compiled as usual.
 */
import {
  accessSync,
  constants,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Script } from 'node:vm';
import { loadUsual } from '../native/load.js';
import { cacheFile, readBundle, WHOLE } from './bundle-files.js';

const frequent = ['create', 'start', 'run', 'exec', 'state', 'kill', 'delete'];

// Its own way to files is a millisecond shorter than Node's.
const addon = loadUsual(dirname(__dirname));
const readBytes = addon?.mapFile ?? readFileSync;
// The bundler writes ASCII, which is fastest to read as what it is.
const readText = addon?.readLatin1 ?? ((path: string) => readFileSync(path, 'latin1'));

function readCache(part: string): Uint8Array | undefined {
  try {
    return readBytes(cacheFile(__dirname, part));
  } catch {
    return undefined;
  }
}

/** Nobody waits for it but this once, and nothing depends on it. */
function keep(part: string): void {
  const target = cacheFile(__dirname, part);
  const unfinished = `${target}.${process.pid}`;
  try {
    writeFileSync(unfinished, script.createCachedData(), { flag: 'wx' });
    renameSync(unfinished, target);
  } catch {
    rmSync(unfinished, { force: true });
  }
}

const mayKeep = (): boolean => {
  try {
    accessSync(__dirname, constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

function readCode(): ReturnType<typeof readBundle> {
  try {
    return readBundle(__dirname, readText);
  } catch (error) {
    const why = (error as Error).message;
    writeSync(
      2,
      `tsrunc: the command's own code can't be read: ${why}: install the package again\n`,
    );
    process.exit(1);
  }
}

const { file, source } = readCode();
const part = process.argv.slice(2).find((argument) => frequent.includes(argument));
const kept = part === undefined ? undefined : readCache(part);
// What is taken over from the whole would be kept with the part.
const cachedData = kept ?? (part !== undefined && mayKeep() ? undefined : readCache(WHOLE));
const script = new Script(source, { filename: file, ...(cachedData && { cachedData }) });
// Refused is what a V8 with other flags has made, or a damaged one.
const learning = cachedData === undefined || (kept !== undefined && script.cachedDataRejected);
if (part !== undefined && learning)
  process.on('exit', (code) => {
    if (code === 0) keep(part);
  });
script.runInThisContext()(require, file, addon);
