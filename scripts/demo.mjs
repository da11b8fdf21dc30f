/** `npm run demo`: from a fresh clone to a running container, and what the world looks like inside. */
import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { busyboxBundle } from './busybox-bundle.mjs';
import { main, root, StepError, step } from './steps.mjs';

/** The committed bundle's configuration, but with its shell not on a terminal. */
function writeBundle(folder) {
  const bundle = busyboxBundle();
  const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'));
  config.root.path = join(bundle, 'rootfs');
  config.process.terminal = false;
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config, null, 2));
}

/** Feeds demo.sh to the container's shell and prints what comes back; resolves with the exit code. */
function runContainer(folder, kleur) {
  const id = `demo-${process.pid}`;
  const args = ['run', '--bundle', folder, id];
  console.log(`\n${kleur.dim(`$ tsrunc run --bundle ${folder} ${id}`)}`);
  const script = openSync(join(root, 'bundle-fixtures/busybox/demo.sh'), 'r');
  const child = spawn(join(root, 'dist/tsrunc'), args, {
    cwd: root,
    stdio: [script, 'pipe', 'inherit'],
  });
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      console.log(line.startsWith('@') ? `\n${kleur.bold().cyan(line.slice(1))}` : `  ${line}`);
    }
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
}

await main(async () => {
  if (process.getuid() !== 0)
    throw new StepError('The demo makes cgroups and mounts: please run it as root.');
  await build();
  const folder = mkdtempSync(join(tmpdir(), 'tsrunc-demo-'));
  try {
    await step('assembling a bundle from busybox', () => writeBundle(folder));
    const { default: kleur } = await import('kleur');
    const since = performance.now();
    const code = await runContainer(folder, kleur);
    const took = Math.round(performance.now() - since);
    if (code !== 7)
      throw new StepError(`The container should have exited with 7, but tsrunc returned ${code}.`);
    console.log(`\n${kleur.green('✓')} exit code 7 came back; all of it took ${took} ms.`);
    console.log(
      `\nA shell in it: ${kleur.bold('dist/tsrunc run -b bundle-fixtures/busybox shell')}`,
    );
    console.log(
      `What the kernel is asked to do: ${kleur.bold('dist/tsrunc plan bundle-fixtures/busybox')}`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
