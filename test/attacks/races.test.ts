/**
 * Links that change while a mount's target is looked up (CVE-2021-30465), made (CVE-2024-45310) or masked
 * (CVE-2025-31133): in a folder that the attacker shares with the container, it is now a folder, now a link to one of the host's.
 * TSRUNC_ROUNDS says how many containers are tried.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Runtime } from '../../ts/index.js';
import { Lab, type TestSpec } from '../support/lab.js';
import { skipUnless } from '../support/skip.js';

const test = suite('races');
const lab = new Lab();
const rounds = Number(process.env['TSRUNC_ROUNDS'] ?? 100);
const python = skipUnless(
  process.geteuid?.() === 0 && spawnSync('python3', ['-V']).status === 0,
  'root and python3',
);

/** A process that swaps two paths all the time. */
class Racer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(one: string, other: string) {
    const program = fileURLToPath(new URL('../support/racer.py', import.meta.url));
    this.#child = spawn('python3', [program, one, other], { stdio: ['pipe', 'pipe', 'inherit'] });
    const input = this.#child.stdout as NonNullable<ChildProcess['stdout']>;
    this.#lines = createInterface({ input })[Symbol.asyncIterator]();
  }

  static async start(one: string, other: string): Promise<Racer> {
    const racer = new Racer(one, other);
    assert.is((await racer.#lines.next()).value, 'racing');
    return racer;
  }

  /** Resolves with how often it has swapped them. */
  async stop(): Promise<number> {
    this.#child.stdin?.end();
    const { value } = await this.#lines.next();
    await once(this.#child, 'exit');
    return Number(value);
  }
}

/** What must stay as it is: a folder of the host. */
function treasure(): string {
  const folder = join(lab.folder, lab.name());
  mkdirSync(join(folder, 'sub'), { recursive: true });
  writeFileSync(join(folder, 'file'), 'precious');
  writeFileSync(join(folder, 'null'), 'precious');
  return folder;
}

function assertUntouched(folder: string): void {
  assert.equal(readdirSync(folder).sort(), ['file', 'null', 'sub']);
  assert.equal(readdirSync(join(folder, 'sub')), []);
  assert.is(readFileSync(join(folder, 'file'), 'utf8'), 'precious');
  assert.not.match(readFileSync('/proc/self/mountinfo', 'utf8'), folder);
}

/**
 * Runs many containers of one bundle while `shared/way` is swapped with a link to the host's folder.
 * Each must end well or be refused, see none of the host's files, and leave the host's folder alone.
 */
async function race(configure: (spec: TestSpec, host: string) => void, script: string) {
  const host = treasure();
  let shared = '';
  const bundle = lab.bundle(
    (spec, folder) => {
      shared = join(folder, 'rootfs/shared');
      mkdirSync(join(shared, 'way'), { recursive: true });
      writeFileSync(join(shared, 'way/file'), '');
      symlinkSync(host, join(shared, 'link'));
      spec.root.readonly = false;
      spec.process.args = ['sh', '-c', script];
      configure(spec, host);
    },
    { rootfs: 'private' },
  );
  const runtime = new Runtime({ root: lab.root });
  const racer = await Racer.start(join(shared, 'way'), join(shared, 'link'));
  let refused = 0;
  try {
    for (let round = 0; round < rounds; round++) {
      try {
        const container = await runtime.run(lab.name(), {
          bundle,
          stdio: ['ignore', 'ignore', 'ignore'],
        });
        assert.is((await container.wait()).code, 0, `round ${round}`);
      } catch (error) {
        if (!(error instanceof Error) || !('stage' in error)) throw error;
        refused++;
      }
    }
  } finally {
    const swaps = await racer.stop();
    assert.ok(swaps > rounds, `${swaps} swaps in ${rounds} rounds`);
  }
  assertUntouched(host);
  return refused;
}

// Where the host's file isn't to be seen the script ends with 0.
const nothingOfTheHost = '! grep -q precious /shared/*/file';

python(test)('mounts below a link that changes stay in the container', async () => {
  await race((spec, host) => {
    spec.mounts.push(
      { destination: '/shared/way/sub', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/shared/way/new/deep', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/shared/way/file', type: 'bind', source: `${host}/null`, options: ['bind'] },
    );
  }, 'true');
});

python(test)('devices below a link that changes are made in the container', async () => {
  await race((spec) => {
    spec.linux.devices = [
      { type: 'c', path: '/shared/way/null', major: 1, minor: 3, fileMode: 0o666 },
      { type: 'c', path: '/shared/way/made/zero', major: 1, minor: 5 },
    ];
  }, nothingOfTheHost);
});

python(test)('masked and read-only paths through a link that changes', async () => {
  await race((spec) => {
    spec.linux.maskedPaths = ['/shared/way/file', '/shared/way/sub'];
    spec.linux.readonlyPaths = ['/shared/way'];
  }, nothingOfTheHost);
});

python(test)('a working directory and a program through a link that changes', async () => {
  await race((spec) => {
    spec.process.cwd = '/shared/way';
  }, `case "$(pwd -P)" in /shared/way|/shared/link|${lab.folder}*) ;; *) exit 1;; esac; ${nothingOfTheHost}`);
});

lab.finish(test);
