/** Writes cpp/core/operations.h and ts/native/fingerprint.ts from ts/plan/operations.ts. `--check` only says whether they are up to date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { messages, operations, replies } from '../ts/plan/operations.js';

const header = fileURLToPath(new URL('../cpp/core/operations.h', import.meta.url));
const constant = fileURLToPath(new URL('../ts/native/fingerprint.ts', import.meta.url));

/** FNV-1a of the tables' text: 32 bits that change with any of their names, types or order. */
function fingerprint(): string {
  let hash = 0x811c9dc5;
  for (const character of JSON.stringify([operations, messages, replies])) {
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

function render(): string {
  const table: Tables = operations;
  const cases = Object.entries(table).map(
    ([name, shape]) =>
      `    case Code::${pascal(name)}: {\n      ${pascal(name)} op;\n${decode(shape)}      if (!reader.at_end()) return malformed();\n      return executor.run(op);\n    }`,
  );
  return `// Made by \`npm run generate\` from ts/plan/operations.ts. Don't edit.
#pragma once

#include "wire.h"

namespace tsrunc::operations {

/** Of the tables that this file was made from; a Program made from others is refused. */
inline constexpr uint32_t kFingerprint = ${fingerprint()};

${enumeration('Code', table)}

${Object.entries(table)
  .map(([name, shape]) => struct(name, shape))
  .join('\n\n')}

/** Decodes the arguments of one operation and gives them to the executor's \`run\`. */
template <typename Executor>
auto dispatch(uint8_t code, Reader& reader, Executor& executor) -> decltype(executor.malformed()) {
  const auto malformed = [&] { return executor.malformed(); };
  switch (static_cast<Code>(code)) {
${cases.join('\n')}
  }
  return malformed();
}

}  // namespace tsrunc::operations

namespace tsrunc {

${enumeration('Message', messages)}

${enumeration('Reply', replies)}

}  // namespace tsrunc
`;
}

const outputs: readonly (readonly [file: string, text: string])[] = [
  [header, render()],
  [
    constant,
    `// Made by \`npm run generate\` from ts/plan/operations.ts. Don't edit.

/** Of the tables of operations and messages; init refuses a Program made from others than it was. */
export const FINGERPRINT = ${fingerprint()};
`,
  ],
];

for (const [file, text] of outputs) {
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
  } else if (readFileSync(file, 'utf8') !== text) {
    console.error(`${file} is older than ts/plan/operations.ts: run \`npm run generate\``);
    process.exitCode = 1;
  }
}
