import type { Context } from './context.js';

/** The words of RFC 2119 that the specification uses, and `property` for what a property simply means. */
export type Level = 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'MAY' | 'property';

export type Test = (t: Context) => Promise<void>;

/** One thing that the specification demands. */
export interface Rule {
  /** The document, the section's anchor and a name: `config.md#configProcess/cwd`. */
  readonly id: string;
  readonly level: Level;
  /** What is demanded, in a few words. */
  readonly text: string;
  /** The section's title. */
  readonly section: string;
  readonly test: Test;
}

type Add = (name: string, text: string, test: Test) => void;

export interface Section {
  readonly rules: readonly Rule[];
  readonly must: Add;
  readonly mustNot: Add;
  readonly should: Add;
  readonly shouldNot: Add;
  readonly may: Add;
  readonly property: Add;
}

/**
 * The rules of one section of the specification.
 * @param anchor document and anchor: `config.md#configProcess`
 * @param title the section's heading
 */
export function section(anchor: string, title: string): Section {
  const rules: Rule[] = [];
  const add =
    (level: Level): Add =>
    (name, text, test) => {
      rules.push({ id: `${anchor}/${name}`, level, text, section: title, test });
    };
  return {
    rules,
    must: add('MUST'),
    mustNot: add('MUST NOT'),
    should: add('SHOULD'),
    shouldNot: add('SHOULD NOT'),
    may: add('MAY'),
    property: add('property'),
  };
}

/** Thrown by a test that can't tell on this machine, or of a runtime that may do without. */
export class Skip extends Error {}
