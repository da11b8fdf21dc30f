/** JSON whose whole numbers are exact: those that a JavaScript number can't hold become bigints. */

/** A mark that no legal configuration holds: a NUL is refused in every string. */
const MARK = '\0int:';

/** Whole numbers that may pass 2^53 and may still be 64-bit ones. What is longer is out of range in any case. */
const LONG_INTEGER = /^-?[1-9][0-9]{15,19}$/;

/** The value of a JSON text, numbers of up to 64 bits to the digit. Throws what JSON.parse throws. */
export function parseExactJson(text: string): unknown {
  // Most configurations have no number of that length, and most that do, have it in an id's string.
  if (!/[0-9]{16}/.test(text)) return JSON.parse(text);
  return JSON.parse(markIntegers(text), (_, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? exact(value.slice(MARK.length)) : value,
  );
}

/** The same text with each long integer as a marked string, for `exact` to find. */
function markIntegers(text: string): string {
  // Whole tokens, or the digits of a fraction would be taken for an integer.
  const token = /"|[0-9.eE+-]+/g;
  let marked = '';
  let copied = 0;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    if (found[0] === '"') {
      token.lastIndex = endOfString(text, token.lastIndex);
    } else if (LONG_INTEGER.test(found[0])) {
      marked += `${text.slice(copied, found.index)}"\\u0000int:${found[0]}"`;
      copied = token.lastIndex;
    }
  }
  return marked + text.slice(copied);
}

/** The place after the quote that ends a string; by hand, as a regular expression's stack is too small for megabytes. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end + 1;
}

function isEscaped(text: string, quote: number): boolean {
  let first = quote;
  while (text[first - 1] === '\\') first -= 1;
  return (quote - first) % 2 === 1;
}

function exact(digits: string): unknown {
  if (!LONG_INTEGER.test(digits)) return MARK + digits;
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : BigInt(digits);
}
