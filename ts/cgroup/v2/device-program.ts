import { ALL_ACCESS, type DeviceRule } from '../device-rules.js';

/**
 * Compiles rules to an eBPF program of type CGROUP_DEVICE: 8 bytes for each instruction, little-endian as all
 * machines that tsrunc runs on. It gets a request (<linux/bpf.h>, struct bpf_cgroup_dev_ctx) and returns 1 to
 * allow it, 0 to deny it.
 *
 * A request may ask for several kinds of access at once, and the last rule that names a kind decides on it. So the
 * program goes through the rules from the last to the first with the kinds that are still open: an allowing rule
 * closes those that it names, and a denying one that names any of them is the end. What stays open is allowed:
 * the programs of the parent cgroups are asked, too.
 */
export function compileDeviceProgram(rules: readonly DeviceRule[]): Uint8Array {
  const program = [
    loadField(TYPE, 0),
    move(OPEN, TYPE),
    operate(AND, TYPE, 0xffff),
    operate(SHIFT_RIGHT, OPEN, 16),
    loadField(MAJOR, 4),
    loadField(MINOR, 8),
  ];
  for (const rule of [...rules].reverse()) {
    const conditions = matchConditions(rule);
    const verdict = decide(rule);
    let distance = conditions.length + verdict.length;
    for (const condition of conditions) program.push(skipUnlessEqual(condition, --distance));
    program.push(...verdict);
    // The verifier refuses instructions that can't be reached.
    if (conditions.length === 0 && rule.access === ALL_ACCESS) return encode(program);
  }
  return encode([...program, ...exit(true)]);
}

interface Instruction {
  readonly opcode: number;
  readonly target: number;
  readonly source?: number;
  /** Instructions to skip, or bytes. */
  readonly offset?: number;
  readonly value?: number;
}

/** Registers. The request is in 1 at the beginning, the result in 0 at the end. */
const RESULT = 0;
const CONTEXT = 1;
const OPEN = 2;
const TYPE = 3;
const MAJOR = 4;
const MINOR = 5;

/** Opcodes of <linux/bpf.h>: 32-bit load; 64-bit arithmetic; jumps, of which the 32-bit ones take an unsigned value. */
const LOAD = 0x61;
const MOVE_REGISTER = 0xbf;
const MOVE = 0xb7;
const AND = 0x57;
const SHIFT_RIGHT = 0x77;
const JUMP_UNLESS_EQUAL = 0x56;
const JUMP_IF_ANY_BIT = 0x45;
const JUMP = 0x05;
const EXIT = 0x95;

/** BPF_DEVCG_DEV_*. */
const deviceTypes = { b: 1, c: 2 } as const;

type Condition = readonly [register: number, value: number];

function matchConditions({ type, major, minor }: DeviceRule): Condition[] {
  const conditions: Condition[] = [];
  if (type !== 'a') conditions.push([TYPE, deviceTypes[type]]);
  if (major !== undefined) conditions.push([MAJOR, major]);
  if (minor !== undefined) conditions.push([MINOR, minor]);
  return conditions;
}

/** What to do with a request that the rule matches. */
function decide({ allow, access }: DeviceRule): Instruction[] {
  if (access === ALL_ACCESS) return exit(allow);
  if (allow) return [operate(AND, OPEN, ~access), skipUnlessEqual([OPEN, 0], 2), ...exit(true)];
  return [
    { opcode: JUMP_IF_ANY_BIT, target: OPEN, value: access, offset: 1 },
    { opcode: JUMP, target: 0, offset: 2 },
    ...exit(false),
  ];
}

function loadField(target: number, offset: number): Instruction {
  return { opcode: LOAD, target, source: CONTEXT, offset };
}

function move(target: number, source: number): Instruction {
  return { opcode: MOVE_REGISTER, target, source };
}

function operate(opcode: number, target: number, value: number): Instruction {
  return { opcode, target, value };
}

function skipUnlessEqual([target, value]: Condition, offset: number): Instruction {
  return { opcode: JUMP_UNLESS_EQUAL, target, value, offset };
}

function exit(allow: boolean): Instruction[] {
  return [operate(MOVE, RESULT, allow ? 1 : 0), { opcode: EXIT, target: 0 }];
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(program.length * 8));
  for (const [index, { opcode, target, source = 0, offset = 0, value = 0 }] of program.entries()) {
    bytes.setUint8(index * 8, opcode);
    bytes.setUint8(index * 8 + 1, (source << 4) | target);
    bytes.setInt16(index * 8 + 2, offset, true);
    bytes.setInt32(index * 8 + 4, value, true);
  }
  return new Uint8Array(bytes.buffer);
}
