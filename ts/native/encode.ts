import type { Program } from '../plan/operations.js';
import { loadNative } from './addon.js';
import type { SeccompPolicy } from './native.js';
import { FINGERPRINT, writeArguments } from './operation-encoder.js';

/** "TSRP", little-endian. */
const MAGIC = 0x50525354;

/**
 * The format that cpp/core/wire.h reads: little-endian, unaligned, strings with length and a NUL. It is put together as a text with
 * a character for each byte: most Programs are encoded by a process that has just started, to which adding texts is the least work.
 */
export class Encoder {
  readonly #filters: CompiledFilters;
  #text = '';

  constructor(filters: CompiledFilters = new Map()) {
    this.#filters = filters;
  }

  get bytes(): Uint8Array {
    return loadNative().latin1Bytes(this.#text);
  }

  bool(value: boolean): void {
    this.#text += value ? '\x01' : '\0';
  }

  u32(value: number): void {
    if (value < 0 || value > 0xffffffff) throw new RangeError(`${value} is no u32`);
    this.#text += word(value);
  }

  i32(value: number): void {
    if (value !== (value | 0)) throw new RangeError(`${value} is no i32`);
    this.#text += word(value);
  }

  u64(value: bigint): void {
    if (value !== BigInt.asUintN(64, value)) throw new RangeError(`${value} is no u64`);
    this.#text += value === 0n ? NOTHING : word(Number(value & LOW)) + word(Number(value >> 32n));
  }

  string(value: string): void {
    const text = isAscii(value) ? value : Buffer.from(value).toString('latin1');
    this.#text += `${word(text.length)}${text}\0`;
  }

  strings(values: readonly string[]): void {
    this.#text += word(values.length);
    for (const value of values) this.string(value);
  }

  numbers(values: readonly number[]): void {
    this.#text += word(values.length);
    for (const value of values) this.u32(value);
  }

  /** What a policy is compiled to. */
  filter(policy: SeccompPolicy): void {
    const compiled = this.#filters.get(policy);
    if (compiled === undefined) throw new TypeError('a seccomp policy was not compiled');
    const { buffer, byteOffset, length } = compiled;
    this.#text += word(length) + Buffer.from(buffer, byteOffset, length).toString('latin1');
  }

  /** One of many begins, which its code and its size precede; the result goes to `end`. */
  begin(): string {
    const before = this.#text;
    this.#text = '';
    return before;
  }

  end(before: string, code: number): void {
    this.#text = before + String.fromCharCode(code) + word(this.#text.length) + this.#text;
  }
}

const LOW = 0xffff_ffffn;
const NOTHING = '\0'.repeat(8);

const word = (value: number): string =>
  String.fromCharCode(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);

const isAscii = (value: string): boolean => !/[^\0-\x7f]/.test(value);

/** The compiled form of each policy in a Program. */
export type CompiledFilters = ReadonlyMap<SeccompPolicy, Uint8Array>;

/** The bytes that init executes. Throws a RangeError for a number that its type doesn't hold. */
export function encode(program: Program, filters: CompiledFilters = new Map()): Uint8Array {
  const all = [...program.stage, ...program.create, ...program.start];
  const out = new Encoder(filters);
  out.u32(MAGIC);
  out.u32(FINGERPRINT);
  out.u32(all.length);
  for (const operation of all) {
    const before = out.begin();
    out.end(before, writeArguments(out, operation));
  }
  return out.bytes;
}
