import { Encoder } from '../native/encode.js';
import {
  type Fields,
  type OrderName,
  orders,
  type Report,
  type ReportName,
  reports,
  type Shape,
} from './messages.js';

const orderCodes = new Map(Object.keys(orders).map((name, index) => [name, index + 1]));
const reportNames = Object.keys(reports) as ReportName[];

const writers: {
  readonly [Type in Shape[string]]: (out: Encoder, value: never) => void;
} = {
  bool: (out, value: boolean) => out.bool(value),
  u32: (out, value: number) => out.u32(value),
  i32: (out, value: number) => out.i32(value),
  u64: (out, value: bigint) => out.u64(value),
  string: (out, value: string) => out.string(value),
  'string[]': (out, value: readonly string[]) => out.strings(value),
  'u32[]': (out, value: readonly number[]) => out.numbers(value),
};

export type Order = {
  readonly [Name in OrderName]: { readonly name: Name; readonly fields: Fields<Name> };
}[OrderName];

/** One message: each order with its code and its size. */
export function encodeOrders(list: readonly Order[]): Uint8Array {
  const out = new Encoder();
  for (const { name, fields } of list) {
    const values = fields as Readonly<Record<string, never>>;
    const before = out.begin();
    for (const [field, type] of Object.entries(orders[name] as Shape))
      writers[type](out, values[field] as never);
    out.end(before, orderCodes.get(name) as number);
  }
  return out.bytes;
}

/** Reads what a launcher has sent. Throws a RangeError where it isn't of the form that it should be. */
class Decoder {
  readonly #buffer: Buffer;
  #at = 1;

  constructor(data: Uint8Array) {
    this.#buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  }

  get atEnd(): boolean {
    return this.#at === this.#buffer.length;
  }

  u32 = (): number => {
    const value = this.#buffer.readUInt32LE(this.#at);
    this.#at += 4;
    return value;
  };

  u64 = (): bigint => {
    const value = this.#buffer.readBigUInt64LE(this.#at);
    this.#at += 8;
    return value;
  };

  string = (): string => {
    const size = this.u32();
    const end = this.#at + size;
    if (this.#buffer[end] !== 0) throw new RangeError('a string has no end');
    const text = this.#buffer.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  };

  list = <T>(read: () => T): T[] => {
    const list: T[] = [];
    for (let count = this.u32(); count > 0; count--) list.push(read());
    return list;
  };
}

const readers: { readonly [Type in Shape[string]]: (from: Decoder) => unknown } = {
  bool: () => {
    throw new RangeError('no report has a bool');
  },
  i32: () => {
    throw new RangeError('no report has an i32');
  },
  u32: (from) => from.u32(),
  u64: (from) => from.u64(),
  string: (from) => from.string(),
  'string[]': (from) => from.list(from.string),
  'u32[]': (from) => from.list(from.u32),
};

/** Undefined for what is no report, to the byte. */
export function decodeReport(data: Uint8Array): Report | undefined {
  const name = reportNames[(data[0] ?? 0) - 1];
  if (name === undefined) return undefined;
  const from = new Decoder(data);
  const fields: Record<string, unknown> = { name };
  try {
    for (const [field, type] of Object.entries(reports[name] as Shape))
      fields[field] = readers[type](from);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  return from.atEnd ? (fields as unknown as Report) : undefined;
}
