import fc from 'fast-check';
import type { SeccompPolicy } from '../../../ts/native/native.js';
import type { Operation, WireTypes } from '../../../ts/plan/operations.js';

export type Shape = Readonly<Record<string, keyof WireTypes>>;

/** Reads the wire format as cpp/core/wire.h describes it; written from that description, not from the encoder. */
export class WireReader {
  readonly #bytes: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.byteLength;
  }

  u8(): number {
    return this.#bytes.getUint8(this.#skip(1));
  }

  u32(): number {
    return this.#bytes.getUint32(this.#skip(4), true);
  }

  raw(length: number): Uint8Array {
    const start = this.#bytes.byteOffset + this.#skip(length);
    return new Uint8Array(this.#bytes.buffer, start, length);
  }

  string(): string {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      this.raw(this.u32()),
    );
    if (this.u8() !== 0) throw new Error('a string without a NUL after it');
    return text;
  }

  #list<T>(read: () => T): T[] {
    return Array.from({ length: this.u32() }, read);
  }

  value(type: keyof WireTypes): unknown {
    switch (type) {
      case 'bool':
        return this.u8() === 1;
      case 'u32':
        return this.u32();
      case 'i32':
        return this.u32() | 0;
      case 'u64':
        return this.#bytes.getBigUint64(this.#skip(8), true);
      case 'string':
        return this.string();
      case 'string[]':
        return this.#list(() => this.string());
      case 'u32[]':
        return this.#list(() => this.u32());
      case 'filter':
        return this.raw(this.u32());
    }
  }

  #skip(size: number): number {
    const start = this.#at;
    this.#at += size;
    return start;
  }
}

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const text = fc.string({ unit: 'binary' });

/** A policy stands for its compiled form, which the test gives the encoder. */
export const policies: ReadonlyMap<SeccompPolicy, Uint8Array> = new Map(
  [[], [0], [6, 0, 0, 0, 0, 0, 255, 127]].map((bytes, defaultAction) => [
    { defaultAction, architectures: [], rules: [] },
    Uint8Array.from(bytes),
  ]),
);

const values: { [Type in keyof WireTypes]: fc.Arbitrary<WireTypes[Type]> } = {
  bool: fc.boolean(),
  u32,
  i32: fc.integer(),
  u64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  string: text,
  'string[]': fc.array(text),
  'u32[]': fc.array(u32),
  filter: fc.constantFrom(...policies.keys()),
};

/** The arguments that a row of a table takes. */
export function argumentsOf(shape: Shape): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(
    Object.fromEntries(Object.entries(shape).map(([name, type]) => [name, values[type]])),
  );
}

/** Any operation of the table, with any arguments. */
export function anyOperation(table: Readonly<Record<string, Shape>>): fc.Arbitrary<Operation> {
  const rows = Object.entries(table).map(([op, shape]) =>
    argumentsOf(shape).map((values) => ({ op, ...values }) as unknown as Operation),
  );
  return fc.oneof(...rows);
}
