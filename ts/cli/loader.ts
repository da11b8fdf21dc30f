/**
 * What Node begins with, when the launcher (cpp/launcher) has found it. Compiling the command's code costs a third of a call, so V8's compiled form of
 * it is kept beside it (see install.ts). V8 itself checks that it made the form, of this very text; where
 * it didn't (another Node), or where there is none, the text is compiled as usual.
 */
import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { cacheFile, readBundle } from './bundle-files.js';

function readCache(): Buffer | undefined {
  try {
    return readFileSync(cacheFile(__dirname));
  } catch {
    return undefined;
  }
}

const { file, source } = readBundle(__dirname);
const cachedData = readCache();
const script = new Script(source, { filename: file, ...(cachedData && { cachedData }) });
script.runInThisContext()(require, file);
