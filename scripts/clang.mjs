/** `clang.mjs format [--check]`, `clang.mjs tidy`: the C++ side's formatter and linter, over our own files. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { main, root, run, StepError } from './steps.mjs';

const folders = ['addon', 'core', 'init', 'launcher', 'test'].map((room) => `cpp/${room}`);
const files = [...folders, 'test/support'].flatMap((folder) =>
  readdirSync(join(root, folder))
    // These are generated, in the generator's own layout.
    .filter((name) => /\.(cc|h)$/.test(name) && !['operations.h', 'messages.h'].includes(name))
    .map((name) => `${folder}/${name}`),
);

function call(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error)
    throw new StepError(
      `${command} can't be started (${error.message}): install it with the package manager.`,
    );
  process.exitCode = status ?? 1;
}

await main(async () => {
  const [verb, ...rest] = process.argv.slice(2);
  if (verb === 'format') {
    const mode = rest.includes('--check') ? ['--dry-run', '--Werror'] : ['-i'];
    return call('clang-format', [...mode, ...files]);
  }
  // Configured for Clang, which doesn't know all of GCC's flags.
  const options = ['-DCMAKE_CXX_COMPILER=clang++', '-DCMAKE_ASM_COMPILER=clang'];
  await run('cmake', 'cmake', ['-S', root, '-B', join(root, '.cache/clang'), ...options]);
  const sources = files.filter((name) => name.endsWith('.cc'));
  call('clang-tidy', ['--quiet', '-p', '.cache/clang', ...sources]);
});
