import type { Operation, Program, WireTypes } from '../plan/operations.js';
import type { SeccompPolicy } from './native.js';
import { FINGERPRINT, OPERATIONS } from './operation-table.js';

/** "TSRP", little-endian. */
const MAGIC = 0x50525354;

/** One operation on the wire. */
interface Form {
  /** Its place in the table, from 1. */
  readonly code: number;
  readonly arguments: readonly (readonly [name: string, type: keyof WireTypes])[];
}

const lines = OPERATIONS.split('\n');
/** Of the operations that have occurred. */
const forms = new Map<string, Form>();

function formOf(name: string): Form {
  const known = forms.get(name);
  if (known !== undefined) return known;
  const index = lines.findIndex((line) => line === name || line.startsWith(`${name} `));
  const parts = lines[index]?.split(' ').slice(1) ?? [];
  const form = {
    code: index + 1,
    arguments: parts.map((part) => part.split(':') as [string, keyof WireTypes]),
  };
  forms.set(name, form);
  return form;
}

/** The name of the operation with this code, if there is one. */
export function operationName(code: number): string | undefined {
  return lines[code - 1]?.split(' ', 1)[0];
}

/**
 * The format that cpp/core/wire.h reads: little-endian, unaligned, strings with length and a NUL. A DataView, since
 * most Programs are encoded by a process that has just started: its setters are one call each, Buffer's are several.
 */
export class Encoder {
  #buffer = Buffer.allocUnsafeSlow(16384);
  #view = new DataView(this.#buffer.buffer);
  #size = 0;

  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#size);
  }

  bool(value: boolean): void {
    const at = this.#grow(1);
    this.#view.setUint8(at, value ? 1 : 0);
  }

  u8(value: number): void {
    const at = this.#grow(1);
    this.#view.setUint8(at, value);
  }

  u32(value: number): void {
    if (value < 0 || value > 0xffffffff) throw new RangeError(`${value} is no u32`);
    const at = this.#grow(4);
    this.#view.setUint32(at, value, true);
  }

  i32(value: number): void {
    if (value !== (value | 0)) throw new RangeError(`${value} is no i32`);
    const at = this.#grow(4);
    this.#view.setInt32(at, value, true);
  }

  u64(value: bigint): void {
    if (value !== BigInt.asUintN(64, value)) throw new RangeError(`${value} is no u64`);
    const at = this.#grow(8);
    this.#view.setBigUint64(at, value, true);
  }

  string(value: string): void {
    // No character takes more than three bytes.
    this.#reserve(4 + 3 * value.length + 1);
    const start = this.#size + 4;
    const length = this.#buffer.write(value, start);
    this.#view.setUint32(start - 4, length, true);
    this.#view.setUint8(start + length, 0);
    this.#size = start + length + 1;
  }

  raw(value: Uint8Array): void {
    this.u32(value.length);
    const at = this.#grow(value.length);
    this.#buffer.set(value, at);
  }

  /** Leaves room for a length; the result goes to `endSized`, which fills it in. */
  beginSized(): number {
    this.#grow(4);
    return this.#size;
  }

  endSized(start: number): void {
    this.#view.setUint32(start - 4, this.#size - start, true);
  }

  /** Makes room, perhaps in another buffer, and returns where it is. */
  #grow(bytes: number): number {
    this.#reserve(bytes);
    const at = this.#size;
    this.#size += bytes;
    return at;
  }

  #reserve(more: number): void {
    if (this.#size + more <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.#size + more));
    larger.set(this.bytes);
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer);
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
  bool: (out, value) => out.bool(value),
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
    const form = formOf(operation.op);
    out.u8(form.code);
    const start = out.beginSized();
    encodeArguments(out, operation, form, filters);
    out.endSized(start);
  }
  return out.bytes;
}

function encodeArguments(
  out: Encoder,
  operation: Operation,
  form: Form,
  filters: CompiledFilters,
): void {
  const values = operation as unknown as Readonly<Record<string, never>>;
  for (const [name, type] of form.arguments) writers[type](out, values[name] as never, filters);
}
