import { type Operation, operations, type Program, type WireTypes } from '../plan/operations.js';
import { FINGERPRINT } from './fingerprint.js';
import type { SeccompPolicy } from './native.js';

/** "TSRP", little-endian. */
const MAGIC = 0x50525354;

const codes = new Map(Object.keys(operations).map((name, index) => [name, index + 1]));

/** The format that cpp/core/wire.h reads: little-endian, unaligned, strings with length and a NUL. */
class Encoder {
  #buffer = Buffer.allocUnsafe(16384);
  #size = 0;

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#size);
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#size = this.#buffer.writeUInt8(value, this.#size);
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#size = this.#buffer.writeUInt32LE(value, this.#size);
  }

  i32(value: number): void {
    this.#reserve(4);
    this.#size = this.#buffer.writeInt32LE(value, this.#size);
  }

  u64(value: bigint): void {
    this.#reserve(8);
    this.#size = this.#buffer.writeBigUInt64LE(value, this.#size);
  }

  string(value: string): void {
    const length = Buffer.byteLength(value);
    this.u32(length);
    this.#reserve(length + 1);
    this.#buffer.write(value, this.#size);
    this.#size = this.#buffer.writeUInt8(0, this.#size + length);
  }

  raw(value: Uint8Array): void {
    this.u32(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#size);
    this.#size += value.length;
  }

  /** Leaves room for a length, calls `write` and fills the length in. */
  sized(write: () => void): void {
    this.u32(0);
    const start = this.#size;
    write();
    this.#buffer.writeUInt32LE(this.#size - start, start - 4);
  }

  #reserve(more: number): void {
    if (this.#size + more <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#size + more));
    larger.set(this.bytes);
    this.#buffer = larger;
  }
}

type Writers = {
  [Type in keyof WireTypes]: (
    out: Encoder,
    value: WireTypes[Type],
    filters: CompiledFilters,
  ) => void;
};

/** The compiled form of each policy in a Program. */
export type CompiledFilters = ReadonlyMap<SeccompPolicy, Uint8Array>;

const writers: Writers = {
  bool: (out, value) => out.u8(value ? 1 : 0),
  u32: (out, value) => out.u32(value),
  i32: (out, value) => out.i32(value),
  u64: (out, value) => out.u64(value),
  string: (out, value) => out.string(value),
  'string[]': (out, value) => {
    out.u32(value.length);
    for (const item of value) out.string(item);
  },
  'u32[]': (out, value) => {
    out.u32(value.length);
    for (const item of value) out.u32(item);
  },
  filter: (out, value, filters) => {
    const compiled = filters.get(value);
    if (compiled === undefined) throw new TypeError('a seccomp policy was not compiled');
    out.raw(compiled);
  },
};

/** The bytes that init executes. Throws a RangeError for a number that its type doesn't hold. */
export function encode(program: Program, filters: CompiledFilters = new Map()): Uint8Array {
  const all = [...program.stage, ...program.create, ...program.start];
  const out = new Encoder();
  out.u32(MAGIC);
  out.u32(FINGERPRINT);
  out.u32(all.length);
  for (const operation of all) {
    out.u8(codes.get(operation.op) as number);
    out.sized(() => encodeArguments(out, operation, filters));
  }
  return out.bytes;
}

function encodeArguments(out: Encoder, operation: Operation, filters: CompiledFilters): void {
  const values = operation as unknown as Record<string, never>;
  for (const [name, type] of Object.entries(operations[operation.op]) as [
    string,
    keyof WireTypes,
  ][]) {
    writers[type](out, values[name] as never, filters);
  }
}
