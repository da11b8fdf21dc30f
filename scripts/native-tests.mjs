/** `npm run test:native`: the programs of cpp/test under AddressSanitizer and UBSan. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setup } from './setup.mjs';
import { isMain, main, root, run, step } from './steps.mjs';

const folder = join(root, '.cache', 'asan');

/** The program that runs each test as its child and reaps what that leaves. */
export const subreaper = join(folder, 'subreaper');

export async function buildNativeTests() {
  const options = ['-DTSRUNC_SANITIZE=ON', '-DTSRUNC_ADDON=OFF', '-DCMAKE_BUILD_TYPE=Debug'];
  // A program whose source is gone would otherwise be run for ever.
  rmSync(join(folder, 'tests'), { recursive: true, force: true });
  await run('cmake', 'cmake', ['-S', root, '-B', folder, ...options]);
  await run('native-tests', 'cmake', [
    '--build',
    folder,
    '--parallel',
    String(availableParallelism()),
  ]);
}

/** The paths of the built test programs. */
export function nativeTests() {
  const tests = join(folder, 'tests');
  return existsSync(tests) ? readdirSync(tests).map((name) => join(tests, name)) : [];
}

if (isMain(import.meta.url)) {
  await main(async () => {
    await setup();
    await step('building the native tests', buildNativeTests);
    for (const program of nativeTests()) {
      const name = program.slice(program.lastIndexOf('/') + 1);
      await step(name, () => run(name, subreaper, ['120', program]));
    }
  });
}
