/** JSON whose whole numbers are exact: those that a JavaScript number can't hold become bigints. */

/** A mark that no legal configuration holds: a NUL is refused in every string. */
const MARK = '\0int:';

export function parseExactJson(text: string): unknown {
  // Most configurations have no number of that length, and most that do, have it in an id's string.
  if (!/[0-9]{16}/.test(text)) return JSON.parse(text);
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?[0-9]{16,}(?![0-9.eE])/gs, (token) =>
    token.startsWith('"') ? token : `"\\u0000int:${token}"`,
  );
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? exact(value.slice(MARK.length)) : value,
  );
}

function exact(digits: string): unknown {
  if (!/^-?[0-9]+$/.test(digits)) return MARK + digits;
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : BigInt(digits);
}
