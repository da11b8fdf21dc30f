/**
 * Compiles the command for the Node that runs this, and keeps the result beside it. Run by the build and
 * once more when the package is installed. That it can't be written costs time at each start, no more.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { cacheFile, readBundle, WHOLE } from './bundle-files.js';

const { file, source } = readBundle(__dirname);
// Functions that were not run yet are compiled too; the flag is taken back since V8 refuses what was
// made under other flags than it runs with.
setFlagsFromString('--no-lazy');
const script = new Script(source, { filename: file });
setFlagsFromString('--lazy');
const target = cacheFile(__dirname, WHOLE);
try {
  writeFileSync(`${target}.new`, script.createCachedData());
  renameSync(`${target}.new`, target);
} catch (error) {
  console.error(`tsrunc: the compiled form of the command can't be kept: ${String(error)}`);
}
