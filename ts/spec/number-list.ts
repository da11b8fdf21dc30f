/** CPUs or memory nodes as numbers and ranges: cpuset(7), "List format". */

const FORM = /^\s*(\d+(-\d+)?(\s*,\s*\d+(-\d+)?)*)?\s*$/;

/**
 * The numbers of `0-2,7`, in order, each once; none of an empty list. Undefined when it isn't such a list, when
 * a range runs backwards or a number is not below `end`.
 */
export function parseNumberList(text: string, end: number): number[] | undefined {
  if (!FORM.test(text)) return undefined;
  const numbers = new Set<number>();
  for (const part of text.split(',').map((range) => range.trim())) {
    if (part === '') continue;
    const [first = 0, last = first] = part.split('-').map(Number);
    if (first > last || last >= end) return undefined;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return [...numbers].sort((a, b) => a - b);
}

/** More than any kernel is built for (CONFIG_NR_CPUS; CONFIG_NODES_SHIFT is at most 10). */
export const MOST_CPUS = 8192;
export const MOST_NODES = 1024;
