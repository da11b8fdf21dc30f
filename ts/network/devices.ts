import { closeSync, fstatSync, openSync } from 'node:fs';
import { isSystemError, TsruncError } from '../errors.js';
import type { Native } from '../native/native.js';
import type { Undo } from '../undo.js';
import {
  type Address,
  addAddress,
  addressesOf,
  findLink,
  isGlobal,
  type Link,
  linkOf,
  moveLink,
  setUp,
} from './links.js';
import { RouteError, RouteSocket } from './route-socket.js';

/** `linux.netDevices`: which devices, and how each is called in the container. */
export type NetDevices = Readonly<Record<string, { readonly name?: string }>>;

type NetworkNative = Pick<Native, 'routeSocket' | 'send' | 'receive' | 'close'>;

/** A network namespace that this holds on to. */
interface Namespace {
  readonly fd: number;
  readonly socket: RouteSocket;
}

/** A device on its way. */
interface Move {
  readonly link: Link;
  readonly addresses: readonly Address[];
  /** In the container. */
  readonly name: string;
}

/** Throws when one of them isn't there: to be called before anything is made. */
export async function requireDevices(native: NetworkNative, wanted: NetDevices): Promise<void> {
  const socket = new RouteSocket(native);
  try {
    for (const key of Object.keys(wanted)) await explained(key, () => required(socket, key));
  } finally {
    socket.close();
  }
}

/**
 * config-linux.md, "Network Devices": moves devices from this process's network namespace into that of process
 * `pid`. All are looked up before the first is moved. `undo` moves them back, as they were; what
 * it needs for that is held until `close`.
 */
export class DeviceMover {
  readonly #native: NetworkNative;
  #here: Namespace | undefined;
  #there: Namespace | undefined;

  constructor(native: NetworkNative) {
    this.#native = native;
  }

  async move(pid: number, wanted: NetDevices, undo: Undo): Promise<void> {
    const here = this.#open('/proc/thread-self/ns/net');
    this.#here = here;
    const there = this.#open(`/proc/${pid}/ns/net`, true);
    this.#there = there;
    if (fstatSync(here.fd).ino === fstatSync(there.fd).ino) {
      throw new TsruncError(
        "config.json: linux.netDevices: the container's network namespace is the runtime's own: there is nowhere to move them",
        { code: 'INVALID_CONFIG', stage: 'network' },
      );
    }
    const moves = new Map<string, Move>();
    for (const [key, { name }] of Object.entries(wanted))
      moves.set(key, await explained(key, () => this.#prepare(key, name, moves)));
    for (const [key, move] of moves) {
      undo.add(`move the network device ${move.link.name} back`, () => this.#moveBack(move));
      await explained(key, () => this.#carryOut(move));
    }
  }

  close(): void {
    for (const namespace of [this.#here, this.#there]) {
      namespace?.socket.close();
      if (namespace !== undefined) closeSync(namespace.fd);
    }
    this.#here = undefined;
    this.#there = undefined;
  }

  #open(file: string, other = false): Namespace {
    let fd: number | undefined;
    try {
      fd = openSync(file, 'r');
      return { fd, socket: new RouteSocket(this.#native, other ? fd : undefined) };
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      if (!isSystemError(error)) throw error;
      throw new TsruncError(
        `network devices: cannot work in the network namespace ${file}: ${error.message}`,
        { code: error.code, path: file, stage: 'network', cause: error },
      );
    }
  }

  async #prepare(
    key: string,
    name: string | undefined,
    others: ReadonlyMap<string, Move>,
  ): Promise<Move> {
    const { here, there } = this.#namespaces();
    const link = await required(here.socket, key);
    const taken = async (wanted: string): Promise<boolean> =>
      [...others.values()].some((move) => move.name === wanted) ||
      (await findLink(there.socket, wanted)) !== undefined;
    const inside = await freeName(name || link.name, taken);
    return { link, addresses: await addressesOf(here.socket, link.index), name: inside };
  }

  async #carryOut({ link, addresses, name }: Move): Promise<void> {
    const { here, there } = this.#namespaces();
    await moveLink(here.socket, link.index, { netns: there.fd, name });
    const { index } = await required(there.socket, name);
    for (const address of addresses.filter(isGlobal))
      await addAddress(there.socket, index, address, labelFor(address, link.name, name));
    await setUp(there.socket, index);
  }

  /** It may be here still, or there under either name: a move can fail half-way. */
  async #moveBack({ link, addresses, name }: Move): Promise<void> {
    const { here, there } = this.#namespaces();
    const gone = (await linkOf(here.socket, link.index)) === undefined;
    const moved = gone ? await findLink(there.socket, name) : undefined;
    const found = gone ? (moved ?? (await findLink(there.socket, link.name))) : undefined;
    if (found === undefined) return;
    await moveLink(there.socket, found.index, {
      netns: here.fd,
      name: link.name,
      index: link.index,
    });
    for (const address of addresses)
      await ignoringExisting(addAddress(here.socket, link.index, address));
    if (!link.up) return;
    await setUp(here.socket, link.index);
  }

  #namespaces(): { here: Namespace; there: Namespace } {
    return { here: this.#here as Namespace, there: this.#there as Namespace };
  }
}

async function required(socket: RouteSocket, name: string): Promise<Link> {
  const link = await findLink(socket, name);
  if (link !== undefined) return link;
  throw new RouteError(ENODEV, 'there is no such network device');
}

/** The name itself, or the first free one of a template such as eth%d, as the kernel would choose it. */
async function freeName(name: string, taken: (name: string) => Promise<boolean>): Promise<string> {
  if (!name.includes('%')) {
    if (!(await taken(name))) return name;
    throw new RouteError(
      EEXIST,
      `the container's network namespace has a device "${name}" already: give it another name`,
    );
  }
  for (let number = 0; number < MOST_OF_A_TEMPLATE; number++) {
    const candidate = name.replace('%d', String(number));
    if (Buffer.byteLength(candidate) > LONGEST_NAME) break;
    if (!(await taken(candidate))) return candidate;
  }
  throw new RouteError(EEXIST, `no name of the form "${name}" is free in the container`);
}

/** IPv4 names addresses after their device: `eth0` or `eth0:1`. */
function labelFor({ label }: Address, from: string, to: string): string {
  const renamed =
    label === from || label.startsWith(`${from}:`) ? to + label.slice(from.length) : label;
  return Buffer.byteLength(renamed) > LONGEST_NAME ? to : renamed;
}

/** An address that the kernel has made by itself meanwhile, such as IPv6's link-local one. */
async function ignoringExisting(adding: Promise<void>): Promise<void> {
  try {
    await adding;
  } catch (error) {
    if (!(error instanceof RouteError && error.code === 'EEXIST')) throw error;
  }
}

/** Says of which device a failure is. */
async function explained<T>(key: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof RouteError) && !isSystemError(error)) throw error;
    const { code } = error;
    const errno = Math.abs(error.errno);
    throw new TsruncError(
      `config.json: linux.netDevices[${JSON.stringify(key)}]: cannot move the device into the container: ${error.message}`,
      { code, errno, stage: 'network', cause: error },
    );
  }
}

const ENODEV = 19;
const EEXIST = 17;
/** IFNAMSIZ, without the NUL. */
const LONGEST_NAME = 15;
/** What the kernel numbers up to. */
const MOST_OF_A_TEMPLATE = 32_768;
