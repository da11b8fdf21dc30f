import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TsruncError } from '../errors.js';
import { defaultSpec, rootlessSpec } from '../spec/default.js';
import type { Action } from './commands.js';

export const action: Action<'spec'> = async ({ flags }) => {
  const spec = flags.rootless
    ? rootlessSpec(process.geteuid?.() ?? 0, process.getegid?.() ?? 0)
    : defaultSpec();
  const file = join(flags.bundle ?? '.', 'config.json');
  try {
    writeFileSync(file, `${JSON.stringify(spec, undefined, 2)}\n`, { flag: 'wx' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'EEXIST' ? 'is there already: remove it first' : `can't be written (${code})`;
    throw new TsruncError(`${file} ${why}`, { code: code ?? 'EIO', path: file, cause: error });
  }
};
