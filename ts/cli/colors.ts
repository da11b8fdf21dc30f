import { fstatSync } from 'node:fs';
import type { OutputDescriptor } from './output.js';

/** How parts of a text for people are set off. */
export interface Palette {
  heading(text: string): string;
  name(text: string): string;
}

export const plain: Palette = { heading: (text) => text, name: (text) => text };

/** Colours when `descriptor` is a terminal and the user hasn't said otherwise (NO_COLOR, TERM=dumb), else none. */
export async function paletteFor(descriptor: OutputDescriptor): Promise<Palette> {
  const { NO_COLOR, TERM } = process.env;
  if (NO_COLOR || TERM === 'dumb' || !mayBeTerminal(descriptor)) return plain;
  const { isatty } = await import('node:tty');
  if (!isatty(descriptor)) return plain;
  const { default: kleur } = await import('kleur');
  kleur.enabled = true;
  return { heading: (text) => kleur.bold(text), name: (text) => kleur.cyan(text) };
}

/** Spares most calls the loading of node:tty. */
function mayBeTerminal(descriptor: OutputDescriptor): boolean {
  try {
    return fstatSync(descriptor).isCharacterDevice();
  } catch {
    return false;
  }
}
