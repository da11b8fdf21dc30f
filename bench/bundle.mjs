/** What all runtimes are given to run. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/steps.mjs';

/**
 * Writes a bundle, over the one of that name if there is one: the default configuration without a terminal.
 *
 * @param folder where it will be, beside the root file system
 * @param memory the limit in bytes; none by default
 */
export async function makeBundle(folder, name, args, cgroupsPath, memory) {
  const { defaultSpec } = await import(join(root, 'dist/index.js'));
  const spec = defaultSpec();
  // The oldest peers here know 1.0 and refuse what is newer.
  spec.ociVersion = '1.0.2';
  spec.process.terminal = false;
  spec.process.args = args;
  spec.root.path = join(folder, 'rootfs');
  spec.linux.cgroupsPath = cgroupsPath;
  if (memory !== undefined) {
    spec.linux.resources = { ...spec.linux.resources, memory: { limit: memory } };
  }
  const bundle = join(folder, name);
  mkdirSync(bundle, { recursive: true });
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec));
  return bundle;
}
