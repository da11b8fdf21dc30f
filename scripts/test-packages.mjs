/**
 * `npm run test:packages`: installs the daemons that test/daemons drives, without starting them, clang for the fuzzing
 * and debootstrap, on Debian and its kin. Never fails: tests whose programs are missing are skipped with that reason.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { executable } from './requirements.mjs';
import { run } from './steps.mjs';

/** What brings each program, and what belongs to it. */
const packages = {
  containerd: ['containerd'],
  dockerd: ['docker.io'],
  podman: ['podman'],
  conmon: ['conmon'],
  buildah: ['buildah'],
  runc: ['runc'],
  newuidmap: ['uidmap'],
  'clang++': ['clang', 'libclang-rt-dev'],
  debootstrap: ['debootstrap'],
};

/** Tells Debian's packages not to start what they bring; policy-rc.d(5). */
const policy = '/usr/sbin/policy-rc.d';

async function installPackages() {
  const missing = Object.keys(packages).filter((name) => executable(name) === undefined);
  if (missing.length === 0) return;
  if (process.getuid() !== 0 || executable('apt-get') === undefined) {
    console.log(
      `- not here, and not to be installed (wants root and apt-get): ${missing.join(' ')}`,
    );
    return;
  }
  const names = missing.flatMap((name) => packages[name]);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    console.log(`- installing ${names.join(' ')} (apt-get)`);
    await run('test-packages-index', 'apt-get', ['update'], { env });
    const install = ['install', '-y', '--no-install-recommends', ...names];
    await run('test-packages', 'apt-get', install, { env });
  } catch (error) {
    console.log(`${error.message}\n- their tests will be skipped`);
  } finally {
    if (ours) rmSync(policy);
  }
}

await installPackages();
