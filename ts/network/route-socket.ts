import { getSystemErrorMap } from 'node:util';
import { TsruncError } from '../errors.js';
import type { Native } from '../native/native.js';
import {
  type Attributes,
  decodeAttributes,
  decodeMessages,
  encodeMessage,
  type Message,
  requireHeader,
  textOf,
} from './message.js';

const REQUEST = 0x1;
const ACK = 0x4;
const DUMP = 0x300;
/** In an answer: what was listed changed meanwhile. */
const INTERRUPTED = 0x10;
/** In an error: not the whole request follows, and then come attributes. */
const CAPPED = 0x100;
const WITH_REASON = 0x200;

const ERROR = 2;
const DONE = 3;
const REASON = 1;

/** The kernel refused a request. */
export class RouteError extends Error {
  /** The errno's name. */
  readonly code: string;

  constructor(
    readonly errno: number,
    reason: string,
  ) {
    const [code, words] = getSystemErrorMap().get(-errno) ?? [`E${errno}`, `error ${errno}`];
    super(reason || words);
    this.code = code;
  }
}

/** Asks the kernel about the network of one namespace: a request, then all that answers it. */
export class RouteSocket {
  readonly #native: Pick<Native, 'send' | 'receive' | 'close'>;
  readonly #socket: number;
  #sequence = 0;

  /** @param netns a descriptor of the namespace; without it, this process's */
  constructor(native: Pick<Native, 'routeSocket' | 'send' | 'receive' | 'close'>, netns?: number) {
    this.#native = native;
    this.#socket = native.routeSocket(netns);
  }

  /** Changes something. Throws RouteError. */
  async change(type: number, header: Buffer, attributes: Attributes, flags = 0): Promise<void> {
    await this.#ask(type, REQUEST | ACK | flags, header, attributes);
  }

  /** One thing, or undefined when there is none of that name or number. */
  async get(type: number, header: Buffer, attributes: Attributes): Promise<Message | undefined> {
    try {
      return (await this.#ask(type, REQUEST | ACK, header, attributes))[0];
    } catch (error) {
      if (error instanceof RouteError && error.code === 'ENODEV') return undefined;
      throw error;
    }
  }

  /** All of a kind, as they were at one moment. */
  async list(type: number, header: Buffer): Promise<Message[]> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = await this.#ask(type, REQUEST | DUMP, header, new Map());
      if (!found.some(({ flags }) => flags & INTERRUPTED)) return found;
    }
    throw new TsruncError('the network configuration changes all the time: try again', {
      code: 'EAGAIN',
      stage: 'network',
    });
  }

  close(): void {
    this.#native.close(this.#socket);
  }

  async #ask(
    type: number,
    flags: number,
    header: Buffer,
    attributes: Attributes,
  ): Promise<Message[]> {
    const sequence = ++this.#sequence;
    this.#native.send(this.#socket, encodeMessage({ type, flags, sequence }, header, attributes));
    const answers: Message[] = [];
    for (;;) {
      const received = await this.#native.receive(this.#socket);
      if (received === undefined) throw new RouteError(ECANCELED, 'the socket was closed');
      for (const message of decodeMessages(received.data)) {
        if (message.sequence !== sequence) continue;
        if (message.type !== ERROR && message.type !== DONE) {
          answers.push(message);
          continue;
        }
        throwRefusal(message);
        return answers;
      }
    }
  }
}

const ECANCELED = 125;

/** How often a list is asked for that was interrupted. */
const ATTEMPTS = 10;

/** What ends an answer has an errno, negated; 0 is success. */
function throwRefusal({ flags, payload }: Message): void {
  requireHeader(payload, 4);
  const result = payload.readInt32LE(0);
  if (result >= 0) return;
  let reason = '';
  // The errno, the request's header and, unless it is capped, the request. The latter isn't worth its parsing.
  if (flags & WITH_REASON && flags & CAPPED)
    reason = textOf(decodeAttributes(payload, 20).get(REASON));
  throw new RouteError(-result, reason);
}
