import { type MessageName, messages, type ReplyName, replies } from '../plan/messages.js';

/** What init said, decoded. */
export type InitMessage =
  | { readonly name: Exclude<MessageName, 'cloned' | 'failed'> }
  | { readonly name: 'cloned'; readonly pid: number }
  | ({ readonly name: 'failed' } & InitFailure);

export interface InitFailure {
  /** The index of the operation in the Program. */
  readonly index: number;
  /** The operation's place in the table of operations, from 1; 0 before the first. */
  readonly code: number;
  /** 0 when `detail` says it all. */
  readonly errno: number;
  readonly syscall: string;
  readonly path: string;
  readonly detail: string;
}

const names = Object.keys(messages) as MessageName[];
const replyCodes = new Map(
  (Object.keys(replies) as ReplyName[]).map((name, index) => [name, index + 1]),
);

/** Decodes one message. Anything that isn't one, to the byte, is undefined: init may have been taken over. */
export function decodeMessage(data: Uint8Array): InitMessage | undefined {
  const name = names[(data[0] ?? 0) - 1];
  if (name === undefined) return undefined;
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const fields: Record<string, number | string> = {};
  let at = 1;
  for (const [field, type] of Object.entries(messages[name])) {
    if (at + 4 > buffer.length) return undefined;
    const word = buffer.readUInt32LE(at);
    at += 4;
    if (type === 'u32') {
      fields[field] = word;
    } else {
      if (at + word + 1 > buffer.length) return undefined;
      fields[field] = buffer.toString('utf8', at, at + word);
      at += word + 1;
    }
  }
  return at === buffer.length ? ({ name, ...fields } as unknown as InitMessage) : undefined;
}

/** Which messages come with a descriptor, one each. */
export const carriers: ReadonlySet<MessageName> = new Set(['cloned', 'console', 'listener']);

export function encodeReply(name: ReplyName): Uint8Array {
  return Uint8Array.of(replyCodes.get(name) as number);
}
