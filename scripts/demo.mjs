/** `npm run demo`: from a fresh clone to a running container, and what the world looks like inside. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { busyboxBundle } from './busybox-bundle.mjs';
import { main, root, StepError, step } from './steps.mjs';

/** A line that begins with `@` is a heading. */
const inside = `
echo "@Who am I?"
id
hostname
echo "@What runs here?"
ps -o pid,user,args
echo "@What is mounted?"
mount | while read -r source _ target _ type options; do
  case $target in
    /proc/*|/sys/firmware) masked="$masked $target" ;;
    *) printf '%-22s %-8s %s\\n' "$target" "$type" "\${options%%,*})" ;;
  esac
done
echo "@Which devices are there?"
ls -l /dev | grep '^c' | awk '{ print $1, $5 $6, $NF }'
echo "@What may root do here?"
grep -E '^Cap(Prm|Eff|Bnd)|^NoNewPrivs' /proc/self/status
hostname other 2>&1
mknod /tmp/disk b 8 0 2>&1
touch /file 2>&1
echo "@Which limits apply?"
ulimit -n | sed 's/^/open files: /'
for file in memory/memory.limit_in_bytes memory.max pids/pids.max pids.max; do
  [ -r /sys/fs/cgroup/$file ] && echo "$file: $(cat /sys/fs/cgroup/$file)"
done
exit 7
`;

/** The committed bundle's configuration, without a terminal and with the script above as its process. */
function writeBundle(folder) {
  const bundle = busyboxBundle();
  const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'));
  config.root.path = join(bundle, 'rootfs');
  config.process.terminal = false;
  config.process.args = ['/bin/sh', '-c', inside];
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config, null, 2));
}

/** Runs the container and resolves with its exit code; prints what it prints, with headings in colour. */
function runContainer(folder, kleur) {
  const id = `demo-${process.pid}`;
  const args = ['dist/tsrunc.cjs', 'run', '--bundle', folder, id];
  console.log(`\n${kleur.dim(`$ tsrunc run --bundle ${folder} ${id}`)}`);
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
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
    console.log(
      `\n${kleur.green('✓')} exit code 7 came back; it took ${took} ms, and nothing was left behind.`,
    );
    console.log(
      `\nA shell in it: ${kleur.bold('node dist/tsrunc.cjs run -b bundle-fixtures/busybox shell')}`,
    );
    console.log(
      `What the kernel is asked to do: ${kleur.bold('node dist/tsrunc.cjs plan bundle-fixtures/busybox')}`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
