import { TsruncError } from '../../errors.js';
import { flag, list, type Property, text, type Variant, whole } from './bus.js';

const PREFIX = 'org.systemd.property.';

/**
 * Properties of the scope that annotations `org.systemd.property.NAME` ask for, their values in GVariant's text format:
 * `true`, `'text'`, `7`, `uint64 7`, `['a', 'b']`. A name that ends in `Sec` takes seconds, as in unit files, for the
 * property in microseconds.
 *
 * @throws TsruncError INVALID_CONFIG for a name or a value that is none
 */
export function annotatedProperties(annotations: Readonly<Record<string, string>>): Property[] {
  return Object.entries(annotations).flatMap(([annotation, value]): Property[] => {
    if (!annotation.startsWith(PREFIX)) return [];
    const name = annotation.slice(PREFIX.length);
    if (!/^[A-Z][A-Za-z]+$/.test(name))
      throw refused(annotation, `${JSON.stringify(name)} can’t be the name of a property`);
    if (!/Sec$/.test(name) || /USec$/.test(name)) return [[name, parse(annotation, value)]];
    return [[name.replace(/Sec$/, 'USec'), microseconds(annotation, value)]];
  });
}

/** GVariant's keywords for D-Bus's whole numbers. */
const keywords: Readonly<Record<string, string>> = {
  byte: 'y',
  int16: 'n',
  uint16: 'q',
  int32: 'i',
  uint32: 'u',
  int64: 'x',
  uint64: 't',
};

const ranges: Readonly<Record<string, readonly [low: bigint, high: bigint]>> = {
  y: [0n, 255n],
  n: [-(2n ** 15n), 2n ** 15n - 1n],
  q: [0n, 2n ** 16n - 1n],
  i: [-(2n ** 31n), 2n ** 31n - 1n],
  u: [0n, 2n ** 32n - 1n],
  x: [-(2n ** 63n), 2n ** 63n - 1n],
  t: [0n, 2n ** 64n - 1n],
};

function parse(annotation: string, source: string): Variant {
  const value = source.trim();
  const [, keyword = '', rest = ''] =
    /^(@[bsynqiuxt]|byte|u?int16|u?int32|u?int64)\s+(.+)$/s.exec(value) ?? [];
  const type = keyword.startsWith('@') ? keyword.slice(1) : keywords[keyword];
  if (type !== undefined) return basic(annotation, rest, type);
  if (!value.startsWith('[')) return basic(annotation, value);
  if (!value.endsWith(']')) throw refused(annotation, 'the list has no end');
  const items = split(value.slice(1, -1)).map((item) => basic(annotation, item));
  const [first] = items;
  if (first === undefined || items.some(({ signature }) => signature !== first.signature))
    throw refused(annotation, 'a list has values, all of one type');
  return list(first.signature, items);
}

/** At commas that aren't in quotes. */
function split(inside: string): string[] {
  return [...inside.matchAll(/(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^,'"])+/gs)].map(([item]) =>
    item.trim(),
  );
}

function basic(annotation: string, value: string, type?: string): Variant {
  const isText = type === undefined || type === 's';
  const quoted = /^'((?:\\.|[^'\\])*)'$|^"((?:\\.|[^"\\])*)"$/s.exec(value);
  if (quoted !== null && isText)
    return text((quoted[1] ?? quoted[2] ?? '').replace(/\\(['"\\])/g, '$1'));
  if ((value === 'true' || value === 'false') && (type === undefined || type === 'b'))
    return flag(value === 'true');
  if (/^-?[0-9]+$/.test(value)) {
    const [low, high] = ranges[type ?? 'i'] ?? [1n, 0n];
    const number = BigInt(value);
    if (number >= low && number <= high) return whole(type ?? 'i', number);
  }
  throw refused(
    annotation,
    `${JSON.stringify(value)} is no value: true, 'text' in quotes, 7, uint64 7 or a list of such in brackets`,
  );
}

function microseconds(annotation: string, value: string): Variant {
  const [, seconds] = /^(?:[a-z0-9@]+\s+)?([0-9]+(?:\.[0-9]+)?)$/.exec(value.trim()) ?? [];
  if (seconds === undefined)
    throw refused(annotation, `${JSON.stringify(value)} is no number of seconds`);
  return whole('t', BigInt(Math.round(Number(seconds) * 1_000_000)));
}

function refused(annotation: string, why: string): TsruncError {
  return new TsruncError(`config.json: annotations: ${annotation}: ${why}`, {
    code: 'INVALID_CONFIG',
    stage: 'config',
  });
}
