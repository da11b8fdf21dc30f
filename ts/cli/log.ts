import { closeSync, openSync, writeSync } from 'node:fs';
import { TsruncError } from '../errors.js';
import { type Writer, write as writeHere } from './output.js';

export const levels = ['error', 'warning', 'info', 'debug'] as const;
export type Level = (typeof levels)[number];
export type LogFormat = 'text' | 'json';

export interface LogOptions {
  readonly file: string | undefined;
  readonly format: LogFormat;
  readonly level: Level;
}

/** Where a command says what isn't its result. Until it is opened, everything goes to stderr. */
export class Log {
  #fd: number | undefined;
  #format: LogFormat = 'text';
  #level: Level = 'info';
  readonly #write: Writer;
  /** The command as stderr names it. */
  name = 'tsrunc';

  constructor(write: Writer = writeHere) {
    this.#write = write;
  }

  /**
   * Opens the log file, which is made if it isn't there and appended to if it is.
   * Done before the command begins, so that nothing was changed yet when it can't be written.
   *
   * @throws TsruncError with the errno's name.
   */
  open({ file, format, level }: LogOptions): void {
    this.#format = format;
    this.#level = level;
    if (file === undefined) return;
    try {
      this.#fd = openSync(file, 'a', 0o644);
    } catch (error) {
      const { code, errno } = error as NodeJS.ErrnoException;
      throw new TsruncError(
        `the log file ${file} can't be written (${code}): correct --log, or make its folder`,
        {
          code: code ?? 'EIO',
          path: file,
          ...(errno !== undefined && { errno: -errno }),
          cause: error,
        },
      );
    }
  }

  /** To be called when nothing more will be said. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Goes to the log file and, as one line, to stderr: conmon and the people at a terminal read only that. */
  error(message: string): void {
    this.#append('error', message);
    this.#write(2, `${this.name}: ${oneLine(message)}\n`);
  }

  warning(message: string): void {
    this.#say('warning', message);
  }

  info(message: string): void {
    this.#say('info', message);
  }

  debug(message: string): void {
    this.#say('debug', message);
  }

  #say(level: Level, message: string): void {
    if (levels.indexOf(level) > levels.indexOf(this.#level)) return;
    if (this.#fd === undefined) this.#write(2, `${this.name}: ${level}: ${oneLine(message)}\n`);
    else this.#append(level, message);
  }

  #append(level: Level, message: string): void {
    if (this.#fd === undefined) return;
    try {
      // One write for a line: with O_APPEND two commands can't get into each other's lines.
      writeSync(this.#fd, `${formatLine(this.#format, level, message, new Date())}\n`);
    } catch (error) {
      this.#write(2, `${this.name}: the log can't be written: ${(error as Error).message}\n`);
    }
  }
}

/** One line of the log file, without its end. containerd decodes `time` strictly as RFC 3339. */
export function formatLine(format: LogFormat, level: Level, message: string, now: Date): string {
  const time = now.toISOString();
  if (format === 'json') return JSON.stringify({ level, msg: message, time });
  return `time="${time}" level=${level} msg=${JSON.stringify(message)}`;
}

/** Callers relay one line, or one read, of stderr. */
export function oneLine(message: string): string {
  return message.replace(/\s*[\r\n]+\s*/g, ' ').trim();
}
