import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/**
 * Makes one file of a program and all that it imports, since a start through tsx takes half a second each.
 * It lies in the tree, where it finds the addon, and goes with this process.
 */
export function bundle(program: string): string {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, '.cache', 'test-'));
  process.once('exit', () => rmSync(folder, { recursive: true }));
  const outfile = join(folder, 'program.cjs');
  buildSync({
    absWorkingDir: root,
    entryPoints: [program],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    // As it is shipped: only here are Node's own modules loaded as late as they are asked for.
    format: 'cjs',
    packages: 'external',
    define: { 'import.meta.filename': '__filename' },
    logLevel: 'warning',
  });
  return outfile;
}
