/** Network devices and their addresses as rtnetlink(7) knows them. */
import {
  type Attributes,
  decodeAttributes,
  requireHeader,
  text,
  textOf,
  uint32,
} from './message.js';
import type { RouteSocket } from './route-socket.js';

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
const CREATE_NEW = 0x600;

const IFLA_IFNAME = 3;
const IFLA_NET_NS_FD = 28;
const IFLA_NEW_IFINDEX = 49;
const IFF_UP = 1;

const AF_INET = 2;
const AF_INET6 = 10;
const IFA_LABEL = 3;
const IFA_FLAGS = 8;
/** Address, local address, broadcast address, lifetimes, metric and protocol: what an address is made of besides. */
const COPIED = [1, 2, 4, 6, 9, 11];
const PERMANENT = 0x80;
/** Flags that are somebody's wish: NODAD, HOMEADDRESS, MANAGETEMPADDR, NOPREFIXROUTE, MCAUTOJOIN. The others tell of a state. */
const WISHES = 0x02 | 0x10 | 0x100 | 0x200 | 0x400;
const UNIVERSE = 0;

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
}

/** A permanent address, with what the kernel needs to make it again. */
export interface Address {
  readonly family: number;
  readonly prefix: number;
  readonly scope: number;
  readonly attributes: Attributes;
  readonly label: string;
}

/** Whether it is for others to reach: RT_SCOPE_UNIVERSE. */
export const isGlobal = ({ scope }: Address): boolean => scope === UNIVERSE;

/** The device of that name, or of which that is another name. */
export async function findLink(socket: RouteSocket, name: string): Promise<Link | undefined> {
  return toLink(await socket.get(RTM_GETLINK, linkHeader(0), new Map([[IFLA_IFNAME, text(name)]])));
}

export async function linkOf(socket: RouteSocket, index: number): Promise<Link | undefined> {
  return toLink(await socket.get(RTM_GETLINK, linkHeader(index), new Map()));
}

function toLink(message: { readonly payload: Buffer } | undefined): Link | undefined {
  if (message === undefined) return undefined;
  const { payload } = message;
  requireHeader(payload, 16);
  return {
    index: payload.readInt32LE(4),
    up: (payload.readUInt32LE(8) & IFF_UP) !== 0,
    name: textOf(decodeAttributes(payload, 16).get(IFLA_IFNAME)),
  };
}

/** Moves a device into the namespace that `netns` is open on, where it is called `name` from its first moment on; with its old number, if `index` asks for that. */
export async function moveLink(
  socket: RouteSocket,
  from: number,
  { netns, name, index }: { netns: number; name: string; index?: number },
): Promise<void> {
  const attributes = new Map([
    [IFLA_NET_NS_FD, uint32(netns)],
    [IFLA_IFNAME, text(name)],
  ]);
  if (index !== undefined) attributes.set(IFLA_NEW_IFINDEX, uint32(index));
  await socket.change(RTM_NEWLINK, linkHeader(from), attributes);
}

export async function setUp(socket: RouteSocket, index: number): Promise<void> {
  const header = linkHeader(index);
  header.writeUInt32LE(IFF_UP, 8);
  header.writeUInt32LE(IFF_UP, 12);
  await socket.change(RTM_NEWLINK, header, new Map());
}

function linkHeader(index: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeInt32LE(index, 4);
  return header;
}

/** Its permanent addresses, in the order in which they have to be added to be in that order again. */
export async function addressesOf(socket: RouteSocket, index: number): Promise<Address[]> {
  const header = (family: number): Buffer => addressHeader({ family, prefix: 0, scope: 0 }, index);
  const ipv4 = await socket.list(RTM_GETADDR, header(AF_INET));
  const ipv6 = await socket.list(RTM_GETADDR, header(AF_INET6));
  // Of IPv6 the kernel puts the newest first. Without IPv6 it answers with IPv4's again.
  return [...ofFamily(ipv4, AF_INET, index), ...ofFamily(ipv6, AF_INET6, index).reverse()];
}

function ofFamily(
  messages: readonly { readonly payload: Buffer }[],
  family: number,
  index: number,
): Address[] {
  const addresses: Address[] = [];
  for (const { payload } of messages) {
    requireHeader(payload, 8);
    if (payload[0] !== family || payload.readUInt32LE(4) !== index) continue;
    const all = decodeAttributes(payload, 8);
    const flags = all.get(IFA_FLAGS)?.readUInt32LE(0) ?? payload.readUInt8(2);
    if (!(flags & PERMANENT)) continue;
    const attributes = new Map([...all].filter(([type]) => COPIED.includes(type)));
    attributes.set(IFA_FLAGS, uint32(flags & WISHES));
    addresses.push({
      family,
      prefix: payload.readUInt8(1),
      scope: payload.readUInt8(3),
      attributes,
      label: textOf(all.get(IFA_LABEL)),
    });
  }
  return addresses;
}

/** `label`: what IPv4 knows the address by. */
export async function addAddress(
  socket: RouteSocket,
  index: number,
  address: Address,
  label = address.label,
): Promise<void> {
  const attributes = new Map(address.attributes);
  if (label !== '') attributes.set(IFA_LABEL, text(label));
  await socket.change(RTM_NEWADDR, addressHeader(address, index), attributes, CREATE_NEW);
}

function addressHeader(
  { family, prefix, scope }: Pick<Address, 'family' | 'prefix' | 'scope'>,
  index: number,
): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(family, 0);
  header.writeUInt8(prefix, 1);
  header.writeUInt8(scope, 3);
  header.writeUInt32LE(index, 4);
  return header;
}
