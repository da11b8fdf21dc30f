import { TsruncError } from '../../errors.js';
import type { BusAnswer, BusToken, Native } from '../../native/native.js';

export type BusNative = Pick<Native, 'callSystemd' | 'systemdProperty'>;

/** A value with its D-Bus signature. */
export interface Variant {
  readonly signature: string;
  readonly value: readonly BusToken[];
}

/** A unit's property. */
export type Property = readonly [name: string, value: Variant];

export const text = (value: string): Variant => ({ signature: 's', value: [['s', value]] });
export const flag = (value: boolean): Variant => ({ signature: 'b', value: [['b', value]] });
export const number = (value: number | bigint): Variant => whole('t', value);

/** A whole number of D-Bus type `type`; negative ones as two's complement. */
export const whole = (type: string, value: number | bigint): Variant => ({
  signature: type,
  value: [[type, BigInt.asUintN(64, BigInt(value))]],
});

/** A list of values that have the same signature. */
export function list(signature: string, values: readonly Variant[]): Variant {
  return {
    signature: `a${signature}`,
    value: [['(', 'a', signature], ...values.flatMap(({ value }) => value), [')']],
  };
}

export function pair(...texts: readonly [string, string]): Variant {
  return {
    signature: '(ss)',
    value: [['(', 'r', 'ss'], ...texts.map((each): BusToken => ['s', each]), [')']],
  };
}

/** `a(sv)`: what StartTransientUnit and SetUnitProperties take. */
export function propertyList(properties: readonly Property[]): BusToken[] {
  return [
    ['(', 'a', '(sv)'],
    ...properties.flatMap(([name, { signature, value }]): BusToken[] => [
      ['(', 'r', 'sv'],
      ['s', name],
      ['(', 'v', signature],
      ...value,
      [')'],
      [')'],
    ]),
    [')'],
  ];
}

/** One manager: the system's, or a user's own. */
export class Manager {
  readonly #native: BusNative;
  readonly #user: boolean;

  constructor(native: BusNative, user: boolean) {
    this.#native = native;
    this.#user = user;
  }

  /** The cgroup that all of its units lie in; `` is the root. */
  async controlGroup(): Promise<string> {
    const answer = await this.#native.systemdProperty(this.#user, 'ControlGroup');
    if (answer.result !== undefined) return answer.result;
    throw this.#failure('ask for its cgroup', answer);
  }

  /** Makes a scope and starts it. A failed one of that name that nobody has cleared away is. */
  async startScope(unit: string, properties: readonly Property[]): Promise<void> {
    const message: BusToken[] = [
      ['s', unit],
      ['s', 'fail'],
      ...propertyList(properties),
      ['(', 'a', '(sa(sv))'],
      [')'],
    ];
    const start = () => this.#native.callSystemd(this.#user, 'StartTransientUnit', message, true);
    let answer = await start();
    if (answer.error?.endsWith('.UnitExists')) {
      await this.#resetFailed(unit);
      answer = await start();
    }
    if (answer.result !== 'done') throw this.#failure(`start ${unit}`, answer);
  }

  /** Changes properties until the next boot. */
  async setProperties(unit: string, properties: readonly Property[]): Promise<void> {
    const message: BusToken[] = [['s', unit], ['b', true], ...propertyList(properties)];
    const answer = await this.#native.callSystemd(this.#user, 'SetUnitProperties', message, false);
    if (answer.error === undefined) return;
    const names = properties.map(([name]) => name).join(', ');
    throw this.#failure(`set ${names} of ${unit}`, answer);
  }

  /**
   * Puts a process into a cgroup of a unit: a user's manager has the system's do what it may not do itself.
   *
   * @param path below the unit's own cgroup, with a leading slash
   */
  async attachProcess(unit: string, path: string, pid: number): Promise<void> {
    const message: BusToken[] = [
      ['s', unit],
      ['s', path],
      ['(', 'a', 'u'],
      ['u', BigInt(pid)],
      [')'],
    ];
    const attach = 'AttachProcessesToUnit';
    const answer = await this.#native.callSystemd(this.#user, attach, message, false);
    if (answer.error !== undefined) throw this.#failure(`move a process into ${unit}`, answer);
  }

  /** Ends a unit and has it forgotten. One that isn't there (any more) is no error. */
  async stopUnit(unit: string): Promise<void> {
    const message: BusToken[] = [
      ['s', unit],
      ['s', 'replace'],
    ];
    const answer = await this.#native.callSystemd(this.#user, 'StopUnit', message, true);
    if (answer.error?.endsWith('.NoSuchUnit')) return;
    if (answer.result !== 'done') throw this.#failure(`stop ${unit}`, answer);
    await this.#resetFailed(unit);
  }

  /** systemd refuses it for a unit that hasn't failed. */
  async #resetFailed(unit: string): Promise<void> {
    await this.#native.callSystemd(this.#user, 'ResetFailedUnit', [['s', unit]], false);
  }

  #failure(what: string, { result, error = '', message }: BusAnswer): TsruncError {
    const who = this.#user ? "the user's systemd" : 'systemd';
    const advice = adviceFor(error, this.#user);
    const why = message ?? `the job ended with "${result}"`;
    return new TsruncError(`${who} could not ${what}: ${why}${advice}`, {
      code: 'UNSUPPORTED',
      stage: 'cgroup',
    });
  }
}

function adviceFor(error: string, user: boolean): string {
  if (error === 'dlopen')
    return ': install libsystemd (Debian: libsystemd0), or use --cgroup-manager cgroupfs';
  if (error === 'errno') {
    return user
      ? ': log in so that a user manager and its bus run (XDG_RUNTIME_DIR, DBUS_SESSION_BUS_ADDRESS), or use --cgroup-manager cgroupfs'
      : ': systemd and its bus must be running, else use --cgroup-manager cgroupfs';
  }
  return error.endsWith('.UnitExists')
    ? ': another container has it; end that, or use another linux.cgroupsPath'
    : '';
}
