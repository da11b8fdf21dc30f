/** Each flag of exec by what it does, with runc and the runtime under test. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { loadNative } from '../../ts/native/addon.js';
import { gone } from '../support/processes.js';
import { Bed, environment } from './bed.js';
import { cgroupsOf } from './cgroups.js';
import { type Mutate, type Side, sidesOf } from './sides.js';

const bed = new Bed({ runc: 'runc' });
const { same } = sidesOf(bed);
const native = loadNative();

/** Runs `scenario` beside a container, which is removed then. */
async function beside(
  side: Side,
  id: string,
  scenario: (pid: number) => unknown,
  mutate?: Mutate,
): Promise<unknown> {
  const pid = side.running(id, mutate);
  try {
    return await scenario(pid);
  } finally {
    side.call(['delete', '--force', id]);
  }
}

const status = (field: string): string => `grep ${field} /proc/self/status`;

same('--user, --additional-gids, --cap, --no-new-privs, --cwd, --env', (side) =>
  beside(
    side,
    'flags',
    () => {
      const sh = (script: string, ...flags: string[]): unknown =>
        side.success('exec', ...flags, 'flags', 'sh', '-c', script);
      return [
        sh('id -u; id -g; id -G'),
        sh('id -u; id -g; id -G', '--user', '7:8', '-g', '9', '-g', '10'),
        sh('id -u; id -g', '-u', '7'),
        sh(`${status('Cap')}; ${status('NoNewPrivs')}`),
        sh(status('Cap'), '--cap', 'CAP_NET_RAW', '--cap', 'CAP_CHOWN'),
        sh(status('NoNewPrivs'), '--no-new-privs'),
        sh('pwd; echo $A $B', '--cwd=/home', '-e', 'A=1', '-e', 'B=2'),
        sh('echo $A', '--env', 'A=1', '--env', 'A=2'),
      ];
    },
    (spec) => {
      spec.process.noNewPrivileges = false;
    },
  ),
);

same('--process: the file says it all', (side) =>
  beside(side, 'process', () => {
    const file = join(side.folder, 'process.json');
    const run = (process: object): unknown => {
      const whole = { cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 }, ...process };
      writeFileSync(file, JSON.stringify(whole));
      return side.success('exec', '--process', file, 'process');
    };
    const sh = (script: string): string[] => ['sh', '-c', script];
    const kill = ['CAP_KILL'];
    return [
      run({ args: sh('id -u; id -G'), user: { uid: 5, gid: 6, additionalGids: [7, 8] } }),
      run({
        // Not of open files: Go's runtime, in runc, now and then raises the soft one at the same moment.
        args: sh('ulimit -Sc; ulimit -Hc'),
        rlimits: [{ type: 'RLIMIT_CORE', soft: 512, hard: 1024 }],
      }),
      run({
        args: sh(status('Cap')),
        capabilities: { bounding: kill, effective: kill, permitted: kill },
      }),
      run({ args: sh(status('NoNewPrivs')), noNewPrivileges: true }),
      run({ args: sh('cat /proc/self/oom_score_adj') }),
      run({ args: ['echo', 'no path'], env: ['A=1', 'PATH=/bin'] }),
    ];
  }),
);

same('--preserve-fds, and no others', (side) =>
  beside(side, 'fds', () => {
    const script = 'for i in 3 4 5; do test -e /proc/self/fd/$i && cat <&$i; done; true';
    const file = join(side.folder, 'preserved');
    writeFileSync(file, 'kept\n');
    return ['0', '1'].map((count) => {
      const fds = [file, file].map((each) => openSync(each, 'r'));
      const outcome = side.call(
        ['exec', '--preserve-fds', count, 'fds', 'sh', '-c', script],
        // The second one stays behind in both calls.
        { fds },
      );
      fds.forEach(closeSync);
      return outcome;
    });
  }),
);

same('--detach: its pid, and it goes on', (side) =>
  beside(side, 'detached', async () => {
    const file = join(side.folder, 'detached.pid');
    const flags = ['--detach', '--pid-file', file];
    const started = side.success('exec', ...flags, 'detached', 'sleep', '1000');
    const pid = Number(readFileSync(file, 'utf8'));
    const cgroup = (of: number): string => readFileSync(`/proc/${of}/cgroup`, 'utf8');
    const shared = cgroup(pid) === cgroup(side.pid('detached'));
    process.kill(pid, 'SIGKILL');
    await gone(native, pid);
    return [started, shared, side.status('detached')];
  }),
);

same(
  '--ignore-paused: joins a paused container, and runs once it goes on',
  (side) =>
    beside(side, 'frozen', async () => {
      const seen = [side.success('pause', 'frozen'), side.failure('exec', 'frozen', 'true')];
      const [program, ...args] = side.command(
        'exec',
        '--ignore-paused',
        'frozen',
        'echo',
        'thawed',
      );
      const child = spawn(program, args, {
        env: environment(),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = Promise.all([text(child.stdout), once(child, 'close')]);
      seen.push(side.status('frozen'), side.success('resume', 'frozen'));
      const [stdout, [code]] = await ended;
      return [...seen, stdout, code];
    }),
  ['pause'],
);

same(
  '--apparmor, --process-label: what the host can not give is refused, and nothing runs',
  (side) =>
    beside(side, 'labels', () =>
      [
        ['--apparmor', 'no-such-profile'],
        ['--process-label', 'no:such:label'],
      ].map((flags) => {
        const { code, stdout, stderr } = side.call(['exec', ...flags, 'labels', 'echo', 'ran']);
        return [code, stdout, /apparmor|selinux/i.test(stderr)];
      }),
    ),
);

same("--cgroup: below the container's, on cgroup v1", (side) =>
  beside(side, 'below', (pid) => {
    const own = /^\d+:pids:(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
    const [folder = ''] = cgroupsOf(own.split('/').at(-1) ?? '').filter((it) =>
      it.includes('/pids/'),
    );
    if (folder === '') return 'no cgroup v1';
    mkdirSync(join(folder, 'sub'));
    const file = join(side.folder, 'below.pid');
    const flags = ['--cgroup', 'pids:sub', '--detach', '--pid-file', file];
    const started = side.success('exec', ...flags, 'below', 'sleep', '1000');
    const joined = readFileSync(join(folder, 'sub/cgroup.procs'), 'utf8');
    const seen = [started, joined === `${readFileSync(file, 'utf8')}\n`];
    seen.push(side.success('kill', '--all', 'below', 'KILL'));
    return gone(native, Number(readFileSync(file, 'utf8'))).then(() => {
      rmdirSync(join(folder, 'sub'));
      return [...seen, side.failure('exec', '--cgroup', 'nosuch:x', 'below', 'true')];
    });
  }),
);

same('what can not be run: 255 and the sentence; a process of its own keeps its status', (side) =>
  beside(side, 'fails', () => [
    ...['nix', '/nix', '/etc', '/etc/passwd', '/etc/passwd/x'].map((it) =>
      side.failure('exec', 'fails', it),
    ),
    // In other words here: Docker takes "no such file" for the command's.
    side.call(['exec', '--process', '/nowhere', 'fails']).code,
    side.call(['exec', '--detach', 'fails', 'nix']).code,
    side.call(['exec', '--tty', '--detach', 'fails', 'true']).code,
    side.call(['exec', '--user', 'x', 'fails', 'true']).code,
    side.success('exec', 'fails', 'sh', '-c', 'exit 255'),
    side.success('exec', 'fails', 'sh', '-c', 'kill -9 $$'),
    side.success('exec', 'fails', 'sh', '-c', 'kill -TERM $$'),
  ]),
);

bed.finish();
