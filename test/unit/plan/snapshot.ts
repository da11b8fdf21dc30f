import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';

const folder = fileURLToPath(new URL('./snapshots', import.meta.url));
const update = process.env['UPDATE_SNAPSHOTS'] === '1';
const used = new Set<string>();

/** Compares with snapshots/NAME.txt and shows the difference; UPDATE_SNAPSHOTS=1 writes the file instead. */
export function matchSnapshot(name: string, text: string): void {
  const file = join(folder, `${name}.txt`);
  used.add(`${name}.txt`);
  if (update) {
    mkdirSync(folder, { recursive: true });
    return writeFileSync(file, text);
  }
  assert.ok(existsSync(file), `there is no ${file}: make it with UPDATE_SNAPSHOTS=1`);
  assert.fixture(text, readFileSync(file, 'utf8'), `${name} is planned otherwise`);
}

/** The snapshots that no test has asked for. */
export function unusedSnapshots(): string[] {
  return readdirSync(folder).filter((name) => !used.has(name));
}
