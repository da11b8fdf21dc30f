/** `npm run sources`: writes cpp/sources.txt, the one list that both builds read; `--check` compares only. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main, root, StepError } from './steps.mjs';

const list = join(root, 'cpp', 'sources.txt');

function sources() {
  const files = ['addon', 'core', 'init', 'launcher', 'test'].flatMap((room) =>
    readdirSync(join(root, 'cpp', room))
      .filter((name) => name.endsWith('.cc'))
      .map((name) => `cpp/${room}/${name}\n`),
  );
  return files.sort().join('');
}

await main(() => {
  const text = sources();
  if (!process.argv.includes('--check')) return writeFileSync(list, text);
  if (readFileSync(list, 'utf8') !== text) {
    throw new StepError(
      'cpp/sources.txt is not the list of the sources there are: run `npm run sources`.',
    );
  }
});
