/**
 * Stands in for `tsrunc run` where there is no container: the "container" is a command on the terminal whose
 * master and slave are descriptors 3 and 4 (see terminals.py), or, with `pipes` as first argument, on this process's stdio.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import type { Cancellation } from '../../../ts/cancellation.js';
import { exitCode } from '../../../ts/cli/exit.js';
import { runInForeground } from '../../../ts/console/foreground.js';
import { callersWindowSize } from '../../../ts/console/window-size.js';
import type { RunningContainer } from '../../../ts/lifecycle/options.js';
import { loadNative } from '../../../ts/native/addon.js';
import type { ExitStatus } from '../../../ts/native/native.js';

const [mode, script = ''] = process.argv.slice(2);
const terminal = mode === 'terminal';
const native = loadNative();

function start(): ChildProcess {
  if (!terminal) return spawn('sh', ['-c', script], { stdio: 'inherit', detached: true });
  // What create does with its option `windowSize`.
  const size = callersWindowSize(native);
  if (size !== undefined) native.setWindowSize(3, size);
  const child = spawn('setsid', ['-c', 'sh', '-c', script], { stdio: [4, 4, 4] });
  closeSync(4);
  return child;
}

async function run(interrupted: Cancellation): Promise<RunningContainer> {
  if (mode === 'slow') {
    // A creation that takes until it is interrupted.
    process.stderr.write('creating\n');
    const hold = setInterval(() => {}, 1000);
    await new Promise<void>((resolve) => {
      interrupted.addEventListener('abort', resolve, { once: true });
    });
    clearInterval(hold);
    interrupted.throwIfAborted();
  }
  const child = start();
  const ended = new Promise<ExitStatus>((resolve) =>
    child.once('exit', (code, name) =>
      resolve(name === null ? { code: code ?? 1 } : { signal: constants.signals[name] }),
    ),
  );
  return {
    id: 'fake',
    pid: child.pid ?? 0,
    stdin: null,
    stdout: null,
    stderr: null,
    console: terminal ? 3 : null,
    wait: () => ended,
    kill: (name) => void child.kill(name as NodeJS.Signals),
  };
}

runInForeground(native, run).then(
  (status) => {
    process.exitCode = exitCode(status);
  },
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  },
);
