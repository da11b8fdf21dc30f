/** As much of gRPC and of Protocol Buffers as a client needs that knows its few messages by their numbers. */
import { type ClientHttp2Session, connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';

/** A field's value: text, bytes, a whole number, a message, or several of them. */
export type Value = string | Buffer | number | boolean | Message | readonly Value[];

/** A message by the numbers of its fields. */
export interface Message {
  readonly [field: number]: Value | undefined;
}

/** What came back: the values of each field in their order, a number as such, all else as bytes. */
export class Reply {
  readonly #fields = new Map<number, (number | Buffer)[]>();

  constructor(bytes: Buffer) {
    for (let at = 0; at < bytes.length; ) {
      const [tag, afterTag] = varint(bytes, at);
      const [value, next] = field(bytes, afterTag, tag & 7);
      const values = this.#fields.get(tag >>> 3) ?? [];
      this.#fields.set(tag >>> 3, [...values, value]);
      at = next;
    }
  }

  text(number: number): string {
    return this.#bytes(number).toString();
  }

  /** An absent number is 0, as everywhere in Protocol Buffers. */
  number(number: number): number {
    const value = this.#fields.get(number)?.at(-1) ?? 0;
    if (typeof value !== 'number') throw new Error(`field ${number} is no number`);
    return value;
  }

  message(number: number): Reply {
    return new Reply(this.#bytes(number));
  }

  messages(number: number): Reply[] {
    return (this.#fields.get(number) ?? []).map((value) => new Reply(value as Buffer));
  }

  #bytes(number: number): Buffer {
    const value = this.#fields.get(number)?.at(-1) ?? Buffer.alloc(0);
    if (typeof value === 'number') throw new Error(`field ${number} is a number`);
    return value;
  }
}

/** A server's refusal. */
export class GrpcError extends Error {
  constructor(
    method: string,
    readonly status: number,
    reason: string,
  ) {
    super(`${method}: ${reason} (${status})`);
  }
}

export class GrpcClient {
  readonly #session: ClientHttp2Session;

  /** @param path a Unix socket */
  constructor(path: string) {
    this.#session = connect('http://localhost', { createConnection: () => connectSocket(path) });
    // Each call has its own error; this one is of the connection, which they share.
    this.#session.on('error', () => {});
  }

  async call(method: string, message: Message): Promise<Reply> {
    const body = encode(message);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(body.length, 1);
    const stream = this.#session.request({
      ':method': 'POST',
      ':path': method,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let outcome: Record<string, unknown> = {};
    // An answer that is only a refusal has it in its head.
    for (const event of ['response', 'trailers'] as const)
      stream.on(event, (headers: Record<string, unknown>) => {
        outcome = { ...outcome, ...headers };
      });
    stream.end(Buffer.concat([head, body]));
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const status = Number(outcome['grpc-status']);
    if (status !== 0)
      throw new GrpcError(method, status, decodeURIComponent(String(outcome['grpc-message'])));
    return new Reply(Buffer.concat(chunks).subarray(5));
  }

  close(): void {
    this.#session.close();
  }
}

export function encode(message: Message): Buffer {
  return Buffer.concat(
    Object.entries(message).flatMap(([number, value]) => encodeField(Number(number), value)),
  );
}

function encodeField(number: number, value: Value | undefined): Buffer[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap((each) => encodeField(number, each));
  if (typeof value === 'number' || typeof value === 'boolean')
    return [encodeVarint(number << 3), encodeVarint(Number(value))];
  const bytes =
    typeof value === 'string' || Buffer.isBuffer(value)
      ? Buffer.from(value as string)
      : encode(value as Message);
  return [encodeVarint((number << 3) | 2), encodeVarint(bytes.length), bytes];
}

function encodeVarint(value: number): Buffer {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

function varint(bytes: Buffer, start: number): [value: number, next: number] {
  let value = 0n;
  for (let at = start, shift = 0n; ; at++, shift += 7n) {
    const byte = bytes[at];
    if (byte === undefined) throw new Error('the message ends within a number');
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return [Number(BigInt.asIntN(64, value)), at + 1];
  }
}

function field(bytes: Buffer, at: number, type: number): [value: number | Buffer, next: number] {
  if (type === 0) return varint(bytes, at);
  if (type === 1) return [bytes.subarray(at, at + 8), at + 8];
  if (type === 5) return [bytes.subarray(at, at + 4), at + 4];
  const [length, start] = varint(bytes, at);
  return [bytes.subarray(start, start + length), start + length];
}
