/**
 * What the host and a launcher (cpp/launcher) say to each other, whole messages over one SOCK_SEQPACKET connection.
 * cpp/launcher/messages.h is made from these tables by `npm run generate`; a fingerprint of them goes with each call.
 *
 *      launcher                                            host
 *        │ ──── call: arguments, environment ───────────────▶│ is it one of us? is it a call for the host?
 *        │ ◀──────────────────────── decline: do it yourself ┤ (nothing was done)
 *        │ ◀──────────────────── took: how it is taken back ─┤ from here on something is changed
 *        │ ◀─────── spawn: (image, socket, Program, …) ──────┤
 *        │ ──── spawned: pid (pidfd) ───────────────────────▶│ ◀── init's own messages ──▶ init
 *        │ ──── exited, signalled: as it happens ───────────▶│
 *        │ ◀──────────────────────── running: in foreground ─┤
 *        │ ◀────────────────────────── write, then finish ───┤
 *
 * (…) are attached descriptors; orders that come together are one message, each with its size. What has to be the caller's is done by the launcher: its children are born to it, with
 * its descriptors, limits, cgroup, session and namespaces. The end of the connection is the other's death.
 */
import type { WireTypes } from '../plan/operations.js';

export type Shape = Readonly<Record<string, Exclude<keyof WireTypes, 'filter'>>>;

/** What the host has a launcher do. Order gives the code on the wire, from 1. */
export const orders = {
  /** Executes Node, as without a host. Nothing was done. */
  decline: {},
  /** Has begun with the call, but has nothing to ask for yet. */
  working: {},
  /** Something is about to be changed; `undo` is the command line that takes it back when the host dies. */
  took: { undo: 'string[]' },
  /**
   * Starts init from the image attached first. Its descriptors are the launcher's `callers`, then those attached; the last
   * one attached is the cgroup to be born in where `intoCgroup`. Its end is reported.
   */
  spawn: { callers: 'u32[]', args: 'string[]', intoCgroup: 'bool' },
  /** Reaps this child, too, and reports its end. Who isn't awaited is left to the launcher's parent. */
  awaitExit: { pid: 'u32' },
  subreaper: { on: 'bool' },
  /**
   * From now on it lasts as long as its child `pid`, and reaps what else it adopts. `finish` is the command line for the
   * end, when the host has died.
   */
  running: { pid: 'u32', finish: 'string[]' },
  write: { descriptor: 'u32', text: 'string' },
  /** Takes a signal as if it had never been caught. */
  takeSignal: { signal: 'u32' },
  finish: { code: 'u32' },
} as const satisfies Readonly<Record<string, Shape>>;

/** What a launcher says. */
export const reports = {
  /**
   * `inode`, `size` and `changed` (ns) are of the command's code that the launcher would run; `own` are descriptors
   * that it has for itself.
   */
  call: {
    fingerprint: 'u32',
    inode: 'u64',
    size: 'u64',
    changed: 'u64',
    own: 'u32[]',
    directory: 'string',
    args: 'string[]',
    environment: 'string[]',
  },
  /** Its pidfd is attached. */
  spawned: { pid: 'u32' },
  notSpawned: { errno: 'u32', syscall: 'string' },
  /** A child has ended: with `code`, unless `signal` isn't 0. */
  exited: { pid: 'u32', code: 'u32', signal: 'u32' },
  signalled: { signal: 'u32' },
} as const satisfies Readonly<Record<string, Shape>>;

type Tables = typeof orders & typeof reports;
export type OrderName = keyof typeof orders;
export type ReportName = keyof typeof reports;

/** The fields of an order or a report. */
export type Fields<Name extends keyof Tables> = {
  readonly [Field in keyof Tables[Name]]: Tables[Name][Field] extends keyof WireTypes
    ? WireTypes[Tables[Name][Field]]
    : never;
};

export type Report = { [Name in ReportName]: { readonly name: Name } & Fields<Name> }[ReportName];
