/**
 * Messages of the kernel's network configuration: netlink(7), rtnetlink(7). Every length is checked before it is
 * used, one way and the other: a length that ran over was runc's CVE-2021-43784.
 */
import { TsruncError } from '../errors.js';

/** One message, without its header. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

export type Attributes = ReadonlyMap<number, Buffer>;

const MESSAGE_HEADER = 16;
const ATTRIBUTE_HEADER = 4;
const MOST_OF_AN_ATTRIBUTE = 0xffff - ATTRIBUTE_HEADER;
/** Without the bits that tell of nesting and byte order. */
const ATTRIBUTE_TYPE = 0x3fff;

const padded = (length: number): number => (length + 3) & ~3;

/** A request: `header` is the fixed part that its type has. */
export function encodeMessage(
  { type, flags, sequence }: Omit<Message, 'payload'>,
  header: Buffer,
  attributes: Attributes = new Map(),
): Buffer {
  const parts = [Buffer.alloc(MESSAGE_HEADER), header];
  for (const [attribute, data] of attributes) parts.push(encodeAttribute(attribute, data));
  const message = Buffer.concat(parts);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags, 6);
  message.writeUInt32LE(sequence, 8);
  return message;
}

function encodeAttribute(type: number, data: Buffer): Buffer {
  if (data.length > MOST_OF_AN_ATTRIBUTE) throw malformed('an attribute that is too long');
  const attribute = Buffer.alloc(padded(ATTRIBUTE_HEADER + data.length));
  attribute.writeUInt16LE(ATTRIBUTE_HEADER + data.length, 0);
  attribute.writeUInt16LE(type, 2);
  data.copy(attribute, ATTRIBUTE_HEADER);
  return attribute;
}

/** The messages of one datagram. */
export function decodeMessages(datagram: Uint8Array): Message[] {
  const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const messages: Message[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = lengthAt(bytes, at, MESSAGE_HEADER, () => bytes.readUInt32LE(at));
    messages.push({
      type: bytes.readUInt16LE(at + 4),
      flags: bytes.readUInt16LE(at + 6),
      sequence: bytes.readUInt32LE(at + 8),
      payload: bytes.subarray(at + MESSAGE_HEADER, at + length),
    });
    at += padded(length);
  }
  return messages;
}

/** The attributes that follow the first `header` bytes. Of several of one type the last counts. */
export function decodeAttributes(payload: Buffer, header: number): Attributes {
  const attributes = new Map<number, Buffer>();
  for (let at = padded(header); at < payload.length; ) {
    const length = lengthAt(payload, at, ATTRIBUTE_HEADER, () => payload.readUInt16LE(at));
    const type = payload.readUInt16LE(at + 2) & ATTRIBUTE_TYPE;
    attributes.set(type, payload.subarray(at + ATTRIBUTE_HEADER, at + length));
    at += padded(length);
  }
  return attributes;
}

/** A length that is at least its own header's and ends within the bytes. */
function lengthAt(bytes: Buffer, at: number, least: number, read: () => number): number {
  const left = bytes.length - at;
  const length = left < least ? 0 : read();
  if (length < least || length > left) throw malformed('a length that is impossible');
  return length;
}

/** A fixed part that must be there. */
export function requireHeader(payload: Buffer, length: number): void {
  if (payload.length < length) throw malformed('less than its fixed part');
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Text as the kernel ends it. */
export const text = (value: string): Buffer => Buffer.from(`${value}\0`);

/** The text of an attribute, up to its NUL. */
export function textOf(data: Buffer | undefined): string {
  const end = data?.indexOf(0) ?? -1;
  return data?.toString('utf8', 0, end < 0 ? data.length : end) ?? '';
}

function malformed(what: string): TsruncError {
  return new TsruncError(`network devices: a netlink message has ${what}`, {
    code: 'EPROTO',
    stage: 'network',
  });
}
