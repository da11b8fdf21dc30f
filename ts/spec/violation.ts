/** One way in which a configuration breaks the specification, or asks for what can't be done. */
export interface Violation {
  /** `process.rlimits[2].type`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}
