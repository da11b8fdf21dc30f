#!/usr/bin/env node
/**
 * node-gyp against the headers of the running Node, without any download, and incremental:
 * prebuildify asks for `rebuild`, which would compile once more what `npm run build` just made.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { nodePrefix } from './requirements.mjs';
import { root } from './steps.mjs';

const prefix = nodePrefix();
if (prefix === undefined) {
  console.error(`The headers of Node are not beside ${process.execPath}: see \`npm run setup\`.`);
  process.exit(1);
}
const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
const args = process.argv
  .slice(2)
  .flatMap((arg) => (arg === 'rebuild' ? ['configure', 'build'] : [arg]));
const { status } = spawnSync(
  process.execPath,
  [nodeGyp, ...args, '--jobs=max', `--nodedir=${prefix}`],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
process.exit(status ?? 1);
