/**
 * Writes cpp/core/operations.h and ts/native/operation-encoder.ts from ts/plan/operations.ts and messages.ts, and the same of
 * ts/resident/messages.ts for the launcher. `--check` only says whether they are up to date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { messages, replies } from '../ts/plan/messages.js';
import { operations } from '../ts/plan/operations.js';
import { orders, reports } from '../ts/resident/messages.js';

const file = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** FNV-1a of the tables' text: 32 bits that change with any of their names, types or order. */
function fingerprint(tables: unknown): string {
  let hash = 0x811c9dc5;
  for (const character of JSON.stringify(tables)) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  }
  return `0x${hash.toString(16).padStart(8, '0')}`;
}

const cppTypes = {
  bool: 'bool',
  u32: 'uint32_t',
  i32: 'int32_t',
  u64: 'uint64_t',
  string: 'const char*',
  'string[]': 'StringList',
  'u32[]': 'U32List',
  filter: 'Bytes',
} as const;

const pascal = (name: string): string => name[0]?.toUpperCase() + name.slice(1);
const snake = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

type Tables = Readonly<Record<string, Readonly<Record<string, keyof typeof cppTypes>>>>;

function struct(name: string, shape: Readonly<Record<string, keyof typeof cppTypes>>): string {
  const fields = Object.entries(shape).map(
    ([field, type]) => `  ${cppTypes[type]} ${snake(field)}{};`,
  );
  return [`struct ${pascal(name)} {`, ...fields, '};'].join('\n');
}

function decode(shape: Readonly<Record<string, keyof typeof cppTypes>>): string {
  return Object.keys(shape)
    .map((field) => `      reader.read(op.${snake(field)});\n`)
    .join('');
}

function enumeration(name: string, table: Tables): string {
  const rows = Object.keys(table).map((row, index) => `  ${pascal(row)} = ${index + 1},`);
  return [`enum class ${name} : uint8_t {`, ...rows, '};'].join('\n');
}

/** A function that decodes one entry of a table and gives it to its receiver. */
function dispatch(table: Tables, receiver: string, method: string, code: string): string {
  const type = pascal(receiver);
  const cases = Object.entries(table).map(
    ([name, shape]) =>
      `    case ${code}::${pascal(name)}: {\n      ${pascal(name)} op;\n${decode(shape)}      if (!reader.at_end()) return malformed();\n      return ${receiver}.${method}(op);\n    }`,
  );
  return `template <typename ${type}>
auto dispatch(uint8_t code, Reader& reader, ${type}& ${receiver}) -> decltype(${receiver}.malformed()) {
  const auto malformed = [&] { return ${receiver}.malformed(); };
  switch (static_cast<${code}>(code)) {
${cases.join('\n')}
  }
  return malformed();
}`;
}

const structs = (table: Tables): string =>
  Object.entries(table)
    .map(([name, shape]) => struct(name, shape))
    .join('\n\n');

function render(): string {
  return `// Made by \`npm run generate\` from ts/plan/operations.ts. Don't edit.
#pragma once

#include "wire.h"

namespace tsrunc::operations {

/** Of the tables that this file was made from; a Program made from others is refused. */
inline constexpr uint32_t kFingerprint = ${fingerprint([operations, messages, replies])};

${enumeration('Code', operations)}

${structs(operations)}

/** Decodes the arguments of one operation and gives them to the executor's \`run\`. */
${dispatch(operations, 'executor', 'run', 'Code')}

}  // namespace tsrunc::operations

namespace tsrunc {

${enumeration('Message', messages)}

${enumeration('Reply', replies)}

}  // namespace tsrunc
`;
}

function renderMessages(): string {
  return `// Made by \`npm run generate\` from ts/resident/messages.ts. Don't edit.
#pragma once

#include "../core/wire.h"

namespace tsrunc::messages {

/** Of the tables that this file was made from; a host that was built from others declines the call. */
inline constexpr uint32_t kFingerprint = ${fingerprint([orders, reports])};

${enumeration('Order', orders)}

${enumeration('Report', reports)}

${structs(orders)}

/** Decodes one order and gives it to the follower's \`follow\`. */
${dispatch(orders, 'follower', 'follow', 'Order')}

}  // namespace tsrunc::messages
`;
}

function renderConstant(source: string, of: string, tables: unknown): string {
  return `// Made by \`npm run generate\` from ${source}. Don't edit.

/** ${of} */
export const FINGERPRINT = ${fingerprint(tables)};
`;
}

const methods = {
  bool: 'bool',
  u32: 'u32',
  i32: 'i32',
  u64: 'u64',
  string: 'string',
  'string[]': 'strings',
  'u32[]': 'numbers',
  filter: 'filter',
} as const satisfies Record<keyof typeof cppTypes, string>;

function renderEncoder(table: Tables): string {
  const cases = Object.entries(table).map(([name, shape], index) => {
    const calls = Object.entries(shape).map(
      ([field, type]) => `      out.${methods[type]}(operation.${field});\n`,
    );
    return `    case '${name}':\n${calls.join('')}      return ${index + 1};`;
  });
  return `// Made by \`npm run generate\` from ts/plan/operations.ts and messages.ts. Don't edit.
import type { Operation } from '../plan/operations.js';
import type { Encoder } from './encode.js';

/** Of the tables of operations and messages; init refuses a Program made from others than it was. */
export const FINGERPRINT = ${fingerprint([operations, messages, replies])};

const names =
  ' ${Object.keys(table).join(' ')}';

/** The operations by their codes, from 1. */
export const operationNames = (): string[] => names.split(' ');

/** Writes an operation's arguments, in the table's order, and returns its code. */
export function writeArguments(out: Encoder, operation: Operation): number {
  switch (operation.op) {
${cases.join('\n')}
  }
}
`;
}

const outputs: readonly (readonly [path: string, text: string])[] = [
  ['cpp/core/operations.h', render()],
  ['ts/native/operation-encoder.ts', renderEncoder(operations)],
  ['cpp/launcher/messages.h', renderMessages()],
  [
    'ts/resident/fingerprint.ts',
    renderConstant(
      'ts/resident/messages.ts',
      'Of the tables of orders and reports; a launcher that was built from others is declined.',
      [orders, reports],
    ),
  ],
];

for (const [path, text] of outputs) {
  if (!process.argv.includes('--check')) {
    writeFileSync(file(path), text);
  } else if (readFileSync(file(path), 'utf8') !== text) {
    console.error(`${path} is older than its tables: run \`npm run generate\``);
    process.exitCode = 1;
  }
}
