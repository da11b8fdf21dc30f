import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type DeviceRule, resolveDeviceRules } from '../../../ts/cgroup/device-rules.js';
import { deviceLimits } from '../../../ts/cgroup/v1/devices.js';
import { compileDeviceProgram } from '../../../ts/cgroup/v2/device-program.js';
import { TsruncError } from '../../../ts/errors.js';

interface Request {
  readonly type: 'c' | 'b';
  readonly major: number;
  readonly minor: number;
  /** Bits: 1 mknod, 2 read, 4 write. */
  readonly access: number;
}

const any = undefined;

/** What the rules mean: of each kind of access, the last rule that names it. */
function judge(rules: readonly DeviceRule[], request: Request): boolean {
  return [1, 2, 4]
    .filter((bit) => (request.access & bit) !== 0)
    .every((bit) => {
      const last = rules.findLast(
        ({ type, major, minor, access }) =>
          (type === 'a' || type === request.type) &&
          (major === any || major === request.major) &&
          (minor === any || minor === request.minor) &&
          (access & bit) !== 0,
      );
      return last?.allow ?? true;
    });
}

/** Runs the few eBPF instructions that there are, as the kernel's documentation describes them. */
function run(program: Uint8Array, { type, major, minor, access }: Request): boolean {
  const view = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const context = new Map([
    [0, BigInt(access * 65536 + (type === 'b' ? 1 : 2))],
    [4, BigInt(major)],
    [8, BigInt(minor)],
  ]);
  const registers = new Array<bigint>(11).fill(0n);
  for (let at = 0, steps = 0; steps < 10_000; at++, steps++) {
    assert.ok(at >= 0 && at * 8 < program.length, 'runs into nothing');
    const opcode = view.getUint8(at * 8);
    const target = view.getUint8(at * 8 + 1) & 15;
    const source = view.getUint8(at * 8 + 1) >> 4;
    const offset = view.getInt16(at * 8 + 2, true);
    const value = BigInt.asUintN(64, BigInt(view.getInt32(at * 8 + 4, true)));
    const register = registers[target] ?? 0n;
    if (opcode === 0x61) {
      assert.is(source, 1);
      const field = context.get(offset);
      assert.ok(field !== undefined, 'reads outside of the context');
      registers[target] = field;
    } else if (opcode === 0xbf) registers[target] = registers[source] ?? 0n;
    else if (opcode === 0xb7) registers[target] = value;
    else if (opcode === 0x57) registers[target] = register & value;
    else if (opcode === 0x77) registers[target] = register >> value;
    else if (opcode === 0x56)
      at += BigInt.asUintN(32, register) === BigInt.asUintN(32, value) ? 0 : offset;
    else if (opcode === 0x45) at += (register & value) === 0n ? 0 : offset;
    else if (opcode === 0x05) at += offset;
    else if (opcode === 0x95) return registers[0] === 1n;
    else throw new Error(`no such instruction: ${opcode}`);
  }
  throw new Error('does not end');
}

/** A v1 devices cgroup: what security/device_cgroup.c does with writes, and how it judges. */
class KernelDevices {
  #allow = true;
  #exceptions = new Map<string, { fields: string[]; access: Set<string> }>();

  write(file: string, value: string): void {
    const allow = file === 'devices.allow';
    if (value === 'a') {
      this.#allow = allow;
      this.#exceptions.clear();
      return;
    }
    const match = /^([cb]) (\d+|\*):(\d+|\*) ([rwm]+)$/.exec(value);
    assert.ok(match, value);
    const [, type = '', major = '', minor = '', letters = ''] = match;
    const key = [type, major, minor].join(' ');
    const exception = this.#exceptions.get(key) ?? {
      fields: [type, major, minor],
      access: new Set(),
    };
    for (const letter of letters) {
      if (allow === this.#allow) exception.access.delete(letter);
      else exception.access.add(letter);
    }
    this.#exceptions.set(key, exception);
  }

  judge({ type, major, minor, access }: Request): boolean {
    const wants = ['m', 'r', 'w'].filter((_, index) => (access & (1 << index)) !== 0);
    const matching = [...this.#exceptions.values()].filter(
      ({ fields: [t, maj, min] }) =>
        t === type &&
        ['*', String(major)].includes(maj ?? '') &&
        ['*', String(minor)].includes(min ?? ''),
    );
    return this.#allow
      ? !matching.some((exception) => wants.some((letter) => exception.access.has(letter)))
      : matching.some((exception) => wants.every((letter) => exception.access.has(letter)));
  }
}

const number = fc.constantFrom(any, 1, 3, 2 ** 32 - 1);
const rules: fc.Arbitrary<DeviceRule[]> = fc
  .array(
    fc.oneof(
      {
        weight: 1,
        arbitrary: fc.constant({ type: 'a' as const, major: any, minor: any, access: 7 }),
      },
      {
        weight: 4,
        arbitrary: fc.record({
          type: fc.constantFrom('a' as const, 'b' as const, 'c' as const),
          major: number,
          minor: number,
          access: fc.integer({ min: 0, max: 7 }),
        }),
      },
    ),
    { maxLength: 8 },
  )
  .chain((list) =>
    fc
      .array(fc.boolean(), { minLength: list.length, maxLength: list.length })
      .map((allows) => list.map((rule, index) => ({ ...rule, allow: allows[index] ?? true }))),
  );

const requests: Request[] = (['b', 'c'] as const).flatMap((type) =>
  [1, 2, 3, 2 ** 32 - 1].flatMap((major) =>
    [1, 2, 3].flatMap((minor) =>
      [1, 2, 3, 4, 5, 6, 7].map((access) => ({ type, major, minor, access })),
    ),
  ),
);

test('a program judges as the rules do', () => {
  fc.assert(
    fc.property(rules, (list) => {
      const program = compileDeviceProgram(list);
      for (const request of requests) {
        assert.is(run(program, request), judge(list, request), JSON.stringify(request));
      }
    }),
    { numRuns: 300 },
  );
});

test('all instructions of a program can be reached, as the verifier wants it', () => {
  fc.assert(
    fc.property(rules, (list) => {
      const program = compileDeviceProgram(list);
      const view = new DataView(program.buffer);
      const reached = new Set<number>();
      const open = [0];
      for (let at = open.pop(); at !== undefined; at = open.pop()) {
        if (reached.has(at)) continue;
        reached.add(at);
        const opcode = view.getUint8(at * 8);
        const jump = at + 1 + view.getInt16(at * 8 + 2, true);
        if (opcode === 0x56 || opcode === 0x45) open.push(at + 1, jump);
        else if (opcode === 0x05) open.push(jump);
        else if (opcode !== 0x95) open.push(at + 1);
      }
      assert.is(reached.size, program.length / 8);
    }),
  );
});

test('what cgroup v1 is told judges as the rules do, or they are refused', () => {
  let carriedOut = 0;
  fc.assert(
    fc.property(rules, (list) => {
      const kernel = new KernelDevices();
      try {
        for (const { file, value } of deviceLimits(list)) kernel.write(file, value);
      } catch (error) {
        assert.ok(error instanceof TsruncError);
        assert.is(error.code, 'UNSUPPORTED');
        return;
      }
      carriedOut++;
      // Of requests for several kinds at once the kernel asks that one entry has them all.
      for (const request of requests.filter(({ access }) => [1, 2, 4].includes(access))) {
        assert.is(kernel.judge(request), judge(list, request), JSON.stringify(request));
      }
    }),
    { numRuns: 500 },
  );
  assert.ok(carriedOut > 100, `only ${carriedOut}`);
});

/** What Docker and containerd write into each configuration. */
const usual = [{ allow: false, access: 'rwm' }];

test('the usual rules leave the default devices, and the making of nodes', () => {
  const program = compileDeviceProgram(resolveDeviceRules(usual));
  const kernel = new KernelDevices();
  for (const { file, value } of deviceLimits(resolveDeviceRules(usual))) kernel.write(file, value);
  const expected: [
    type: 'c' | 'b',
    major: number,
    minor: number,
    access: number,
    allowed: boolean,
  ][] = [
    ['c', 1, 3, 7, true],
    ['c', 1, 5, 6, true],
    ['c', 1, 9, 2, true],
    ['c', 5, 0, 6, true],
    ['c', 5, 1, 6, true],
    ['c', 5, 2, 6, true],
    ['c', 136, 17, 6, true],
    ['b', 8, 0, 1, true],
    ['c', 10, 200, 1, true],
    ['b', 8, 0, 2, false],
    ['b', 1, 3, 4, false],
    ['c', 1, 1, 2, false],
    ['c', 10, 200, 6, false],
  ];
  for (const [type, major, minor, access, allowed] of expected) {
    const request = { type, major, minor, access };
    assert.is(run(program, request), allowed, JSON.stringify(request));
    assert.is(kernel.judge(request), allowed, JSON.stringify(request));
  }
});

test('v1 is told in few writes, each device once', () => {
  const list = [...usual, { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' }];
  const writes = deviceLimits(resolveDeviceRules(list)).map(
    ({ file, value }) => `${file}: ${value}`,
  );
  assert.is(writes[0], 'devices.deny: a');
  assert.equal(
    writes.filter((line) => line.includes('1:3')),
    ['devices.allow: c 1:3 rwm'],
  );
  assert.is(new Set(writes).size, writes.length);
});

test('an exception that v1 would silently ignore is refused', () => {
  const list = [
    ...usual,
    { allow: true, type: 'c', major: 10, access: 'rwm' },
    { allow: false, type: 'c', major: 10, minor: 200, access: 'w' },
  ];
  assert.throws(
    () => deviceLimits(resolveDeviceRules(list)),
    /linux\.resources\.devices\[2\] \(c 10:200 w\) can't be applied: .* \(c 10:\* rwm\)/,
  );
  assert.not.ok(
    run(compileDeviceProgram(resolveDeviceRules(list)), {
      type: 'c',
      major: 10,
      minor: 200,
      access: 4,
    }),
  );
});

test('left out is all; so is -1; a number of more than 32 bits is no device', () => {
  const [rule] = resolveDeviceRules([{ allow: true }]);
  assert.equal(rule, { allow: true, type: 'a', major: any, minor: any, access: 7 });
  const [wild] = resolveDeviceRules([{ allow: true, type: 'b', major: 8, minor: -1, access: 'r' }]);
  assert.equal(wild, { allow: true, type: 'b', major: 8, minor: any, access: 2 });
  assert.throws(
    () => resolveDeviceRules([{ allow: true, type: 'c', major: 1, minor: 2 ** 32 }]),
    /linux\.resources\.devices\[0\]\.minor is 4294967296/,
  );
});

test.run();
