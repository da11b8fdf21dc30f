/** What all runtimes are given to run. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/steps.mjs';

const specs = {
  /** What Docker 20.10 asks for without flags: namespaces, mounts, capabilities, devices and its seccomp profile. */
  docker: () => JSON.parse(readFileSync(join(root, 'bundle-fixtures/docker/config.json'), 'utf8')),
  /** What `tsrunc spec` writes: less is mounted, and nothing filtered. */
  spec: async () => {
    const { defaultSpec } = await import(join(root, 'dist/index.js'));
    const spec = defaultSpec();
    // The oldest peers here know 1.0 and refuse what is newer.
    spec.ociVersion = '1.0.2';
    spec.process.terminal = false;
    return spec;
  },
};

/** The names of what a bundle may be made from. */
export const origins = Object.keys(specs);

/**
 * Writes a bundle, over the one of that name if there is one.
 *
 * @param folder where it will be, beside the root file system
 * @param memory the limit in bytes; none by default
 * @param origin one of `origins`
 */
export async function makeBundle(
  folder,
  name,
  args,
  cgroupsPath,
  { memory, origin = 'docker' } = {},
) {
  const spec = await specs[origin]();
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
