import type { Operation, Program } from './operations.js';

/** A Program for people: one operation a line, under the phase that it belongs to. */
export function formatProgram(program: Program): string {
  const phases = [
    ['stage (in the runtime\'s namespaces)', program.stage],
    ['create (in the container\'s namespaces)', program.create],
    ['start', program.start],
  ] as const;
  return phases.map(([title, operations]) => `${title}\n${operations.map(formatOperation).join('')}`).join('\n');
}

function formatOperation({ op, ...values }: Operation): string {
  const words = Object.entries(values).flatMap(([name, value]) => formatArgument(name, value));
  return `  ${[op, ...words].join(' ')}\n`;
}

/** What is empty, zero or false is left out: it asks for nothing. */
function formatArgument(name: string, value: unknown): string[] {
  if (value === false || value === '' || value === 0n) return [];
  if (Array.isArray(value)) return value.length === 0 ? [] : [`${name}=[${value.map(formatValue).join(', ')}]`];
  return [`${name}=${formatValue(value)}`];
}

function formatValue(value: unknown): string {
  if (typeof value === 'bigint') return `0x${value.toString(16)}`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) return `{${Object.keys(value).join(', ')}}`;
  return String(value);
}

/** A Program as JSON: 64-bit numbers as strings of digits. */
export function programToJson(program: Program): string {
  return JSON.stringify(program, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value), 2);
}
