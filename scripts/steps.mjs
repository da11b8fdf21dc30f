/** Long work told as a list of steps: a line that moves on a terminal, plain lines elsewhere. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const logs = join(root, '.cache', 'logs');

const live = process.stdout.isTTY === true && !process.env.CI;
const colour = live && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
export const green = (text) => paint(32, text);
export const red = (text) => paint(31, text);
export const yellow = (text) => paint(33, text);
export const dim = (text) => paint(2, text);

/** A failure with everything in its message that the reader needs: no stack is shown. */
export class StepError extends Error {}

const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;
let detail = '';

/** Runs `action` under a title and says how long it took. Its failure is shown and thrown on. */
export async function step(title, action) {
  const since = Date.now();
  const draw = () => {
    const line = `  ${title} ${seconds(since)} ${detail}`.slice(
      0,
      (process.stdout.columns || 80) - 1,
    );
    process.stdout.write(`\r\x1b[K${dim(line)}`);
  };
  detail = '';
  const timer = live ? setInterval(draw, 200) : undefined;
  if (live) draw();
  else console.log(`- ${title}`);
  const finish = (mark, text) => {
    clearInterval(timer);
    console.log(`${live ? '\r\x1b[K' : '  '}${mark} ${text}`);
  };
  try {
    await action();
    finish(green('✓'), live ? `${title} ${dim(seconds(since))}` : seconds(since));
  } catch (error) {
    finish(red('✗'), live ? title : 'failed');
    throw error;
  }
}

/**
 * Runs a program with its output in `.cache/logs/NAME.log`, and resolves with that output.
 * Throws a StepError with the end of the output when it fails.
 */
export function run(name, command, args, options = {}) {
  mkdirSync(logs, { recursive: true });
  const file = join(logs, `${name}.log`);
  const log = openSync(file, 'w');
  writeSync(log, `$ ${command} ${args.join(' ')}\n`);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      ...options,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const take = (chunk) => {
      writeSync(log, chunk);
      const lines = chunk.toString().trimEnd().split('\n');
      detail = (lines.at(-1) ?? '').trim();
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => {
      closeSync(log);
      reject(new StepError(`${command} can't be started: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      closeSync(log);
      const output = readFileSync(file, 'utf8');
      if (code === 0) return resolve(output);
      const end = output.trimEnd().split('\n').slice(-60).join('\n');
      const how = code === null ? `was ended by ${signal}` : `failed with status ${code}`;
      const where = `the whole output is in ${relative(process.cwd(), file)}`;
      reject(new StepError(`${end}\n\n${command} ${args.join(' ')} ${how}; ${where}.`));
    });
  });
}

/** Runs a script's main function; a StepError ends it with its message and status 1. */
export async function main(action) {
  try {
    await action();
  } catch (error) {
    console.error(error instanceof StepError ? error.message : error);
    process.exitCode = 1;
  }
}

/** Whether this module is the script that node was started with. */
export const isMain = (url) =>
  process.argv[1] !== undefined && fileURLToPath(url) === process.argv[1];
