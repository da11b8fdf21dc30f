import { messages, operations, replies } from '../plan/operations.js';

/** FNV-1a of the tables' text: 32 bits that change with any of their names, types or order. */
export function fingerprint(): number {
  let hash = 0x811c9dc5;
  for (const character of JSON.stringify([operations, messages, replies])) {
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  }
  return hash;
}
