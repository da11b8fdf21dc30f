// Made by `npm run generate` from ts/plan/operations.ts. Don't edit.

/** Of the tables of operations and messages; init refuses a Program made from others than it was. */
export const FINGERPRINT = 0x1ce9f06b;
