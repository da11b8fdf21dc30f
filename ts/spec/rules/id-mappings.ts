import type { Report } from '../schema.js';
import type { LinuxIDMapping } from '../types.js';

/** What the kernel takes (user_namespaces(7)). */
const MOST_MAPPINGS = 340;

/** One list of mappings, of a user namespace or of a mount. Gaps are legal. */
export function checkMappingList(
  mappings: readonly LinuxIDMapping[],
  path: string,
  report: Report,
): void {
  if (mappings.length > MOST_MAPPINGS)
    report(path, `must not have more than ${MOST_MAPPINGS} entries, has ${mappings.length}`);
  checkRanges(mappings, 'containerID', path, report);
  checkRanges(mappings, 'hostID', path, report);
}

/** The kernel refuses ranges that overlap, on either side, or run past the last id. */
function checkRanges(
  mappings: readonly LinuxIDMapping[],
  side: 'containerID' | 'hostID',
  path: string,
  report: Report,
): void {
  const sorted = mappings
    .map((mapping, index) => ({ mapping, index }))
    .sort((a, b) => a.mapping[side] - b.mapping[side]);
  let end = 0;
  for (const { mapping, index } of sorted) {
    if (mapping[side] < end)
      report(`${path}[${index}].${side}`, `overlaps another mapping: ${mapping[side]}`);
    end = Math.max(end, mapping[side] + mapping.size);
    if (mapping[side] + mapping.size > 0xffff_ffff)
      report(`${path}[${index}].size`, 'runs past the last id');
  }
}
